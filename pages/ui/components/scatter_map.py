"""Many points on a canvas: moved, enlarged, circled with a lasso, opened by a click; 50,000 of them without a delay.

No native chart stays fluent with so many points and reports a lasso. Places, names and colours reach the browser once
(`sent_arrays`); which points are selected travels both ways as one bit a point. Text is drawn, or set as `textContent`.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from cifar_core.figures import CLASS_COLOURS, NEUTRAL, class_colour
from pages.ui.components.sent_arrays import SentArray, number_array, send_array, text_array

MAX_CATEGORIES = len(CLASS_COLOURS)
RAMPS = {  # colours of a score, low to high; each end is readable on white and on black
    "viridis": ("#453781", "#33638D", "#238A8D", "#29AF7F", "#74C13A", "#D3B117"),
    "wrong to right": ("#D55E00", "#8C8C8C", "#0072B2"),
}
_STEPS = 64  # colours of a ramp
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.scatter_map",
    html="<div class='scatter'>\n</div>",
    css=(_HERE / "scatter_map.css").read_text("utf-8"),
    js="".join((_HERE / name).read_text("utf-8") for name in ("scatter_draw.js", "scatter_map.js")),
)


@dataclass(frozen=True)
class ScatterAxis:
    """An axis: what it is, and the range that is shown at first."""

    title: str
    low: float
    high: float


@dataclass(frozen=True)
class ScatterPoints:
    """Points as the browser gets them; made once by `scatter_points` and kept in a cache."""

    count: int
    axes: tuple[ScatterAxis, ScatterAxis]  # right, up
    x: SentArray
    y: SentArray
    names: SentArray  # shown on hover
    regions: tuple[tuple[float, float, str], ...] = ()  # words that stand at a place of the map


@dataclass(frozen=True)
class ScatterColours:
    """The colour of each point: its category, or its score on a ramp."""

    title: str
    codes: SentArray  # uint8, a place in `palette`
    palette: tuple[str, ...]
    names: tuple[str, ...] = ()  # of the categories, one a colour; empty for a score
    ends: tuple[str, str] = ("", "")  # the lowest and the highest score in words


@dataclass(frozen=True)
class ScatterEvent:
    """What a person did: circled these points (none of them: the selection was cleared), or opened one."""

    selected: np.ndarray | None = None  # int64, ascending
    opened: int | None = None


def scatter_points(
    x: np.ndarray,
    y: np.ndarray,
    names: Sequence[str],
    axes: tuple[ScatterAxis, ScatterAxis],
    regions: Sequence[tuple[float, float, str]] = (),
) -> ScatterPoints:
    """Return points for `scatter_map`; one whose x or y is NaN is not drawn.

    Args:
        x: float [n].
        y: float [n].
        names: n texts.
        axes: to the right, and up.
        regions: x, y and the words that stand there.
    """
    return ScatterPoints(len(x), axes, number_array(x), number_array(y), text_array(names), tuple(regions))


def category_colours(title: str, codes: np.ndarray, names: Sequence[str]) -> ScatterColours:
    """Return a colour for each category; of more than ten, the most frequent have one and the others share grey.

    Args:
        title: what the categories are.
        codes: int [n], each a place in `names`.
        names: of the categories.
    """
    if len(names) <= MAX_CATEGORIES:
        palette = tuple(class_colour(index) for index in range(len(names)))
        return ScatterColours(title, number_array(codes.astype(np.uint8)), palette, tuple(names))
    own = [colour for colour in CLASS_COLOURS if colour != NEUTRAL]
    frequent = np.argsort(-np.bincount(codes, minlength=len(names)), kind="stable")[: len(own)]
    places = np.full(len(names), len(own), np.uint8)
    places[frequent] = np.arange(len(own))
    shown = (*(names[index] for index in frequent), f"{len(names) - len(own):,} others")
    return ScatterColours(title, number_array(places[codes]), (*own, NEUTRAL), shown)


def score_colours(
    title: str, values: np.ndarray, span: tuple[float, float], ends: tuple[str, str], ramp: str = "viridis"
) -> ScatterColours:
    """Return colours on a ramp; NaN is grey.

    Args:
        title: what the score is.
        values: float [n].
        span: the scores that have the first and the last colour; what is beyond them has it too.
        ends: both in words.
        ramp: one of `RAMPS`.
    """
    low, high = span
    with np.errstate(invalid="ignore"):
        steps = np.clip((values - low) / ((high - low) or 1.0), 0, 1) * (_STEPS - 1)
    codes = np.where(np.isnan(steps), _STEPS, np.nan_to_num(steps).round()).astype(np.uint8)
    return ScatterColours(title, number_array(codes), (*_ramp_colours(RAMPS[ramp]), NEUTRAL), ends=ends)


def _ramp_colours(stops: Sequence[str]) -> tuple[str, ...]:
    """Return `_STEPS` colours through these, evenly."""
    rgb = np.array([[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in stops])
    at = np.linspace(0, len(stops) - 1, _STEPS)
    mixed = np.stack([np.interp(at, np.arange(len(stops)), rgb[:, channel]) for channel in range(3)], axis=1)
    return tuple("#{:02X}{:02X}{:02X}".format(*colour) for colour in mixed.round().astype(int).tolist())


def scatter_map(  # noqa: PLR0913 - what is drawn, and what it does
    points: ScatterPoints,
    colours: ScatterColours,
    *,
    key: str,
    label: str,
    on_change: Callable[[ScatterEvent], None],
    shown: np.ndarray | None = None,
    selected: np.ndarray | None = None,
    marked: np.ndarray | None = None,
    height: str = "420px",
) -> None:
    """Show points. A lasso selects, a click opens one, the wheel enlarges; all of it by touch and, moving, by keys.

    Beside it stands a list of the same points, which is its text and its keyboard: the caller's.

    Args:
        points: where they are.
        colours: what they look like.
        key: the widget's key.
        label: what the map shows, in a sentence, for who cannot see it.
        on_change: called before the script runs again.
        shown: bool [n], those that are drawn; None for all.
        selected: int [m], those that stand out; the others are pale where there is one.
        marked: int [m], those with a ring.
        height: of the map, a CSS length.
    """
    with st.container(gap=None):
        digests = {
            name: send_array(array, f"{key}_{name}")
            for name, array in (("x", points.x), ("y", points.y), ("names", points.names), ("codes", colours.codes))
        }
        chosen = np.array([], np.int64) if selected is None else selected
        rings = np.array([], np.int64) if marked is None else marked
        _component(
            key=key,
            data={
                **digests,
                "label": label,
                "height": height,
                "axes": [[axis.title, axis.low, axis.high] for axis in points.axes],
                "regions": [list(region) for region in points.regions],
                "colours": colours.title,
                "palette": list(colours.palette),
                "categories": list(colours.names),
                "ends": list(colours.ends),
                "shown": "" if shown is None else bits(np.flatnonzero(shown), points.count),
                "selected": bits(chosen, points.count) if len(chosen) else "",
                "marked": rings.tolist(),
                "turn": st.session_state.get(f"{key}_turn", 0),
            },
            on_acted_change=lambda: _handle_report(key, points.names.digest, points.count, on_change),
        )


def bits(indices: np.ndarray, count: int) -> str:
    """Return which of `count` points are meant, a bit each, the first one highest, as base64."""
    mask = np.zeros(count, bool)
    mask[indices] = True
    return base64.b64encode(np.packbits(mask).tobytes()).decode("ascii")


def indices_of(text: Any, count: int) -> np.ndarray | None:
    """Return the places that `bits` says, int64 ascending; None where it makes no sense for so many points."""
    if not isinstance(text, str) or len(text) > count + 8:
        return None
    try:
        packed = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (binascii.Error, ValueError):
        return None
    return np.flatnonzero(np.unpackbits(packed, count=count)) if len(packed) == -(-count // 8) else None


def _handle_report(key: str, names: str, count: int, on_change: Callable[[ScatterEvent], None]) -> None:
    """Handle a report of the browser: remember its number, and call the page."""
    report = st.session_state[key].get("acted")
    event = _parse_report(report, names, count)
    if event is not None:
        st.session_state[f"{key}_turn"] = report["turn"]
        on_change(event)


def _parse_report(report: Any, names: str, count: int) -> ScatterEvent | None:
    """Return a report after a check; None where it makes no sense, or speaks of points that are no longer shown."""
    if not isinstance(report, dict) or type(report.get("turn")) is not int or report.get("names") != names:
        return None
    opened, selected = report.get("opened"), report.get("selected")
    if type(opened) is int and 0 <= opened < count:
        return ScatterEvent(opened=opened)
    found = indices_of(selected, count)
    return None if found is None else ScatterEvent(selected=found)
