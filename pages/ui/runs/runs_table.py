"""The table of runs. The session keeps the selected ids, so that they stay selected when a run comes or goes."""

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.config import differing, spec_of
from cifar_core.runs import QueuePlace, Run
from cifar_core.text import clock
from pages.ui.train.settings_form import setting_text
from pages.ui.wording import PERCENT_FORMAT, date_and_time, in_percent, status_display

ACCURACY_COLUMNS = ("best test accuracy", "last test accuracy")
SEEN_COLUMN = "seen in training"  # test pictures; shown where a run has any
SELECTED_KEY = "runs_chosen"


def runs_table(runs: list[Run], places: Mapping[str, QueuePlace]) -> pd.DataFrame:
    """Return one row a run: name, status, dataset, the settings in which the runs differ, results, time and day.

    Args:
        runs: newest first.
        places: the places in the queue of those that wait.
    """
    sound = [run for run in runs if not run.problem]
    names = [name for name in differing([run.config for run in sound]) if name != "dataset"] if sound else []
    any_seen = any(run.dataset is not None and run.dataset.test_seen for run in runs)
    rows = []
    for run in runs:
        row: dict[str, object] = {"run": run.name}
        row["status"] = status_display(run)[0] + (f", {places[run.id]}" if run.id in places else "")
        row["dataset"] = "" if run.problem else run.config.data.dataset
        row["best test accuracy"] = run.best.test_accuracy if run.best else None
        row["best epoch"] = run.best.epoch if run.best else None
        row["last test accuracy"] = run.last.test_accuracy if run.last else None
        row["n (test)"] = run.dataset.test if run.dataset else None
        if any_seen:
            row[SEEN_COLUMN] = run.dataset.test_seen if run.dataset else None
        flat = run.config.flat()
        row.update({spec_of(name).label: None if run.problem else _cell_value(flat[name]) for name in names})
        row["time"] = clock(run.seconds)
        row["created"] = date_and_time(run.made_at if run.created else None)
        row["note"] = run.note
        rows.append(row)
    return pd.DataFrame(rows)


def _cell_value(value: Any) -> Any:
    """Keep numbers as numbers, so that they are aligned and sorted as such."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else setting_text(value)


def select_runs(runs: list[Run], table: pd.DataFrame) -> list[Run]:
    """Show the table; return the runs whose rows are selected."""
    # Another list has another key, so that no stale rows are selected.
    identity = hashlib.sha256(" ".join(run.id for run in runs).encode()).hexdigest()[:8]
    event = st.dataframe(
        in_percent(table, ACCURACY_COLUMNS),
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _rows_selected_before(runs, identity)}},
        key=f"runs_table_{identity}",
        alt="Runs with status, differing settings, accuracy and time",
        column_config={
            "run": st.column_config.TextColumn(pinned=True),
            **dict.fromkeys(ACCURACY_COLUMNS, st.column_config.NumberColumn(format=PERCENT_FORMAT)),
            "n (test)": st.column_config.NumberColumn(format="localized"),
            SEEN_COLUMN: st.column_config.NumberColumn(
                format="localized", help="Test pictures with the same pixels as a training or validation picture."
            ),
        },
    )
    chosen = [runs[row] for row in event["selection"]["rows"] if row < len(runs)]
    st.session_state[SELECTED_KEY] = [run.id for run in chosen]
    return chosen


def _rows_selected_before(runs: list[Run], identity: str) -> list[int]:
    """Return the rows of the runs that were selected in the previous list; the same at every rerun with one list."""
    known: tuple[str, list[int]] = st.session_state.get(f"{SELECTED_KEY}_rows", ("", []))
    if known[0] != identity:
        before = st.session_state.get(SELECTED_KEY, [])
        known = identity, [row for row, run in enumerate(runs) if run.id in before]
        st.session_state[f"{SELECTED_KEY}_rows"] = known
    return known[1]
