"""The filters of a network's first layer, which whiten patches of the training pictures and are not trained."""

from weakref import WeakKeyDictionary

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.models.network import Whitening
from cifar_core.train.batches import Pictures, TrainingData, normalise

_SAMPLE = 5000  # pictures: they give over a million patches for a covariance of at most 48 x 48
_LEARNED = 3 / 8  # the first part of a run, which trains the layer's bias (Jordan 2024: 3 epochs of 8 or more)
_STEADY = 5e-4  # added to each variance, so that components with almost no variance are not amplified
# Of pictures in memory: patch, components and threads, which decide how sums are rounded -> the filters.
_FILTERS: WeakKeyDictionary[Pictures, dict[tuple[int, int, int], torch.Tensor]] = WeakKeyDictionary()


def whiten(net: nn.Sequential, data: TrainingData) -> None:
    """Compute the filters of the whitening layer, if the network has one, from the training pictures."""
    layer = _whitening_layer(net)
    if layer is None:
        return
    known = _FILTERS.setdefault(data.train, {})
    patch, components = layer.kernel_size[0], layer.out_channels // 2
    filters = known.get((patch, components, torch.get_num_threads()))
    if filters is None:
        chosen = np.linspace(0, len(data.train) - 1, min(_SAMPLE, len(data.train))).astype(np.int64)
        filters = whitening_filters(normalise(data.train.take(chosen), data), patch=patch, components=components)
        known[patch, components, torch.get_num_threads()] = filters
    with torch.no_grad():
        layer.weight.copy_(torch.cat([filters, -filters]))


def freeze_settled_bias(net: nn.Sequential, progress: float) -> None:
    """Freeze the bias of the whitening layer, if there is one, after the first part of a run.

    Then no gradient has to be computed through the next convolution, which is slow because its input is the largest.

    Args:
        net: a network with or without such a layer.
        progress: the part of the run that is done, 0 to 1.
    """
    layer = _whitening_layer(net)
    if layer is not None and layer.bias is not None:
        layer.bias.requires_grad_(progress < _LEARNED)


def _whitening_layer(net: nn.Sequential) -> Whitening | None:
    return next((layer for layer in net if isinstance(layer, Whitening)), None)


def whitening_filters(images: torch.Tensor, *, patch: int, components: int) -> torch.Tensor:
    """Compute filters whose outputs on patches of `images` are uncorrelated with variance 1 (PCA whitening).

    Args:
        images: float32 [N, 3, H, W].
        patch: width of a patch in pixels; patches are taken with a stride of 2.
        components: number of principal components to keep, those of the largest variance.

    Returns:
        float32 [components, 3, patch, patch], largest variance first.
    """
    patches = F.unfold(images.contiguous(), patch, stride=2).transpose(1, 2).reshape(-1, 3 * patch * patch)
    covariance = (patches.T @ patches / len(patches)).cpu().double()  # the mean of normalised pictures is near 0
    variances, directions = torch.linalg.eigh(covariance)  # ascending
    kept = (directions / torch.sqrt(variances + _STEADY)).flip(1)[:, :components]
    return kept.T.reshape(components, 3, patch, patch).to(images)
