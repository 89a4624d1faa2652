"""The table on the screen, and which of its rows are ticked: kept in the URL by id, in the order of the ticks.

A run that the filter hides stays ticked. The last one ticked becomes the run in focus.
"""

import hashlib
from collections.abc import Sequence

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

from cifar_core.runs import Run
from pages.ui.run_focus import focus_on
from pages.ui.runs.runs_filter import PAGE
from pages.ui.runs.runs_table import FIRST_COLUMNS, HIDDEN_COLUMNS, SHARES, column_label
from pages.ui.saved_views.loaded_answers import MARKED_RUNS
from pages.ui.url_state import UrlParameter
from pages.ui.wording import PERCENT_FORMAT, in_percent

MAX_TICKED = 50  # runs in the URL; the latest count
TABLE_HEIGHT = 320  # pixels, eight rows and a half: what is done with a ticked run stands below
_TICKED_KEY = f"{PAGE}_runs"  # session: ids in the order of the ticks
_DRAWN_KEY = f"{PAGE}_table_drawn"  # session: the ids of the rows, key and first selection of the table as it was drawn
_LAST_KEY = f"{PAGE}_last_ticked"  # session: the run that was ticked last when the page was drawn
_LONG_NAME = 54  # characters that fit in one line of the widest column of names; longer ones are wrapped
_THREE_LINES = 66  # pixels of a row; Streamlit wraps the text of rows over 64

TICKED_URL_PARAMETER = UrlParameter(
    [], lambda texts: list(dict.fromkeys(filter(None, texts[0].split(","))))[-MAX_TICKED:], lambda ids: [",".join(ids)]
)


def follow_ticks(runs: Sequence[Run]) -> list[Run]:
    """Return the ticked runs in the order of the ticks; a new last one becomes the run in focus."""
    here = {run.id: run for run in runs}
    ticked = [run_id for run_id in st.session_state[_TICKED_KEY] if run_id in here]
    st.session_state[_TICKED_KEY] = ticked
    last = ticked[-1] if ticked else ""
    if last and last != st.session_state.get(_LAST_KEY):
        focus_on(last)
    st.session_state[_LAST_KEY] = last
    return [here[run_id] for run_id in ticked]


def tick(run_id: str) -> None:
    """Tick a run as the last one, so that the page and the others speak of it when they are drawn next."""
    others = [other for other in st.session_state.get(_TICKED_KEY, []) if other != run_id]
    st.session_state[_TICKED_KEY] = [*others, run_id][-MAX_TICKED:]
    focus_on(run_id)


def tick_all(run_ids: Sequence[str]) -> None:
    """Tick these runs after those that are ticked already; for a callback."""
    before = [run_id for run_id in st.session_state[_TICKED_KEY] if run_id not in run_ids]
    st.session_state[_TICKED_KEY] = [*before, *run_ids][-MAX_TICKED:]


def clear_ticks() -> None:
    """Take all ticks away; for a callback."""
    st.session_state[_TICKED_KEY] = []


def show_table(rows: pd.DataFrame) -> None:
    """Show these rows of `runs_table`, those of ticked runs ticked."""
    ids = rows["id"].tolist()
    key, first = _table_key(ids)
    longest = max(map(len, rows["name"]))
    shares = [name for name in SHARES if name in rows]
    st.dataframe(
        in_percent(rows.drop(columns=[*HIDDEN_COLUMNS, "seconds"]).assign(seconds=_clock(rows)), shares),
        column_order=[name for name in rows.columns if name not in HIDDEN_COLUMNS],
        height=TABLE_HEIGHT if len(ids) > 8 else "content",
        row_height=_THREE_LINES if longest > _LONG_NAME else None,
        hide_index=True,
        placeholder="–",
        on_select=_on_tick,
        selection_mode="multi-row",
        selection_default={"selection": {"rows": first}},
        key=key,
        alt="Runs with status, accuracy, dataset, time and the settings that differ",
        column_config=_column_config(rows, longest),
    )


