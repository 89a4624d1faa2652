"""The confusion matrix: its URL parameters, its controls, the grid of cells, and the choice of a cell."""

from collections.abc import Collection, Sequence
from functools import partial

import streamlit as st

from cifar_core.evaluate import Normalisation
from cifar_core.figures import MAX_CELL_CLASSES, MatrixCells, confusion_cells
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import Findings, largest_cell
from pages.ui.compare.links import show_epoch_link
from pages.ui.components.confusion_grid import confusion_grid
from pages.ui.components.scroll_here import ask_to_scroll
from pages.ui.understand.epoch_playback import show_epoch_player
from pages.ui.understand.gallery import GALLERY_URL_PARAMETERS
from pages.ui.understand.gallery_filters import show_epoch_slider
from pages.ui.url_state import UrlParameter, on_off, one_of

PAGE_KEY = "confusion"
PICTURES = "confusion_pictures"  # the place of the chosen cell's pictures, for `ask_to_scroll`
TABLES = ("pairs", "classes")  # whose rows choose
CELL_SCALES: dict[Normalisation, str] = {"count": "Counts", "true": "Row %", "predicted": "Column %"}
SCALE_HELP = (
    "What each cell shows. Counts: how many pictures. Row %: of all pictures of the true class (the diagonal is "
    "recall). Column %: of all pictures of the predicted class (the diagonal is precision)."
)


def confusion_url_parameters(class_names: Sequence[str], epochs: Sequence[int], best: int) -> dict[str, UrlParameter]:
    """Return the URL parameters of the Confusion page."""
    return {
        "epoch": one_of(epochs, best),
        "by": one_of(list(CELL_SCALES), "count"),
        "diagonal": on_off(True),
        "hold": on_off(False),
        "true": one_of(class_names, None),
        "predicted": one_of(class_names, None),
        **GALLERY_URL_PARAMETERS,
    }


def choose_cell(true: str | None, predicted: str | None) -> None:
    """Choose the cell whose pictures are shown, or a whole class with None; for a callback."""
    st.session_state[f"{PAGE_KEY}_true"], st.session_state[f"{PAGE_KEY}_predicted"] = true, predicted
    on_cell_changed()


def on_cell_changed() -> None:
    """Go to the first page of pictures and to where they stand, and deselect the rows of the tables; for a callback."""
    st.session_state[f"{PAGE_KEY}_page"] = 1
    for table in TABLES:
        chosen = st.session_state.get(table_key(table))
        if chosen and (chosen.selection.rows or chosen.selection.cells):
            turn = f"{PAGE_KEY}_{table}_turn"
            st.session_state[turn] = st.session_state.get(turn, 0) + 1
    ask_to_scroll(PICTURES)


def table_key(table: str) -> str:
    """Return the key of one of `TABLES`; a new key deselects its row, which cannot be done otherwise."""
    return f"{PAGE_KEY}_{table}_table_{st.session_state.get(f'{PAGE_KEY}_{table}_turn', 0)}"


def show_controls(run: Run, epochs: Sequence[int], best: int) -> tuple[Normalisation, bool, bool]:
    """Show how the matrix is drawn and of which epoch; return the unit, whether to hide the diagonal and to hold the
    scale."""
    with st.container(horizontal=True, vertical_alignment="center"):
        by = st.segmented_control(
            "Each cell shows",
            list(CELL_SCALES),
            required=True,
            key=f"{PAGE_KEY}_by",
            format_func=CELL_SCALES.__getitem__,
            help=SCALE_HELP,
            label_visibility="collapsed",
        )
        hide = st.toggle(
            "Hide the diagonal",
            key=f"{PAGE_KEY}_diagonal",
            help="Leave out the correct predictions, so that the colours tell the mistakes apart.",
        )
        hold = len(epochs) > 1 and st.toggle(
            "Hold the scale",
            key=f"{PAGE_KEY}_hold",
            help="A colour means the same in every epoch: the strongest is the largest cell of all of them.",
        )
        if len(epochs) > 1:
            with st.container(width=260):
                show_epoch_slider(PAGE_KEY, run, epochs, best)
            show_epoch_player(PAGE_KEY, epochs, on_play=_hold_scale)
            show_epoch_link(run, st.session_state[f"{PAGE_KEY}_epoch"], epochs)
    return by or "count", hide, hold


def matrix_cells(
    workspace: Workspace,
    run: Run,
    findings: Findings,
    epochs: Collection[int],
    drawing: tuple[Normalisation, bool, bool],
) -> MatrixCells:
    """Return what the cells show; `drawing` as `show_controls` returns it."""
    by, hide, hold = drawing
    top = largest_cell(workspace, run, epochs, by, hide) if hold else None
    return confusion_cells(findings.matrix, by, hide, top=top, split=findings.predictions.split)


def show_matrix(cells: MatrixCells, words: str) -> None:
    """Show the matrix, which `words` tell to who cannot see it; a cell that is chosen is that of the page."""
    names = cells.class_names
    chosen = (st.session_state[f"{PAGE_KEY}_true"], st.session_state[f"{PAGE_KEY}_predicted"])
    confusion_grid(
        cells,
        key=f"{PAGE_KEY}_grid_of_cells",
        label=f"Confusion matrix. {words}",
        chosen=(names.index(chosen[0]), names.index(chosen[1])) if set(chosen) <= set(names) else None,
        on_choose=partial(_choose_place, names),
    )
    if cells.left_out:
        st.caption(
            f"Drawn are the {MAX_CELL_CLASSES} classes with the most mistakes, of "
            f"{MAX_CELL_CLASSES + cells.left_out:,}; the select boxes choose among all."
        )


def _hold_scale() -> None:
    """Let the colours mean the same in every epoch that is played."""
    st.session_state[f"{PAGE_KEY}_hold"] = True


def _choose_place(names: Sequence[str], row: int, column: int) -> None:
    choose_cell(names[row], names[column])
