"""What stands beside the pictures: the matrices of A and B and their difference, the classes, the curves."""

import math
from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.figures import (
    MAX_CELL_CLASSES,
    MatrixCells,
    confusion_cells,
    difference_cells,
    largest_value,
    overlay_curves,
)
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.charts import with_readable_axes
from pages.ui.compare.choice import PAGE_KEY
from pages.ui.compare.pair import Pair
from pages.ui.compare.pictures import keep_cell, keep_class
from pages.ui.components.confusion_grid import confusion_grid
from pages.ui.runs.run_curves import run_curve
from pages.ui.understand.joined_columns import RunAtEpoch
from pages.ui.url_state import UrlParameter, one_of
from pages.ui.wording import in_percent

VIEWS = {"difference": "Difference", "matrices": "Matrices", "classes": "Classes", "curves": "Curves"}
# What each matrix says in a row of three; the field of the filter that keeps the pictures of its cells.
MATRICES = {"a": ("A", "other_predicted"), "b": ("B", "predicted"), "difference": ("B − A", "predicted_by_one")}
CURVES_HEIGHT = 330  # pixels, of each chart
_CURVES = ("test_accuracy", "test_loss")


def view_url_parameters(*runs: Run) -> dict[str, UrlParameter]:
    """Return what the URL says of the view: curves only where one of the runs has any."""
    return {"view": one_of(_views_of(runs), "difference")}


def _views_of(runs: Sequence[Run]) -> list[str]:
    return [view for view in VIEWS if view != "curves" or any(run.has_network for run in runs)]


def show_view_choice(*runs: Run) -> None:
    """Show the choice of what stands beside the pictures of these runs."""
    st.segmented_control(
        "Beside the pictures",
        _views_of(runs),
        required=True,
        key=f"{PAGE_KEY}_view",
        format_func=VIEWS.__getitem__,
        label_visibility="collapsed",
        wrap=True,
    )


def show_matrices(pair: Pair, known: Sequence[str]) -> None:
    """Show A, B and the difference side by side; a cell chooses its pictures.

    Args:
        pair: A and B.
        known: the classes that B knows, by which its pictures can be kept.
    """
    with st.grid(3, min_column_width=300):
        for name, (title, _) in MATRICES.items():
            with st.container(gap="small"):
                st.markdown(f"**{title}**")
                show_matrix(pair, name, known)


def show_matrix(pair: Pair, name: str, known: Sequence[str]) -> None:
    """Show one of `MATRICES`; of A and B a colour means the same."""
    cells, (title, field) = _cells(pair, name), MATRICES[name]
    names = cells.class_names
    true, predicted = (st.session_state[f"{PAGE_KEY}_{each}"] for each in ("true", field))
    one = len(true) == len(predicted) == 1 and {*true, *predicted} <= set(names)
    confusion_grid(
        cells,
        key=f"{PAGE_KEY}_cells_{name}",
        label=f"Confusion matrix, {title.replace('−', 'minus')}",
        chosen=(names.index(true[0]), names.index(predicted[0])) if one else None,
        on_choose=partial(_choose_cell, field, names, frozenset(known)),
    )
    if cells.left_out:
        st.caption(
            f"Drawn are the {MAX_CELL_CLASSES} classes with the most mistakes, of "
            f"{MAX_CELL_CLASSES + cells.left_out:,}; the filters choose among all."
        )


def _cells(pair: Pair, name: str) -> MatrixCells:
    if name == "difference":
        return difference_cells(pair.matrix_a, pair.matrix_b)
    top = max(largest_value(matrix, "count", False) for matrix in (pair.matrix_a, pair.matrix_b))
    return confusion_cells(pair.matrix_a if name == "a" else pair.matrix_b, top=top)


def _choose_cell(field: str, names: Sequence[str], known: frozenset[str], row: int, column: int) -> None:
    true, predicted = names[row], names[column]
    if true in known and (field != "predicted" or predicted in known):  # else there is no such picture
        keep_cell(field, true, predicted)


def show_classes(changes: pd.DataFrame) -> None:
    """Show how each class changed; a click in a row keeps its pictures."""
    turn = st.session_state.get(f"{PAGE_KEY}_classes_turn", 0)
    key = f"{PAGE_KEY}_classes_{turn}"  # a new key deselects the row, so that it can be clicked again
    shown = in_percent(changes, ["recall_a", "recall_b"]).assign(
        difference=(100 * changes["difference"]).round(1),
        interval=[_bounds(low, high) for low, high in zip(changes["low"], changes["high"], strict=True)],
    )
    number, share = partial(st.column_config.NumberColumn, format="localized"), st.column_config.NumberColumn
    recall = partial(share, format="%.1f", width=46)
    st.dataframe(
        shown[["class", "difference", "interval", "fixed", "broken", "recall_a", "recall_b", "n"]],
        key=key,
        on_select=partial(_choose_class, key, changes["class"].tolist()),
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height="content" if len(changes) <= 12 else 460,
        alt="How the recall of each class changed from A to B",
        column_config={
            "class": st.column_config.TextColumn("Class", width=84),
            "difference": share(
                "B − A", format="%+.1f", width=52, help="Recall of B less that of A, in percentage points."
            ),
            "interval": st.column_config.TextColumn("95 %", help=TERMS["interval"].help, width=102),
            "fixed": number("Fixed", width=46),
            "broken": number("Broken", width=54),
            "recall_a": recall("A", help="Recall in A, in per cent."),
            "recall_b": recall("B", help="Recall in B, in per cent."),
            "n": number("n", help="Test pictures of the class."),
        },
    )


def _bounds(low: float, high: float) -> str:
    return "" if math.isnan(low) else f"{100 * low:+.1f} to {100 * high:+.1f}".replace("-", "−")


def _choose_class(key: str, names: Sequence[str]) -> None:
    selection = st.session_state[key].selection
    rows = [*selection.rows, *(row for row, _ in selection.cells)]
    st.session_state[f"{PAGE_KEY}_classes_turn"] = st.session_state.get(f"{PAGE_KEY}_classes_turn", 0) + 1
    if rows and rows[0] < len(names):
        keep_class(names[rows[0]])


def show_curves(workspace: Workspace, a: RunAtEpoch, b: RunAtEpoch) -> None:
    """Show the test accuracy and loss of A and B over their epochs, with the epochs that are compared.

    Imported predictions have neither.
    """
    trained = {letter: at for letter, at in (("A", a), ("B", b)) if at.run.has_network}
    curves = [run_curve(workspace, run) for run in {at.run.id: at.run for at in trained.values()}.values()]
    marks: dict[int, list[str]] = {}
    for letter, at in trained.items():
        marks.setdefault(at.run.earlier_epochs + at.epoch, []).append(letter)
    marked = [(", ".join(letters), epoch) for epoch, letters in marks.items()]
    for column in _CURVES:
        st.plotly_chart(
            with_readable_axes(overlay_curves(curves, column, marked, CURVES_HEIGHT)),
            key=f"{PAGE_KEY}_{column}",
            alt=f"{column.replace('_', ' ')} per epoch of {' and '.join(trained)}",
        )
