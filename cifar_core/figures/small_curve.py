"""An accuracy over the epochs as a small SVG without axes, to stand beside the number that names its end."""

import math
from collections.abc import Sequence

from cifar_core.text import percent

_WIDTH, _HEIGHT = 240, 56
_MARGIN = 5  # pixels on each side, room for the dot of the reported epoch
_GRID = "#8A97A5"  # seen on the backgrounds of both themes


def small_curve(accuracies: Sequence[float], colour: str, marked: int | None = None) -> str:
    """Return an SVG of a line from the first epoch to the last; its height is 0 to 100 %.

    Args:
        accuracies: one a finished epoch, 0 to 1; NaN leaves a gap.
        colour: of the line, as `#RRGGBB`.
        marked: the place of the epoch that gets a dot, from 0.
    """
    points = [_point(place, value, len(accuracies)) for place, value in enumerate(accuracies)]
    steps = [
        f"{'M' if place == 0 or math.isnan(points[place - 1][1]) else 'L'}{x:.1f} {y:.1f}"
        for place, (x, y) in enumerate(points)
        if not math.isnan(y)
    ]
    grid = "".join(
        f'<path d="M0 {y}H{_WIDTH}" stroke="{_GRID}" stroke-opacity="0.4"/>' for y in (_MARGIN, _HEIGHT - _MARGIN)
    )
    line = f'<path d="{"".join(steps)}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-linejoin="round"/>'
    dot = ""
    if marked is not None and not math.isnan(points[marked][1]):
        dot = f'<circle cx="{points[marked][0]:.1f}" cy="{points[marked][1]:.1f}" r="4" fill="{colour}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">{grid}{line}{dot}</svg>'


def curve_words(accuracies: Sequence[float]) -> str:
    """Return in words what the curve shows: where it begins, its highest point, where it ends."""
    known = [(value, place + 1) for place, value in enumerate(accuracies) if not math.isnan(value)]
    if not known:
        return "No epoch."
    if len(known) == 1:
        return f"One epoch: {percent(known[0][0])}."
    highest, epoch = max(known, key=lambda item: (item[0], -item[1]))
    return (
        f"Over {len(accuracies)} epochs from {percent(known[0][0])} to {percent(known[-1][0])}; "
        f"the highest is {percent(highest)} at epoch {epoch}."
    )


def _point(place: int, value: float, count: int) -> tuple[float, float]:
    across = place / (count - 1) if count > 1 else 1.0
    inside = min(1.0, max(0.0, value)) if not math.isnan(value) else math.nan
    return _MARGIN + across * (_WIDTH - 2 * _MARGIN), _MARGIN + (1 - inside) * (_HEIGHT - 2 * _MARGIN)
