"""Data augmentation: flip, shift and cutout, applied to whole batches at once.

The random numbers are drawn apart from the pictures, so a seed gives the same variations wherever they are applied.
Reads and writes nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from cifar_core.config import DataConfig

_SIDE = 32  # pixels: the pictures of every dataset


@dataclass(frozen=True)
class Variation:
    """One random variation for each of N pictures."""

    flip: np.ndarray  # bool [N], mirror left to right
    dy: np.ndarray  # int [N], pixels moved down (negative: up)
    dx: np.ndarray  # int [N], pixels moved to the right (negative: to the left)
    mirror_edges: bool  # fill what a shift leaves free with the mirrored pixels beside it; black otherwise
    cut_y: np.ndarray  # int [N], row of the centre of the blanked square
    cut_x: np.ndarray  # int [N], column of its centre
    cutout: int  # width of the square in pixels; 0 = none

    def of(self, rows: np.ndarray | slice) -> "Variation":
        """The variations of these of the N pictures."""
        varied = {name: getattr(self, name)[rows] for name in ("flip", "dy", "dx", "cut_y", "cut_x")}
        return replace(self, **varied)


def draw_variation(config: DataConfig, count: int, rng: np.random.Generator) -> Variation:
    """Draw a random variation for each of `count` pictures.

    All numbers are drawn whatever the settings, so that switching one kind on leaves the others unchanged.
    """
    flip = rng.random(count) < 0.5
    moves = rng.random((2, count))  # scaled here: the count of numbers that integers() consumes depends on the range
    centres = rng.random((2, count))
    dy, dx = np.floor(moves * (2 * config.shift + 1)).astype(np.int64) - config.shift
    cut_y, cut_x = np.floor(centres * _SIDE).astype(np.int64)
    return Variation(flip & config.flip, dy, dx, config.mirror_edges, cut_y, cut_x, config.cutout)


def augment(images: np.ndarray, variation: Variation) -> np.ndarray:
    """Flip, then shift (the free edge becomes black or mirrored), then blank the cutout square (black).

    The square covers `cutout` rows from `cut_y - cutout // 2` on, and columns likewise. Its centre may lie anywhere, so
    the border of the picture often cuts it (DeVries & Taylor 2017, "Improved Regularization of Convolutional Neural
    Networks with Cutout").

    Args:
        images: uint8 [B, C, H, W], fastest in channels-last memory; it is not changed.
        variation: one for each of the B pictures.

    Returns:
        A new batch of the same shape, channels last in memory.
    """
    pixels = images.transpose(0, 2, 3, 1)  # [B, H, W, C]
    margin = int(max(np.abs(variation.dy).max(initial=0), np.abs(variation.dx).max(initial=0)))
    count, height, width, channels = pixels.shape
    canvas = np.zeros((count, height + 2 * margin, width + 2 * margin, channels), np.uint8)
    inside = slice(margin, margin + height), slice(margin, margin + width)
    canvas[:, *inside] = pixels
    mirrored = np.flatnonzero(variation.flip)
    canvas[mirrored, *inside] = _mirror(pixels[mirrored])
    if variation.mirror_edges:
        _mirror_edges(canvas, margin)
    varied = _windows(canvas, pixels.shape, margin - variation.dy, margin - variation.dx) if margin else canvas
    if variation.cutout:
        varied[_squares(variation, height, width)] = 0
    return varied.transpose(0, 3, 1, 2)


def _mirror(pixels: np.ndarray) -> np.ndarray:
    """Pictures [B, H, W, C] mirrored left to right; by channel, as NumPy is slow in inner loops over three numbers."""
    mirrored = np.empty_like(pixels)
    for channel in range(pixels.shape[3]):
        mirrored[..., channel] = pixels[:, :, ::-1, channel]
    return mirrored


def _mirror_edges(canvas: np.ndarray, margin: int) -> None:
    """Fill a margin of [B, H, W, C] with the mirrored pixels beside it; the outermost pixel is not repeated."""
    for axis in (1, 2):
        side = canvas.swapaxes(0, axis)  # a view
        for step in range(1, margin + 1):
            side[margin - step] = side[margin + step]
            side[-1 - margin + step] = side[-1 - margin - step]


def _windows(canvas: np.ndarray, shape: tuple[int, ...], top: np.ndarray, left: np.ndarray) -> np.ndarray:
    """Cut one window out of each canvas, row by row: a row of pixels is contiguous in memory.

    Args:
        canvas: uint8 [B, canvas height, canvas width, C], contiguous.
        shape: B, H, W, C of the result.
        top: int [B], first row.
        left: int [B], first column.
    """
    count, height, width, channels = shape
    tall, wide = canvas.shape[1:3]
    span = width * channels  # bytes of a row
    # The row of pixels that begins at each pixel of the canvas.
    starts = np.ndarray((canvas.size - span) // channels + 1, f"V{span}", canvas, strides=(channels,))
    rows = np.arange(count)[:, None] * tall + top[:, None] + np.arange(height)  # [B, H]
    return starts[rows * wide + left[:, None]].view(np.uint8).reshape(shape)


def _squares(variation: Variation, height: int, width: int) -> np.ndarray:
    """Where the blanked squares lie: bool [B, H, W]."""
    top = (variation.cut_y - variation.cutout // 2)[:, None]
    left = (variation.cut_x - variation.cutout // 2)[:, None]
    rows, columns = np.arange(height)[None], np.arange(width)[None]
    in_rows = (rows >= top) & (rows < top + variation.cutout)  # [B, H]
    in_columns = (columns >= left) & (columns < left + variation.cutout)  # [B, W]
    return in_rows[:, :, None] & in_columns[:, None, :]
