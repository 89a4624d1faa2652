"""The parts of the Confusion page: its address, the clickable matrix, the tables, the files to take away."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from cifar_core.analyse import explain_matrix
from cifar_core.export import table_csv
from cifar_core.figures import confusion_heatmap, figure_html
from cifar_core.runs import Run
from pages.ui.caches import Findings
from pages.ui.markdown import plain
from pages.ui.understand.gallery import PARTS
from pages.ui.url_state import Part, choice, yes_no
from pages.ui.wording import PERCENT, in_percent

PAGE = "confusion"
SCALES = {"count": "Counts", "true": "Row %", "predicted": "Column %"}
CHART = {
    "displaylogo": False,
    "modeBarButtons": [["toImage"]],
    "toImageButtonOptions": {"filename": "confusion", "scale": 2},
}
SCALE_HELP = (
    "Counts: how many pictures. Row %: of all pictures of the true class (the diagonal is recall). "
    "Column %: of all pictures predicted so (the diagonal is precision)."
)


def address_parts(class_names: Sequence[str], epochs: Sequence[int], best: int) -> dict[str, Part]:
    """What the address of the page holds."""
    return {
        "epoch": choice(epochs, best),
        "by": choice(list(SCALES), "count"),
        "diagonal": yes_no(True),
        "true": choice(class_names, None),
        "predicted": choice(class_names, None),
        **PARTS,
    }


def choose_cell(true: str | None, predicted: str | None, table: str = "") -> None:
    """Make a cell (a class, with None) the one whose pictures are shown; for a callback."""
    st.session_state[f"{PAGE}_true"], st.session_state[f"{PAGE}_predicted"] = true, predicted
    cell_changed(table)


def cell_changed(table: str = "") -> None:
    """Begin at the first page, and untick the rows of every table but the one that was used; for a callback."""
    st.session_state[f"{PAGE}_page"] = 1
    for other in {"pairs", "classes"} - {table}:
        st.session_state[f"{PAGE}_{other}_turn"] = st.session_state.get(f"{PAGE}_{other}_turn", 0) + 1


def show_matrix(findings: Findings, by: str, hide_diagonal: bool) -> go.Figure:
    """The heatmap; a click on a cell chooses it."""
    names = findings.predictions.class_names
    true, predicted = st.session_state[f"{PAGE}_true"], st.session_state[f"{PAGE}_predicted"]
    cell = (names.index(true), names.index(predicted)) if true and predicted else None
    figure = confusion_heatmap(findings.matrix, names, by, hide_diagonal, cell)  # type: ignore[arg-type]
    key = f"{PAGE}_heatmap_{cell}"  # a new chart for each cell: Plotly would toggle the old selection

    def clicked() -> None:
        points = st.session_state[key].selection.points
        if points:
            row, column = points[0]["customdata"][:2]
            choose_cell(names[int(row)], names[int(column)])

    st.plotly_chart(
        figure, key=key, on_select=clicked, selection_mode="points", alt=explain_matrix(findings.matrix, names),
        config=CHART,
    )  # fmt: skip
    return figure


def show_pairs(pairs: pd.DataFrame) -> None:
    """The most confused pairs, both directions; a row chooses its cell."""
    if pairs.empty:
        st.caption("None: every picture is predicted right.")
        return
    key = _table_key("pairs")

    def clicked() -> None:
        rows = st.session_state[key].selection.rows
        if rows:
            choose_cell(pairs.iloc[rows[0]]["true"], pairs.iloc[rows[0]]["predicted"], "pairs")

    st.dataframe(
        in_percent(pairs[["true", "predicted", "count", "share_of_true", "reverse_count"]], ["share_of_true"]),
        key=key, on_select=clicked, selection_mode="single-row", hide_index=True, height=420, alt="Most confused pairs",
        column_config={
            "true": "True", "predicted": "Predicted",
            "count": st.column_config.NumberColumn("Count", format="localized", help="Pictures."),
            "share_of_true": st.column_config.NumberColumn("Share", format=PERCENT,
                                                           help="Of all pictures of the true class."),
            "reverse_count": st.column_config.NumberColumn("Reverse", format="localized",
                                                           help="Pictures mixed up the other way round."),
        },
    )  # fmt: skip


def show_classes(findings: Findings) -> None:
    """Precision, recall, F1 and support of each class with their averages; a row shows the mistakes of its class."""
    key = _table_key("classes")
    table, names = (
        class_table(findings),
        findings.predictions.class_names,
    )  # of the findings a callback keeps nothing else
    bounds = zip(table.pop("recall_low"), table.pop("recall_high"), strict=True)
    chance = ["" if np.isnan(low) else f"{low:.3f} to {high:.3f}" for low, high in bounds]
    table.insert(list(table).index("recall") + 1, "chance", chance)

    def clicked() -> None:
        rows = st.session_state[key].selection.rows
        if rows and rows[0] < len(names):
            choose_cell(names[rows[0]], None, "classes")

    share = {
        name: st.column_config.ProgressColumn(title, format="%.3f", min_value=0.0, max_value=1.0, help=told)
        for name, title, told in (
            ("precision", "Precision", "Of the pictures predicted so, the share that are."),
            ("recall", "Recall", "Of the pictures that are, the share predicted so."),
            ("f1", "F1", "Harmonic mean of precision and recall."),
        )
    }
    st.dataframe(
        table, key=key, on_select=clicked, selection_mode="single-row", hide_index=True, height="content",
        alt="Precision, recall, F1 and support of each class",
        column_config={
            "class": st.column_config.TextColumn("Class", width=130), **share,
            "chance": st.column_config.TextColumn("Recall, 95 %", help="What the recall may be on all pictures of this kind: "
                                                  "95 % of such intervals hold it (Wilson). Few pictures, a wide one."),
            "support": st.column_config.NumberColumn("Support", help="Pictures of the class.", format="localized"),
            "predicted": st.column_config.NumberColumn("Predicted", help="Pictures predicted so.", format="localized"),
        },
    )  # fmt: skip


def class_table(findings: Findings) -> pd.DataFrame:
    """The class report with a row for each average."""
    averages = findings.averages.rename_axis("class").reset_index()
    averages["class"] = averages["class"].map("{} average".format)
    averages["support"] = averages["predicted"] = len(findings.predictions.labels)
    return pd.concat([findings.classes, averages], ignore_index=True)


def show_chip(true: str | None, predicted: str | None, count: int) -> None:
    """What is shown below, with a click to take it away."""
    told = f"true {plain(true or 'any')} → predicted {plain(predicted or 'another class')} · {count:,}"
    if true is None:
        told = f"true another class → predicted {plain(predicted)} · {count:,}"
    st.button(told, key=f"{PAGE}_chip", icon=":material/close:", icon_position="right", on_click=choose_cell,
              args=(None, None), help="Show no cell")  # fmt: skip


def offer_files(run: Run, findings: Findings, pairs: pd.DataFrame, figure: go.Figure) -> None:
    """The matrix, the tables and the figure as files, each made when it is clicked."""
    names, epoch = list(findings.predictions.class_names), findings.predictions.epoch
    matrix, classes = findings.matrix, class_table(findings)  # of the findings a download keeps nothing else
    title = f"{run.name}: confusion on test, n = {len(findings.table):,}, epoch {epoch}"
    files: dict[str, tuple[str, str, Callable[[], str | bytes]]] = {
        "Matrix (CSV)": ("matrix.csv", "text/csv", lambda: _matrix_csv(matrix, names)),
        "Pairs (CSV)": (
            "pairs.csv",
            "text/csv",
            lambda: table_csv(pairs.drop(columns=["true_index", "predicted_index"])),
        ),
        "Classes (CSV)": ("classes.csv", "text/csv", lambda: table_csv(classes)),
        "Figure (HTML)": ("confusion.html", "text/html", lambda: figure_html(figure, title)),
    }
    with st.popover("Download", icon=":material/download:"):
        for label, (name, mime, make) in files.items():
            st.download_button(label, data=make, file_name=f"{run.id}-epoch-{epoch}-{name}", mime=mime, on_click="ignore",
                               key=f"{PAGE}_file_{name}", type="tertiary")  # fmt: skip


def _table_key(table: str) -> str:
    """A table's key; a new one unticks its row, which cannot be done otherwise."""
    return f"{PAGE}_{table}_table_{st.session_state.get(f'{PAGE}_{table}_turn', 0)}"


def _matrix_csv(matrix: np.ndarray, names: list[str]) -> bytes:
    table = pd.DataFrame(matrix, columns=names)
    table.insert(0, "true \\ predicted", names)
    return table_csv(table)
