"""Parallel coordinates: a line for each trial of a sweep over an axis for each setting; a click opens its run.

Plotly draws such lines, but reports no click on one. Places and words come from `cifar_core.figures.sweep`; all text
reaches the browser as data and is drawn, or set as `textContent`.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from cifar_core.figures import NEUTRAL
from cifar_core.figures.sweep import ParallelLines
from pages.ui.components.scatter_map import RAMPS
from pages.ui.markdown import single_line

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.parallel_coordinates",
    html="<div class='parallel'>\n</div>",
    css=(_HERE / "parallel_coordinates.css").read_text("utf-8"),
    js=(_HERE / "parallel_coordinates.js").read_text("utf-8"),
)


def parallel_coordinates(
    lines: ParallelLines,
    runs: Mapping[int, str],
    *,
    key: str,
    label: str,
    on_open: Callable[[int], None],
    height: str = "360px",
) -> None:
    """Show the lines; a click on one opens it, and so do Enter and Space where the arrow keys have moved to.

    Args:
        lines: what is drawn.
        runs: the run that opens, by the number of its trial; a trial without one does not open.
        key: the widget's key.
        label: what it shows, in a sentence, for who cannot see it.
        on_open: called with the number of a trial before the script runs again.
        height: a CSS length.
    """
    _component(
        key=key,
        data={
            "label": single_line(label, 2000),
            "axes": [
                [
                    axis.title,
                    [list(tick) for tick in axis.ticks],
                    [round(at, 4) for at in axis.places],
                    list(axis.words),
                ]
                for axis in lines.axes
            ],
            "numbers": list(lines.numbers),
            "names": list(lines.names),
            "shades": [None if shade is None else round(shade, 3) for shade in lines.shades],
            "ends": list(lines.ends),
            "runs": [number in runs for number in lines.numbers],
            "ramp": list(RAMPS["viridis"]),
            "grey": NEUTRAL,
            "height": height,
        },
        on_opened_change=partial(_handle_report, key, frozenset(runs), on_open),
    )


def _handle_report(key: str, known: Collection[int], on_open: Callable[[int], None]) -> None:
    """Handle a report of the browser: call the page where it names a trial that can be opened."""
    number = _parse_report(st.session_state[key].get("opened"), known)
    if number is not None:
        on_open(number)


def _parse_report(report: Any, known: Collection[int]) -> int | None:
    """Return the number of the trial that a report opens; None where it makes no sense."""
    number = report.get("number") if isinstance(report, dict) else None
    return number if type(number) is int and number in known else None
