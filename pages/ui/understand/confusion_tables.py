"""The tables of the Confusion page: most confused pairs; precision, recall and F1 of each class; their downloads."""

import itertools
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.evaluate import TERMS, ConfusionMatrix, explain_averages
from cifar_core.export import epoch_file_name, table_csv
from cifar_core.export.matrix_image import matrix_png
from cifar_core.figures import MatrixCells, confusion_heatmap, figure_html
from cifar_core.runs import Run
from cifar_core.text import no_pictures
from pages.ui.caches import Findings
from pages.ui.markdown import escaped_sentence
from pages.ui.understand.confusion_matrix import PAGE_KEY, choose_cell, table_key
from pages.ui.wording import PERCENT_FORMAT, in_percent

MAX_PAIR_ROWS = 11  # a longer table scrolls, so that the matrix beside it stays in view
MAX_WHOLE_NAME = 15  # characters of a class name
NAME_WIDTH, NUMBER_WIDTH = 112, 66  # CSS pixels of columns: all five beside the matrix in a window of 1366
SELECTION: list[Any] = ["single-row", "single-cell"]  # of a table: a click anywhere in a row
SCORES = ["precision", "recall", "f1"]  # of a class


def show_pairs(pairs: pd.DataFrame) -> None:
    """Show the most confused pairs in both directions; a click anywhere in a row chooses its cell."""
    if pairs.empty:
        st.caption("None: every picture is predicted correctly.")
        return
    key, cells = table_key("pairs"), list(zip(pairs["true"], pairs["predicted"], strict=True))
    # Long names are cut, so that the numbers stay in view beside the matrix.
    is_long = max(map(len, itertools.chain.from_iterable(cells))) > MAX_WHOLE_NAME
    name, number = (NAME_WIDTH, NUMBER_WIDTH) if is_long else (None, None)
    st.dataframe(
        in_percent(pairs[["true", "predicted", "count", "share_of_true", "reverse_count"]], ["share_of_true"]),
        key=key,
        on_select=partial(_choose_row, key, cells),
        selection_mode=SELECTION,
        hide_index=True,
        height="content" if len(pairs) <= MAX_PAIR_ROWS else 420,
        alt="Most confused pairs",
        column_config={
            "true": st.column_config.TextColumn("True", width=name),
            "predicted": st.column_config.TextColumn("Predicted", width=name),
            "count": st.column_config.NumberColumn("Count", format="localized", help="Pictures.", width=number),
            "share_of_true": st.column_config.NumberColumn(
                "Share", format=PERCENT_FORMAT, help="Of all pictures of the true class.", width=number
            ),
            "reverse_count": st.column_config.NumberColumn(
                "Reverse", format="localized", help="Pictures mixed up the other way round.", width=number
            ),
        },
    )


def _choose_row(key: str, cells: Sequence[tuple[str, str | None]]) -> None:
    """Choose the cell of the row that was clicked, whichever column it was; for a callback."""
    selection = st.session_state[key].selection
    rows = [*selection.rows, *(row for row, _ in selection.cells)]
    if rows and rows[0] < len(cells):
        choose_cell(*cells[rows[0]])


def show_class_table(findings: Findings) -> None:
    """Show precision, recall, F1 and support of each class, with averages; a row chooses the mistakes of its class.

    Scores are bars, which cannot say that one is undefined: where one is, all are texts of one width instead, which
    sort as numbers do, and before the words.
    """
    key = table_key("classes")
    # Only these are kept by the callback, not the findings.
    table, names = class_table_with_averages(findings), findings.predictions.class_names
    all_defined = bool(table[SCORES].notna().all(axis=None))
    if not all_defined:
        reasons = undefined_reasons(table, findings.predictions.split)
        table = table.assign(
            **{name: table[name].map("{:.3f}".format).where(table[name].notna(), reasons) for name in SCORES}
        )
    bounds = zip(table.pop("recall_low"), table.pop("recall_high"), strict=True)
    chance = [None if np.isnan(low) else f"{low:.3f} to {high:.3f}" for low, high in bounds]
    # An average has no interval.
    table.insert(list(table).index("recall") + 1, "chance", [*chance[: len(names)], *[""] * len(findings.averages)])
    st.dataframe(
        table,
        key=key,
        on_select=partial(_choose_row, key, [(name, None) for name in names]),
        selection_mode=SELECTION,
        hide_index=True,
        height="content",
        placeholder=no_pictures(findings.predictions.split),
        alt="Precision, recall, F1 and support of each class",
        column_config=_class_columns(all_defined=all_defined),
    )
    words = explain_averages(findings.classes, findings.predictions.split)
    if words:
        st.caption(escaped_sentence(words))


