"""The properties of a picture that are measured from its pixels alone: one table, and the function that measures them.

Everything is counted in integers, so the same pixels always have exactly the same properties. Reads and writes nothing.
"""

from dataclasses import dataclass

import numpy as np

from cifar_core.data.picture_reader import read_pictures
from cifar_core.jobs.progress import OnProgress, no_progress

LEVELS = 255  # the lightest level of a channel; black is 0
_RED, _GREEN, _BLUE = 77, 150, 29  # Rec. 601: 0.299, 0.587, 0.114, in 256ths
_CHUNK = 64  # pictures at once: what is computed of them fits into the processor's cache
_CHUNKS_TOLD = 32  # between two words on the progress


@dataclass(frozen=True)
class PixelProperty:
    """One property of a picture."""

    name: str
    title: str
    meaning: str
    unit: str


PROPERTIES = (
    PixelProperty("brightness", "Brightness", "mean luma (Rec. 601): 0 is black, 255 white", "levels"),
    PixelProperty("contrast", "Contrast", "standard deviation of the luma of its pixels", "levels"),
    PixelProperty("sharpness", "Sharpness", "variance of the Laplacian of the luma", "levels²"),
    PixelProperty(
        "colourfulness", "Colourfulness", "how strong and how different its colours are; 0 is grey", "levels"
    ),
    PixelProperty("red_green", "Red or green", "mean of R - G: negative is green, positive red", "levels"),
    PixelProperty(
        "yellow_blue", "Yellow or blue", "mean of (R + G) / 2 - B: negative is blue, positive yellow", "levels"
    ),
)
PIXEL_PROPERTIES = tuple(entry.name for entry in PROPERTIES)  # the columns of `picture_properties`


def picture_properties(images: np.ndarray, progress: OnProgress = no_progress) -> np.ndarray:
    """Measure the properties of pictures, in the order of `PIXEL_PROPERTIES`.

    Luma is rounded to whole levels. Sharpness is the variance of the Laplacian (Pech-Pacheco et al. 2000, "Diatom
    autofocusing in brightfield microscopy") with the kernel of four neighbours, without the border of the picture.
    Colourfulness is M3 of Hasler and Suesstrunk 2003, "Measuring colourfulness in natural images".

    Args:
        images: uint8 [N, 3, 32, 32], in memory or mapped from a file.
        progress: told every few thousand pictures; may cancel.

    Returns:
        float32 [N, P].

    Raises:
        CancelledError: from `progress`.
        DataError: the file of the pictures is shorter than when it was opened.
    """
    table = np.empty((len(images), len(PIXEL_PROPERTIES)), np.float32)
    for start in range(0, len(images), _CHUNK):
        if start % (_CHUNK * _CHUNKS_TOLD) == 0:
            progress("Measuring pictures", start, len(images), "pictures")
        stop = min(start + _CHUNK, len(images))
        table[start:stop] = _measure(read_pictures(images, np.arange(start, stop)))
    return table


def _measure(pixels: np.ndarray) -> np.ndarray:
    """The properties of a few pictures, uint8 [n, 3, 32, 32]: float64 [n, P]."""
    red, green, blue = pixels.astype(np.int16).swapaxes(0, 1)  # [3, n, 32, 32]
    weighted = (red.view(np.uint16) * _RED + green.view(np.uint16) * _GREEN) + blue.view(np.uint16) * _BLUE
    luma = ((weighted + np.uint16(128)) >> 8).astype(np.int16)
    laplacian = (
        luma[:, 2:, 1:-1] + luma[:, :-2, 1:-1] + luma[:, 1:-1, 2:] + luma[:, 1:-1, :-2] - 4 * luma[:, 1:-1, 1:-1]
    )
    brightness, luma_variance = _mean_and_variance(luma)
    red_green, red_green_variance = _mean_and_variance(red - green)
    twice_yellow_blue, four_variances = _mean_and_variance(red + green - 2 * blue)
    yellow_blue, yellow_blue_variance = twice_yellow_blue / 2, four_variances / 4
    spread = np.sqrt(red_green_variance + yellow_blue_variance)
    columns = {
        "brightness": brightness,
        "contrast": np.sqrt(luma_variance),
        "sharpness": _mean_and_variance(laplacian)[1],
        "colourfulness": spread + 0.3 * np.hypot(red_green, yellow_blue),
        "red_green": red_green,
        "yellow_blue": yellow_blue,
    }
    return np.stack([columns[name] for name in PIXEL_PROPERTIES], axis=1)


def _mean_and_variance(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of each picture, float64 [n], from exact sums.

    Args:
        values: int16 [n, H, W], at most 1024 of up to +-1020 each, whose squares sum to less than 2^31.
    """
    flat = values.reshape(len(values), -1)
    count = flat.shape[1]
    total = flat.sum(axis=1, dtype=np.int64)
    squares = np.einsum("np,np->n", flat, flat, dtype=np.int32).astype(np.int64)
    return total / count, (count * squares - total**2) / count**2
