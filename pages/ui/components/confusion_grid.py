"""The confusion grid: a matrix whose cells are chosen by a click, a tap or the keyboard; one small inline component.

No native element reports a click on a cell of a heatmap. Numbers and colours come from `cifar_core.figures`; all text
reaches the browser as data and is set as `textContent` or as an attribute of its own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from cifar_core.figures import MatrixCells, cell_shades
from pages.ui.markdown import single_line

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.confusion_grid",
    html="<div class='matrix'>\n</div>",
    css=(_HERE / "confusion_grid.css").read_text("utf-8"),
    js=(_HERE / "confusion_grid.js").read_text("utf-8"),
)
_PALETTES = {theme: [[shade.background, shade.text] for shade in cell_shades(theme)] for theme in ("light", "dark")}


def confusion_grid(
    cells: MatrixCells,
    *,
    key: str,
    label: str,
    chosen: tuple[int, int] | None,
    on_choose: Callable[[int, int], None],
    axes: tuple[str, str] = ("true", "predicted"),
) -> None:
    """Show a matrix; a click or tap on a cell chooses it, and so do Enter and Space where the arrow keys have moved to.

    Args:
        cells: what each of K x K cells shows.
        key: the widget's key.
        label: what the matrix is, for who cannot see it.
        chosen: row and column of the cell that is marked.
        on_choose: called with row and column before the script runs again.
        axes: what the rows and what the columns are.
    """
    names = [single_line(name) for name in cells.class_names]
    _component(
        key=key,
        data={
            "label": label,
            "axes": list(axes),
            "names": names,
            "texts": cells.texts,
            "details": cells.details,
            "shades": cells.shades.tolist(),
            "palettes": _PALETTES,
            "scales": [list(scale) for scale in cells.scales],
            "top": cells.top_text,
            "chosen": chosen,
            "turn": st.session_state.get(f"{key}_turn", 0),
        },
        on_chosen_change=partial(_handle_report, key, names, on_choose),
    )


def _handle_report(key: str, names: list[str], on_choose: Callable[[int, int], None]) -> None:
    """Handle a report of the browser: remember its number, and call the page where the cell is one of those shown."""
    report = st.session_state[key].get("chosen")
    place = _parse_report(report, names)
    if place is not None:
        st.session_state[f"{key}_turn"] = report["turn"]
        on_choose(*place)


def _parse_report(report: Any, names: Sequence[str]) -> tuple[int, int] | None:
    """Return row and column of a report after a check; None where it makes no sense.

    It names the classes too, since it may speak of the matrix that was there before this one.
    """
    if not isinstance(report, dict):
        return None
    row, column, turn = (report.get(name) for name in ("row", "column", "turn"))
    if type(row) is not int or type(column) is not int or type(turn) is not int:
        return None
    if not (0 <= row < len(names) and 0 <= column < len(names)):
        return None
    return (row, column) if report.get("classes") == [names[row], names[column]] else None
