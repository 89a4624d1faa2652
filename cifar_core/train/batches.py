"""Pictures as tensors: resident once as bytes, shuffled, varied and normalised batch by batch."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from cifar_core.config import DataConfig
from cifar_core.data import Dataset, Split, augment, draw_variation, usable_std
from cifar_core.train.splits import split_training

_STREAM = 2  # keeps the shuffling's use of the seed apart from the others
_CHUNK = 4096  # pictures varied at once: large enough that grouping by shift pays, small enough for the cache


@dataclass(frozen=True)
class Pictures:
    """One part of a dataset, ready to be computed on."""

    pixels: torch.Tensor  # uint8 [N, 32, 32, 3]: in memory as convolutions like it best (channels last)
    labels: torch.Tensor  # int64 [N]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class TrainingData:
    """All that a run computes on."""

    train: Pictures
    validation: Pictures
    test: Pictures
    mean: torch.Tensor  # float32 [3, 1, 1], in units of a pixel's 0..255
    std: torch.Tensor  # likewise
    classes: int


def load_training_data(dataset: Dataset, config: DataConfig, seed: int, device: torch.device) -> TrainingData:
    """Split a dataset honestly and bring it into memory once.

    Raises:
        DataError: too small for the wanted parts.
    """
    chosen, judges = split_training(
        np.asarray(dataset.train.labels),
        train_share=config.train_share,
        validation_share=config.validation_share,
        seed=seed,
    )
    return TrainingData(
        train=_pictures(dataset.train, chosen, device),
        validation=_pictures(dataset.train, judges, device),
        test=_pictures(dataset.test, np.arange(len(dataset.test.labels)), device),
        mean=_per_channel(dataset.mean, device),
        std=_per_channel(usable_std(dataset.std), device),
        classes=len(dataset.class_names),
    )


def _pictures(split: Split, positions: np.ndarray, device: torch.device) -> Pictures:
    # a block at a time, so that the copy in the other layout is the only one in memory
    pixels = np.empty((len(positions), 32, 32, 3), np.uint8)
    for start in range(0, len(positions), _CHUNK):
        block = split.images[positions[start : start + _CHUNK]]  # [B, 3, 32, 32]
        pixels[start : start + len(block)] = block.transpose(0, 2, 3, 1)
    labels = np.asarray(split.labels)[positions].astype(np.int64)
    return Pictures(torch.from_numpy(pixels).to(device), torch.from_numpy(labels).to(device))


def _per_channel(values: tuple[float, float, float], device: torch.device) -> torch.Tensor:
    return (torch.tensor(values, dtype=torch.float32, device=device) * 255).reshape(3, 1, 1)


def normalise(pixels: torch.Tensor, data: TrainingData) -> torch.Tensor:
    """Bytes [B, 3, 32, 32] to floats with mean 0 and standard deviation 1 over the training part, per channel."""
    floats = pixels.to(torch.float32, memory_format=torch.channels_last)
    return floats.sub_(data.mean).div_(data.std)


def epoch_batches(
    data: TrainingData, config: DataConfig, batch_size: int, *, seed: int, epoch: int, start: int = 0
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """The batches of one epoch, in an order and with variations that depend on (seed, epoch, position) alone.

    Args:
        data: the run's data.
        config: which variations to draw.
        batch_size: pictures; the last batch may be smaller.
        seed: of the run.
        epoch: 1-based.
        start: first batch wanted, for a run that goes on in the middle of an epoch.

    Yields:
        Pictures float32 [B, 3, 32, 32] (channels last), labels int64 [B].
    """
    device = data.train.labels.device
    order = torch.from_numpy(np.random.default_rng([seed, _STREAM, epoch]).permutation(len(data.train))).to(device)
    per_chunk = max(1, _CHUNK // batch_size)
    for chunk in range(start // per_chunk, -(-len(order) // (per_chunk * batch_size))):
        chosen = order[chunk * per_chunk * batch_size : (chunk + 1) * per_chunk * batch_size]
        pixels = data.train.pixels[chosen].permute(0, 3, 1, 2)  # [C, 3, 32, 32], channels last in memory
        if config.flip or config.shift or config.cutout:
            rng = np.random.default_rng([seed, _STREAM, epoch, chunk])
            pixels = augment(pixels, draw_variation(config, len(chosen), rng))
        labels = data.train.labels[chosen]
        skip = start - chunk * per_chunk if chunk == start // per_chunk else 0
        for at in range(skip * batch_size, len(chosen), batch_size):
            yield normalise(pixels[at : at + batch_size], data), labels[at : at + batch_size]
