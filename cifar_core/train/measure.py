"""How well a network does on pictures it does not learn from."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.train.batches import Pictures, TrainingData, normalise
from cifar_core.train.history import LOSS_CLIP

_BATCH = 512  # pictures; no gradients are kept, so memory stays small


@torch.no_grad()
def predict_probabilities(
    net: nn.Module,
    pictures: Pictures,
    data: TrainingData,
    *,
    flip_test: bool = False,
    beat: Callable[[], None] = lambda: None,
) -> torch.Tensor:
    """Class probabilities float32 [N, K] on the CPU, softmax of the logits; `beat` is called before every batch."""
    net.eval()
    parts = []
    for at in range(0, len(pictures), _BATCH):
        beat()
        images = normalise(pictures.take(slice(at, at + _BATCH)), data)
        parts.append(probabilities(net, images, flip_test=flip_test).cpu())
    return torch.cat(parts) if parts else torch.empty(0, data.classes)


def probabilities(net: nn.Module, images: torch.Tensor, *, flip_test: bool) -> torch.Tensor:
    """Class probabilities float32 [B, K] of normalised pictures [B, 3, 32, 32].

    With `flip_test` the logits of each picture and of its mirror image are averaged first.
    """
    logits = net(images)
    if flip_test:
        logits = (logits + net(images.flip(3))) / 2
    return F.softmax(logits, dim=1)


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