def _class_columns(*, all_defined: bool) -> dict[str, Any]:
    """Return how each column of the class table is shown."""
    bar = partial(st.column_config.ProgressColumn, min_value=0.0, max_value=1.0, format="%.3f")
    text = partial(st.column_config.TextColumn, alignment="right")
    shares = {name: (bar if all_defined else text)(TERMS[name].title, help=TERMS[name].help) for name in SCORES}
    predicted = "Pictures predicted as this class."
    return {
        "class": st.column_config.TextColumn("Class", width=130),
        **shares,
        "chance": st.column_config.TextColumn("Recall, 95 %", help=TERMS["interval"].help),
        "support": st.column_config.NumberColumn(
            TERMS["support"].title, help=TERMS["support"].help, format="localized"
        ),
        "predicted": st.column_config.NumberColumn("Predicted", help=predicted, format="localized"),
    }


def _classes_with_notes(findings: Findings) -> pd.DataFrame:
    """Return the class table for a file: the cells of undefined scores stay empty, and the column `note` says why."""
    table, split = class_table_with_averages(findings), findings.predictions.split
    notes = undefined_reasons(table, split).where(table[SCORES].isna().any(axis=1), "")
    notes[len(findings.classes) :] = explain_averages(findings.classes, split)
    return table.assign(note=notes)


def undefined_reasons(table: pd.DataFrame, split: str) -> "pd.Series[Any]":
    """Return for each row of a class table why a score of it is undefined, if one is."""
    return pd.Series(np.where(table["support"] == 0, no_pictures(split), "never predicted"), table.index)


def class_table_with_averages(findings: Findings) -> pd.DataFrame:
    """Return the class report with a row for each average."""
    averages = findings.averages.rename_axis("class").reset_index()
    averages["class"] = averages["class"].map("{} average".format)
    averages["support"] = averages["predicted"] = len(findings.predictions.labels)
    return pd.concat([findings.classes, averages], ignore_index=True)


def show_downloads(run: Run, findings: Findings, pairs: pd.DataFrame, cells: MatrixCells) -> None:
    """Show downloads of the matrix as tables and pictures; each file is made at the click."""
    epoch = findings.predictions.epoch
    # A download keeps these of the findings and nothing else.
    matrix, classes = findings.matrix, _classes_with_notes(findings)
    title = f"{run.name}: confusion on test, n = {len(findings.table):,}, epoch {epoch}"
    files: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "Figure (PNG)": ("confusion.png", "image/png", lambda: matrix_png(cells, title)),
        "Figure (HTML)": ("confusion.html", "text/html", lambda: figure_html(confusion_heatmap(cells), title)),
        "Matrix (CSV)": ("matrix.csv", "text/csv", lambda: _matrix_csv(matrix)),
        "Pairs (CSV)": (
            "pairs.csv",
            "text/csv",
            lambda: table_csv(pairs.drop(columns=["true_index", "predicted_index"]).assign(epoch=epoch)),
        ),
        "Classes (CSV)": ("classes.csv", "text/csv", lambda: table_csv(classes.assign(epoch=epoch))),
    }
    with st.container(horizontal=True):
        for label, (name, mime, make) in files.items():
            st.download_button(
                label,
                data=make,
                file_name=epoch_file_name(run.id, epoch, name),
                mime=mime,
                on_click="ignore",
                key=f"{PAGE_KEY}_file_{name}",
                type="tertiary",
                icon=":material/download:",
            )


def _matrix_csv(matrix: ConfusionMatrix) -> bytes:
    table = pd.DataFrame(matrix.counts, columns=list(matrix.class_names))
    table.insert(0, "true \\ predicted", matrix.class_names)
    return table_csv(table)
