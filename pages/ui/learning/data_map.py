"""The pictures of a part as points: the map, and in its place the table, which says and does the same in words."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.runs import Run
from pages.ui.components.scatter_map import ScatterEvent, scatter_map
from pages.ui.learning.choice import PAGE_KEY, PART_WORDS, choose_rows, ticked_ids
from pages.ui.learning.lists import LASSO
from pages.ui.learning.loaded import Learned
from pages.ui.picture.drawer import open_picture
from pages.ui.wording import PERCENT_FORMAT, in_percent

MAP_HEIGHT = "clamp(430px, 100vh - 365px, 540px)"  # as far down as the pictures beside it
TABLE_HEIGHT = 430  # CSS pixels
MOST_ROWS = 1000  # of the table; the file has all
_SORTS = {  # column -> title, whether the lowest comes first
    "confidence": ("Mean p(true class), lowest first", True),
    "variability": ("Variability, highest first", False),
    "correctness": ("Correctness, lowest first", True),
    "aum": ("AUM, lowest first", True),
    "forgetting": ("Forgetting events, most first", False),
    "first_right": ("First right, latest first", False),
}


def show_map(run: Run, learned: Learned, wanted: np.ndarray, chosen: np.ndarray) -> None:
    """Show the map.

    Args:
        run: whose pictures.
        learned: what was learned of them.
        wanted: bool [N], which pictures the filters leave.
        chosen: int64, the rows that are circled.
    """
    state, split = st.session_state, learned.facts.split
    axes, shown = state[f"{PAGE_KEY}_axes"], int(wanted.sum())
    points = learned.points[axes]
    ringed = ticked_ids(run, split) | {state[f"{PAGE_KEY}_image"]}
    scatter_map(
        points,
        learned.colours[state[f"{PAGE_KEY}_colour"]],
        key=f"{PAGE_KEY}_scatter",
        label=f"Map of {shown:,} {PART_WORDS[split]} pictures: {points.axes[0].title} across, "
        f"{points.axes[1].title} upwards. The table says the same in words.",
        on_change=partial(_on_map, run, split, points.count, learned.names),
        shown=None if shown == len(wanted) else wanted,
        selected=chosen if state[f"{PAGE_KEY}_list"] == LASSO else None,
        marked=np.array(sorted(learned.row_of[name] for name in ringed if name in learned.row_of), np.int64),
        height=MAP_HEIGHT,
    )


def _on_map(run: Run, split: str, count: int, names: list[str], event: ScatterEvent) -> None:
    if event.opened is not None:
        open_picture(PAGE_KEY, names[event.opened])
    elif event.selected is not None:
        choose_rows(run, split, count, event.selected)


def show_table(run: Run, learned: Learned, wanted: np.ndarray) -> None:
    """Show the pictures as a table, the most telling of the sort first; ticked rows are shown as pictures beside it."""
    split = learned.facts.split
    column = st.selectbox(
        "Sort by",
        list(_SORTS),
        key=f"{PAGE_KEY}_sort",
        format_func=lambda name: f"Sort: {_SORTS[name][0]}",
        label_visibility="collapsed",
        width=300,
    )
    rows = sorted_rows(learned.table, column, wanted)[:MOST_ROWS]
    key = f"{PAGE_KEY}_rows_{split}_{column}_{hash(tuple(st.session_state[f'{PAGE_KEY}_class']))}"
    st.dataframe(
        table_in_words(learned, rows),
        key=key,
        hide_index=True,
        height=TABLE_HEIGHT,
        on_select=partial(_on_rows, key, run, split, len(learned.table), rows),
        selection_mode="multi-row",
        alt=f"How each of the {PART_WORDS[split]} pictures was learned, sorted",
        column_config={
            "Picture": st.column_config.TextColumn(width=110),
            "Mean p": st.column_config.NumberColumn(format="%.3f", help=TERMS["mean_p_true"].help),
            "Variability": st.column_config.NumberColumn(format="%.3f", help=TERMS["variability"].help),
            "Right": st.column_config.NumberColumn(format=PERCENT_FORMAT, help=TERMS["correctness"].help),
            "AUM": st.column_config.NumberColumn(format="%.2f", help=TERMS["aum"].help),
            "Forgotten": st.column_config.NumberColumn(format="%d", help=TERMS["forgetting"].help),
            "First right": st.column_config.NumberColumn(format="%d", help="The epoch; empty where it never was."),
        },
    )
    shown = int(wanted.sum())
    if shown > MOST_ROWS:
        st.caption(f"The first {MOST_ROWS:,} of {shown:,} pictures in this order. The file below has all.")


def sorted_rows(table: pd.DataFrame, column: str, wanted: np.ndarray) -> np.ndarray:
    """Return the rows that the filters leave, int64 in the order of a column; those without a value last."""
    values = table[column].to_numpy(np.float64)
    if column == "first_right":  # never is later than any epoch
        values = np.where(values == 0, np.inf, values)
    keys = values if _SORTS[column][1] else -values
    order = np.argsort(keys, kind="stable")
    return order[wanted[order]]


def table_in_words(learned: Learned, rows: np.ndarray) -> pd.DataFrame:
    """Return the columns of the table that are shown, of some rows in this order."""
    found = learned.table.iloc[rows]
    first = found["first_right"].to_numpy()
    words = pd.DataFrame(
        {
            "Picture": [learned.names[row] for row in rows],
            "True": found["true"].astype("str").to_numpy(),
            "Last predicted": found["predicted"].astype("str").to_numpy(),
            "Mean p": found["confidence"].to_numpy(),
            "Variability": found["variability"].to_numpy(),
            "Right": found["correctness"].to_numpy(),
            "AUM": found["aum"].to_numpy(),
            "Forgotten": found["forgetting"].to_numpy(),
            "First right": pd.array([int(epoch) or None for epoch in first], dtype="Int64"),
        }
    )
    return in_percent(words, ["Right"])


def _on_rows(key: str, run: Run, split: str, count: int, rows: np.ndarray) -> None:
    picked = [place for place in st.session_state[key].selection.rows if place < len(rows)]
    choose_rows(run, split, count, np.sort(rows[picked]))
