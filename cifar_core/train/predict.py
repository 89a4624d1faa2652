"""The class probabilities of a network, and how well it does on pictures that it does not learn from."""

from collections.abc import Callable
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.config import DataConfig, Precision
from cifar_core.train.batches import Pictures, TrainingData, normalise
from cifar_core.train.device import computing_in
from cifar_core.train.epochs import LOSS_CLIP

_BATCH = 256  # pictures: more at once were no faster, and of a wide network slower


def judged_by(config: DataConfig, views: int | None) -> DataConfig:
    """The settings of a measurement with so many views of each picture: one, or (also for None) as many as they say."""
    return replace(config, flip_test=False, shift_test=0) if views == 1 else config


@torch.no_grad()
def predict_probabilities(
    net: nn.Module,
    pictures: Pictures,
    data: TrainingData,
    config: DataConfig,
    precision: Precision,
    *,
    beat: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Class probabilities float32 [N, K] on the CPU, softmax of the logits; `beat` is called before every batch."""
    net.eval()
    parts = []
    for at in range(0, len(pictures), _BATCH):
        beat()
        images = normalise(pictures.take(slice(at, at + _BATCH)), data)
        with computing_in(precision, images.device):
            parts.append(probabilities(net, images, config).cpu())
    return torch.cat(parts) if parts else torch.empty(0, data.classes)


def probabilities(net: nn.Module, images: torch.Tensor, config: DataConfig) -> torch.Tensor:
    """Class probabilities float32 [B, K] of normalised pictures [B, 3, 32, 32].

    The logits of several views are averaged first, as in Jordan 2024 ("94% on CIFAR-10 in 3.29 seconds on a single
    GPU", section 3.5): with `shift_test` the picture as it is counts half, moved up and to the left by so many pixels a
    quarter, and moved as far the other way a quarter; with `flip_test` each of them is seen mirrored too.
    """
    logits = _seen(net, images, config.flip_test)
    if config.shift_test:
        corners = [_seen(net, _moved(images, by), config.flip_test) for by in (-config.shift_test, config.shift_test)]
        logits = logits / 2 + (corners[0] + corners[1]) / 4
    return F.softmax(logits, dim=1)


def _seen(net: nn.Module, images: torch.Tensor, mirrored: bool) -> torch.Tensor:
    """Logits float32 [B, K], averaged with those of the mirror images where that is asked."""
    logits: torch.Tensor = net(images).float()
    return (logits + net(images.flip(3)).float()) / 2 if mirrored else logits


def _moved(images: torch.Tensor, by: int) -> torch.Tensor:
    """Pictures [B, C, H, W] moved down and right by so many pixels; the free edges mirror what lies beside them."""
    margin, (height, width) = abs(by), images.shape[2:]
    start = margin - by
    wide = F.pad(images, (margin,) * 4, mode="reflect")[:, :, start : start + height, start : start + width]
    return wide.contiguous(memory_format=torch.channels_last)


def loss_and_accuracy(probs: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Mean cross-entropy in nats (probabilities clipped at `LOSS_CLIP`) and share of right first choices.

    Args:
        probs: float [N, K], N at least 1.
        labels: int64 [N].
    """
    labels = labels.cpu()
    of_true = probs.double().gather(1, labels[:, None])[:, 0].clamp_min(LOSS_CLIP)
    right = probs.argmax(1) == labels
    return float(-of_true.log().mean()), float(right.double().mean())
