"""The class probabilities that a network predicts, and its loss and accuracy on validation and test pictures."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.config import DataConfig, Precision
from cifar_core.train.batches import Pictures, TrainingData, normalise
from cifar_core.train.device import computing_in
from cifar_core.train.epochs import LOSS_CLIP
from cifar_core.train.ranks import ALONE, Ranks

BATCH = 256  # pictures: larger batches were no faster, and slower with a wide network


def config_with_views(config: DataConfig, views: int | None) -> DataConfig:
    """The settings of a measurement: without test-time augmentation for one view, unchanged for any other number."""
    return replace(config, flip_test=False, shift_test=0) if views == 1 else config


@torch.no_grad()
def predict_probabilities(
    net: nn.Module,
    pictures: Pictures,
    data: TrainingData,
    config: DataConfig,
    precision: Precision,
    *,
    before_batch: Callable[[], None] = lambda: None,
    ranks: Ranks = ALONE,
) -> torch.Tensor:
    """Return class probabilities float32 [N, K] on the CPU; `before_batch` is called before each batch.

    Several ranks take turns: each computes one batch of a round, and `before_batch` is called once a round.
    """
    net.eval()
    found = torch.zeros(len(pictures), data.classes)
    for number, at in enumerate(range(0, len(pictures), BATCH)):
        if number % ranks.world == 0:
            before_batch()
        if number % ranks.world != ranks.rank:
            continue
        images = normalise(pictures.take(slice(at, at + BATCH)), data)
        with computing_in(precision, images.device):
            found[at : at + BATCH] = probabilities(net, images, config).cpu()
    return ranks.total(found)


def probabilities(net: nn.Module, images: torch.Tensor, config: DataConfig) -> torch.Tensor:
    """Return class probabilities float32 [B, K] of normalised pictures [B, 3, 32, 32].

    Test-time augmentation averages the logits of several views, as in Jordan 2024 ("94% on CIFAR-10 in 3.29 seconds on
    a single GPU", section 3.5). With `shift_test` the unmoved picture has weight 1/2, and the pictures moved by so many
    pixels up and left, and down and right, have weight 1/4 each. With `flip_test` each view is also seen mirrored.
    """
    logits = _logits(net, images, config.flip_test)
    if config.shift_test:
        corners = [_logits(net, _moved(images, by), config.flip_test) for by in (-config.shift_test, config.shift_test)]
        logits = logits / 2 + (corners[0] + corners[1]) / 4
    return F.softmax(logits, dim=1)


def _logits(net: nn.Module, images: torch.Tensor, mirrored: bool) -> torch.Tensor:
    """Return logits float32 [B, K], averaged with those of the mirror images if `mirrored`."""
    logits: torch.Tensor = net(images).float()
    return (logits + net(images.flip(3)).float()) / 2 if mirrored else logits


def _moved(images: torch.Tensor, by: int) -> torch.Tensor:
    """Move pictures [B, C, H, W] down and right by so many pixels (negative: up and left), with reflection padding."""
    margin, (height, width) = abs(by), images.shape[2:]
    start = margin - by
    wide = F.pad(images, (margin,) * 4, mode="reflect")[:, :, start : start + height, start : start + width]
    return wide.contiguous(memory_format=torch.channels_last)


def loss_and_accuracy(probs: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Return the mean cross-entropy in nats (probabilities clipped at `LOSS_CLIP`) and the accuracy.

    Args:
        probs: float [N, K], N at least 1.
        labels: int64 [N].
    """
    labels = labels.cpu()
    of_true = probs.double().gather(1, labels[:, None])[:, 0].clamp_min(LOSS_CLIP)
    right = probs.argmax(1) == labels
    return float(-of_true.log().mean()), float(right.double().mean())
