"""The fixed first layer of a network: filters that whiten patches of the training pictures."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.train.batches import TrainingData, normalise

_SAMPLE = 5000  # pictures, over a million patches for 48 x 48 numbers
_LEARNED = 3 / 8  # the first part of a run that learns the layer's bias (Jordan 2024: the first 3 of 8 epochs and more)
_STEADY = 5e-4  # added to each variance, so that components of almost none are not blown up


def whiten(net: nn.Sequential, data: TrainingData) -> None:
    """Set the filters of the layer named `whiten`, where the network has one, from the training pictures."""
    layer = _whitening_layer(net)
    if layer is None:
        return
    chosen = np.linspace(0, len(data.train) - 1, min(_SAMPLE, len(data.train))).astype(np.int64)
    images = normalise(data.train.take(chosen), data)
    filters = whitening_filters(images, patch=layer.kernel_size[0], components=layer.out_channels // 2)
    with torch.no_grad():
        layer.weight.copy_(torch.cat([filters, -filters]))


def hold_bias(net: nn.Sequential, progress: float) -> None:
    """Learn no more of the layer named `whiten` once its bias has settled: then no gradient has to go back through the
    next convolution, where the pictures are largest.

    Args:
        net: a network with such a layer, or without.
        progress: the part of the run that is done, 0 to 1.
    """
    layer = _whitening_layer(net)
    if layer is not None and layer.bias is not None:
        layer.bias.requires_grad_(progress < _LEARNED)


def _whitening_layer(net: nn.Sequential) -> nn.Conv2d | None:
    layer = dict(net.named_children()).get("whiten")
    return layer if isinstance(layer, nn.Conv2d) else None


def whitening_filters(images: torch.Tensor, *, patch: int, components: int) -> torch.Tensor:
    """Filters whose answers to patches of `images` are uncorrelated with variance 1 (PCA whitening).

    Args:
        images: float32 [N, 3, H, W].
        patch: width in pixels; every second patch is looked at, in both directions.
        components: how many to keep, those of the largest variance.

    Returns:
        float32 [components, 3, patch, patch], largest variance first.
    """
    patches = F.unfold(images.contiguous(), patch, stride=2).transpose(1, 2).reshape(-1, 3 * patch * patch)
    covariance = (patches.T @ patches / len(patches)).cpu().double()  # the mean of normalised pictures is near 0
    variances, directions = torch.linalg.eigh(covariance)  # ascending
    kept = (directions / torch.sqrt(variances + _STEADY)).flip(1)[:, :components]
    return kept.T.reshape(components, 3, patch, patch).to(images)
