"""A histogram of one score as a small SVG, to stand above the slider of that score."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cifar_core.text import counted

BARS = 32
_WIDTH, _HEIGHT = 256, 32  # of the bars; the drawing is scaled to the width of the slider
_MARGIN = 8  # on each side, where the thumbs of the slider stand at its ends
_CHOSEN, _LEFT_OUT = "#3A88BD", "#8A97A5"  # seen on the backgrounds of both themes
_PALE = 0.35  # opacity of what is left out


def small_histogram(values: ArrayLike, limits: tuple[float, float], chosen: tuple[float, float]) -> str:
    """Return an SVG of `BARS` bars between the limits; those wholly outside the chosen range are pale.

    The highest bar has the full height, and a bar of few values is still seen.

    Args:
        values: a score of N pictures, inside the limits.
        limits: least and largest value of the slider, which differ.
        chosen: the range that is kept.
    """
    counts, edges = _counts(values, limits)
    kept = (edges[1:] >= chosen[0]) & (edges[:-1] <= chosen[1])
    step, most = _WIDTH / BARS, max(int(counts.max()), 1)
    bars = "".join(_bar(step * place, step - 1, count / most, bool(kept[place])) for place, count in enumerate(counts))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-_MARGIN} 0 {_WIDTH + 2 * _MARGIN} {_HEIGHT}">{bars}</svg>'
    )


def histogram_words(
    values: ArrayLike, limits: tuple[float, float], text: Callable[[float], str] = "{:.2f}".format
) -> str:
    """Return in words what the histogram shows: how many pictures, and where most of them are.

    Args:
        values: a score of N pictures, inside the limits.
        limits: least and largest value of the slider, which differ.
        text: a value of the score as it is shown.
    """
    counts, edges = _counts(values, limits)
    total = int(counts.sum())
    if not total:
        return "No pictures."
    place = int(counts.argmax())
    return (
        f"{counted(total, 'picture')} from {text(limits[0])} to {text(limits[1])}; "
        f"most, {counts[place]:,}, between {text(edges[place])} and {text(edges[place + 1])}."
    )


def _counts(values: ArrayLike, limits: tuple[float, float]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    counts, edges = np.histogram(np.asarray(values, dtype=np.float64), bins=BARS, range=limits)
    return counts, edges


def _bar(left: float, width: float, share: float, kept: bool) -> str:
    if not share:
        return ""
    height = max(1.5, share * _HEIGHT)
    colour = f'fill="{_CHOSEN}"' if kept else f'fill="{_LEFT_OUT}" fill-opacity="{_PALE}"'
    return f'<rect x="{left:g}" y="{_HEIGHT - height:.1f}" width="{width:g}" height="{height:.1f}" {colour}/>'
