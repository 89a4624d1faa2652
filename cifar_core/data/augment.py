"""Varying training pictures: flip, shift and cutout on whole batches, the same code for NumPy arrays and torch tensors.

The numbers are drawn apart from the pictures, so the same seed gives the same variations wherever they are applied.
Reads and writes nothing.
"""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from cifar_core.config import DataConfig

Batch = TypeVar("Batch", bound=Any)  # np.ndarray or torch.Tensor, uint8 [B, C, H, W]

_SIDE = 32  # pixels: the pictures of every dataset


@dataclass(frozen=True)
class Variation:
    """One random variation for each of N pictures."""

    flip: np.ndarray  # bool [N], mirror left to right
    dy: np.ndarray  # int [N], pixels moved down (negative: up)
    dx: np.ndarray  # int [N], pixels moved to the right (negative: to the left)
    cut_y: np.ndarray  # int [N], row of the centre of the blanked square
    cut_x: np.ndarray  # int [N], column of its centre
    cutout: int  # width of the square in pixels; 0 = none


def draw_variation(config: DataConfig, count: int, rng: np.random.Generator) -> Variation:
    """Draw how each of `count` pictures is varied.

    All numbers are drawn whatever the settings, so that switching one kind on leaves the others as they were.
    """
    flip = rng.random(count) < 0.5
    moves = rng.random((2, count))  # scaled after drawing: integers() would use up more or fewer numbers by range
    centres = rng.random((2, count))
    dy, dx = np.floor(moves * (2 * config.shift + 1)).astype(np.int64) - config.shift
    cut_y, cut_x = np.floor(centres * _SIDE).astype(np.int64)
    return Variation(flip & config.flip, dy, dx, cut_y, cut_x, config.cutout)


def augment(images: Batch, variation: Variation) -> Batch:
    """Flip, then shift (the free edge becomes black), then blank the cutout square (black, cut at the border).

    The square covers rows `cut_y - cutout // 2` to that plus `cutout`, columns alike (DeVries & Taylor 2017, "Improved
    Regularization of Convolutional Neural Networks with Cutout": the centre may lie anywhere, so the square is often cut).

    Args:
        images: uint8 [B, C, H, W], NumPy array or torch tensor on any device; left as it is.
        variation: for B pictures.

    Returns:
        A new batch of the same type and shape.
    """
    everything = np.arange(len(images))
    out = images[everything]  # indexing with an array copies, in NumPy as in torch
    mirrored = np.flatnonzero(variation.flip)
    if len(mirrored):
        backwards = np.arange(images.shape[3])[::-1].copy()  # torch takes no negative steps
        out[mirrored] = images[mirrored][:, :, :, backwards]
    out = _shift(out, variation.dy, axis=2)
    out = _shift(out, variation.dx, axis=3)
    if variation.cutout:
        picture, row, column = np.nonzero(_squares(variation, images.shape[2], images.shape[3]))
        out[picture, :, row, column] = 0
    return out


def _shift(images: Batch, distance: np.ndarray, *, axis: int) -> Batch:
    """Move each picture along one axis; a loop over the few distances there are, never over pictures."""
    moved = images
    size = images.shape[axis]
    for step in np.unique(distance):
        if step == 0:
            continue
        if moved is images:
            moved = images[np.arange(len(images))]
        rows = np.flatnonzero(distance == step)
        target = slice(max(step, 0), size + min(step, 0))
        origin = slice(max(-step, 0), size - max(step, 0))
        freed = slice(0, step) if step > 0 else slice(size + step, size)
        moved[_at(rows, target, axis)] = images[_at(rows, origin, axis)]
        moved[_at(rows, freed, axis)] = 0
    return moved


def _at(rows: np.ndarray, span: slice, axis: int) -> tuple[Any, ...]:
    whole = slice(None)
    return (rows, whole, span, whole) if axis == 2 else (rows, whole, whole, span)


def _squares(variation: Variation, height: int, width: int) -> np.ndarray:
    """Where the blanked squares lie: bool [B, H, W]."""
    top = (variation.cut_y - variation.cutout // 2)[:, None]
    left = (variation.cut_x - variation.cutout // 2)[:, None]
    rows, columns = np.arange(height)[None], np.arange(width)[None]
    in_rows = (rows >= top) & (rows < top + variation.cutout)  # [B, H]
    in_columns = (columns >= left) & (columns < left + variation.cutout)  # [B, W]
    return in_rows[:, :, None] & in_columns[:, None, :]
