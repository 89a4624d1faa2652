"""The baseline of the speed ratios: CIFAR-10 training as most tutorials write it.

`python -m cifar_core.bench.plain --workspace=DIR --dataset=NAME --epochs=N [--seed=S]` prints one JSON line per
epoch. Pictures become PIL images and pass through torchvision's transforms one by one; a `DataLoader` makes batches of
64; the network is that of the preset `original`, with its layers in the order of the tutorials; Adam's rate is 1e-3.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import transforms

from cifar_core.data import Split, open_dataset
from cifar_core.workspace import Workspace


class PictureList(TorchDataset[tuple[torch.Tensor, int]]):
    """A dataset of single pictures like `torchvision.datasets.CIFAR10`."""

    def __init__(self, split: Split, transform: transforms.Compose) -> None:
        self.images = np.ascontiguousarray(split.images.transpose(0, 2, 3, 1))  # [N, 32, 32, 3]
        self.labels = np.asarray(split.labels)
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


class Net(nn.Module):
    """A network of two convolutions and three fully connected layers."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, classes)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits [B, classes] of pictures [B, 3, 32, 32]."""
        return self.classifier(self.features(images).flatten(1))


def main() -> int:
    """Train, and print each epoch's seconds and test accuracy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--epochs", required=True, type=int)
    parser.add_argument("--seed", default=0, type=int)
    arguments = parser.parse_args()
    dataset = open_dataset(Workspace(arguments.workspace), arguments.dataset)
    torch.manual_seed(arguments.seed)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(dataset.mean, dataset.std)])
    train = DataLoader(PictureList(dataset.train, transform), batch_size=64, shuffle=True)
    test = DataLoader(PictureList(dataset.test, transform), batch_size=64)
    net = Net(len(dataset.class_names))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    for epoch in range(1, arguments.epochs + 1):
        start = time.perf_counter()
        net.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(net(images), labels).backward()
            optimizer.step()
        net.eval()
        right = 0
        with torch.no_grad():
            for images, labels in test:
                right += int((net(images).argmax(1) == labels).sum())
        seconds = time.perf_counter() - start
        print(json.dumps({"epoch": epoch, "seconds": seconds, "test_accuracy": right / len(dataset.test.labels)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