def _column_config(rows: pd.DataFrame, longest: int) -> dict[str, ColumnConfig]:
    """Return how each column is drawn: names whole, shares in per cent, days and times so that a click sorts them."""
    column = st.column_config
    this_year = rows["created"].dropna().dt.year.eq(pd.Timestamp.now().year).all()
    special = {
        "colour": column.ImageColumn(" ", width=36, pinned=True, help="The colour of this run in every chart."),
        "name": column.TextColumn(FIRST_COLUMNS["name"], pinned=True, width=_name_pixels(longest)),
        "accuracy": column.NumberColumn(
            FIRST_COLUMNS["accuracy"],
            format=PERCENT_FORMAT,
            help="At the epoch that the validation part chose; at the last one where there is no such part.",
        ),
        "worse": column.NumberColumn(
            FIRST_COLUMNS["worse"],
            help="Saved views on which the run is worse than the run before on the same test pictures, by more than "
            f"chance explains (95 % interval). Of the {MARKED_RUNS} newest finished runs; tick one to see which.",
        ),
        "last_accuracy": column.NumberColumn(FIRST_COLUMNS["last_accuracy"], format=PERCENT_FORMAT),
        "created": column.DatetimeColumn(
            FIRST_COLUMNS["created"], format="D MMM HH:mm" if this_year else "D MMM YYYY HH:mm"
        ),
        "seconds": column.NumberColumn(
            FIRST_COLUMNS["seconds"], format="compact", help="Training and measuring, as hours:minutes:seconds."
        ),
        "n": column.NumberColumn(FIRST_COLUMNS["n"], format="localized"),
        "seen": column.NumberColumn(
            FIRST_COLUMNS["seen"],
            format="localized",
            help="Test pictures with the same pixels as a training or validation picture.",
        ),
        "best_epoch": column.NumberColumn(FIRST_COLUMNS["best_epoch"], help="The epoch of the test accuracy."),
        "place": column.TextColumn(FIRST_COLUMNS["place"], width="medium"),  # its own measure cuts a rare, longer one
        **_seed_columns(),
    }
    return {
        key: special.get(key, column.Column(column_label(key))) for key in rows.columns if key not in HIDDEN_COLUMNS
    }


def _seed_columns() -> dict[str, ColumnConfig]:
    column, interval = st.column_config.NumberColumn, "95 % t interval of the mean."
    helps = {
        "seed_mean": "Mean test accuracy of the finished runs that differ in the seed alone, one a seed.",
        "seed_low": interval,
        "seed_high": interval,
        "seed_deviation": "Standard deviation of their test accuracies, in points.",
    }
    seeds = column(FIRST_COLUMNS["seeds"], help="Finished runs that differ in the seed alone, one a seed.")
    shares = {key: column(FIRST_COLUMNS[key], format=PERCENT_FORMAT, help=words) for key, words in helps.items()}
    return {"seeds": seeds, **shares}


def _name_pixels(longest: int) -> int:
    """Return a width in which every name of up to `longest` characters is seen whole."""
    return max(110, 24 + round(7.3 * longest)) if longest <= _LONG_NAME else 300


def _clock(rows: pd.DataFrame) -> "pd.Series[pd.Timedelta]":
    return pd.to_timedelta(rows["seconds"], unit="s")


def _table_key(ids: list[str]) -> tuple[str, list[int]]:
    """Return the key of the table and the rows that are ticked when it is first drawn under this key.

    Another list of rows has another key, and so has one whose ticks were changed elsewhere: by the URL or a button.
    """
    ticks = set(st.session_state[_TICKED_KEY])
    wanted = [row for row, run_id in enumerate(ids) if run_id in ticks]
    before, key, first, turn = st.session_state.get(_DRAWN_KEY, ((), "", [], 0))
    shown = st.session_state.get(key) if key else None
    ticked = sorted(shown["selection"]["rows"]) if shown else first
    if before != tuple(ids) or ticked != wanted:
        turn += 1
        identity = hashlib.sha256(" ".join(ids).encode()).hexdigest()[:8]
        key, first = f"{PAGE}_table_{identity}_{turn}", wanted
    st.session_state[_DRAWN_KEY] = tuple(ids), key, first, turn
    return key, first


def _on_tick() -> None:
    """Keep the ticks of the hidden runs and of those that were ticked before, in their order; new ones come last."""
    ids, key, _, _ = st.session_state[_DRAWN_KEY]
    now = [ids[row] for row in st.session_state[key]["selection"]["rows"] if row < len(ids)]
    kept = [run_id for run_id in st.session_state[_TICKED_KEY] if run_id in now or run_id not in ids]
    added = [run_id for run_id in now if run_id not in kept]
    st.session_state[_TICKED_KEY] = [*kept, *added][-MAX_TICKED:]
