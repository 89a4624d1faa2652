"""The confusion matrix: its URL parameters, the clickable heatmap, and the choice of a cell."""

from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from cifar_core.figures import confusion_heatmap
from pages.ui.caches import Findings
from pages.ui.markdown import escaped
from pages.ui.understand.gallery import GALLERY_URL_PARAMETERS
from pages.ui.url_state import UrlParameter, on_off, one_of

PAGE_KEY = "confusion"
CELL_SCALES = {"count": "Counts", "true": "Row %", "predicted": "Column %"}
HEATMAP_CONFIG = {
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"filename": "confusion", "scale": 2},
}
SCALE_HELP = (
    "Counts: how many pictures. Row %: of all pictures of the true class (the diagonal is recall). "
    "Column %: of all pictures of the predicted class (the diagonal is precision)."
)


def confusion_url_parameters(class_names: Sequence[str], epochs: Sequence[int], best: int) -> dict[str, UrlParameter]:
    """Return the URL parameters of the Confusion page."""
    return {
        "epoch": one_of(epochs, best),
        "by": one_of(list(CELL_SCALES), "count"),
        "diagonal": on_off(True),
        "true": one_of(class_names, None),
        "predicted": one_of(class_names, None),
        **GALLERY_URL_PARAMETERS,
    }


def choose_cell(true: str | None, predicted: str | None, table: str = "") -> None:
    """Choose the cell whose pictures are shown, or a whole class with None; for a callback."""
    st.session_state[f"{PAGE_KEY}_true"], st.session_state[f"{PAGE_KEY}_predicted"] = true, predicted
    on_cell_changed(table)


def on_cell_changed(table: str = "") -> None:
    """Go to the first page of pictures, and deselect the rows of every table but `table`; for a callback."""
    st.session_state[f"{PAGE_KEY}_page"] = 1
    for other in {"pairs", "classes"} - {table}:
        st.session_state[f"{PAGE_KEY}_{other}_turn"] = st.session_state.get(f"{PAGE_KEY}_{other}_turn", 0) + 1


def show_heatmap(findings: Findings, by: str, hide_diagonal: bool, words: str) -> go.Figure:
    """Show the heatmap, which `words` tell to who cannot see it; a click on a cell chooses it."""
    names = findings.predictions.class_names
    true, predicted = st.session_state[f"{PAGE_KEY}_true"], st.session_state[f"{PAGE_KEY}_predicted"]
    cell = (names.index(true), names.index(predicted)) if true and predicted else None
    split = findings.predictions.split
    figure = confusion_heatmap(findings.matrix, by, hide_diagonal, cell, split)  # type: ignore[arg-type]
    key = f"{PAGE_KEY}_heatmap_{cell}"  # another chart for each cell, because Plotly would toggle the old selection

    def clicked() -> None:
        points = st.session_state[key].selection.points
        if points:
            row, column = points[0]["customdata"][:2]
            choose_cell(names[int(row)], names[int(column)])

    st.plotly_chart(
        figure,
        key=key,
        on_select=clicked,
        selection_mode="points",
        alt=words,
        config=HEATMAP_CONFIG,
    )
    return figure


def show_cell_chip(true: str | None, predicted: str | None, count: int) -> None:
    """Show which cell is chosen, as a button that clears the choice."""
    cell = f"true {escaped(true or 'any')} → predicted {escaped(predicted or 'another class')} · {count:,}"
    if true is None:
        cell = f"true another class → predicted {escaped(predicted)} · {count:,}"
    st.button(
        cell,
        key=f"{PAGE_KEY}_chip",
        icon=":material/close:",
        icon_position="right",
        on_click=choose_cell,
        args=(None, None),
        help="Clear the choice",
    )
