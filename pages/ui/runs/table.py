"""The table of runs and what can be done with one of them. Reads runs; renames, notes and steers where asked to.

Session: the ids of the selected rows, so that they stay selected when a run comes or goes.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.config import differing, spec_of
from cifar_core.runs import Place, Run, note_run, rename_run
from cifar_core.runs.store import MAX_NAME, MAX_NOTE
from cifar_core.text import clock
from cifar_core.workspace import Workspace
from pages.ui.frame import guard
from pages.ui.markdown import clean, plain, sentence
from pages.ui.runs.delete_and_restore import offer_delete
from pages.ui.runs.transfer import offer_export
from pages.ui.train.run_buttons import offer_again, offer_moves
from pages.ui.train.settings_form import in_words
from pages.ui.wording import PERCENT, in_percent, moment, state_words

ACCURACIES = ("best test accuracy", "last test accuracy")
CHOSEN = "runs_chosen"


def table_of(runs: list[Run], places: Mapping[str, Place]) -> pd.DataFrame:
    """A row a run: name, status, dataset, the settings in which the runs differ, results, time, day; newest first.

    Args:
        runs: newest first.
        places: of those that wait.
    """
    sound = [run for run in runs if not run.problem]
    names = [name for name in differing([run.config for run in sound]) if name != "dataset"] if sound else []
    rows = []
    for run in runs:
        row: dict[str, object] = {"run": run.name}
        row["status"] = state_words(run)[0] + (f", {places[run.id]}" if run.id in places else "")
        row["dataset"] = "" if run.problem else run.config.data.dataset
        row["best test accuracy"] = run.best.test_accuracy if run.best else None
        row["best epoch"] = run.best.epoch if run.best else None
        row["last test accuracy"] = run.last.test_accuracy if run.last else None
        row["n (test)"] = run.dataset.test if run.dataset else None
        flat = run.config.flat()
        row.update({spec_of(name).label: None if run.problem else _cell(flat[name]) for name in names})
        row["time"] = clock(run.seconds)
        row["created"] = moment(run.made_at if run.created else None)
        row["note"] = run.note
        rows.append(row)
    return pd.DataFrame(rows)


def _cell(value: Any) -> Any:
    """Numbers stay numbers, so that they stand to the right and sort as such."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else in_words(value)


def choose_runs(runs: list[Run], table: pd.DataFrame) -> list[Run]:
    """The table on screen; returns the runs whose rows are selected."""
    identity = hashlib.sha256(" ".join(run.id for run in runs).encode()).hexdigest()[:8]  # another list: no stale rows
    event = st.dataframe(
        in_percent(table, ACCURACIES),
        hide_index=True,
        placeholder="–",
        on_select="rerun",
        selection_mode="multi-row",
        selection_default={"selection": {"rows": _rows_before(runs, identity)}},
        key=f"runs_table_{identity}",
        alt="Runs with status, differing settings, accuracy and time",
        column_config={
            "run": st.column_config.TextColumn(pinned=True),
            **dict.fromkeys(ACCURACIES, st.column_config.NumberColumn(format=PERCENT)),
            "n (test)": st.column_config.NumberColumn(format="localized"),
        },
    )
    chosen = [runs[row] for row in event["selection"]["rows"] if row < len(runs)]
    st.session_state[CHOSEN] = [run.id for run in chosen]
    return chosen


def _rows_before(runs: list[Run], identity: str) -> list[int]:
    """Where the rows that were selected in the last list stand in this one; the same at every redraw of one list."""
    known: tuple[str, list[int]] = st.session_state.get(f"{CHOSEN}_rows", ("", []))
    if known[0] != identity:
        before = st.session_state.get(CHOSEN, [])
        known = identity, [row for row, run in enumerate(runs) if run.id in before]
        st.session_state[f"{CHOSEN}_rows"] = known
    return known[1]


def manage(workspace: Workspace, run: Run, runs: list[Run]) -> None:
    """Open, steer, rename, note, export and delete one run."""
    with st.container(border=True):
        if run.problem:
            st.error(sentence(run.problem), title="This run cannot be read", icon=":material/broken_image:")
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(run.name)}** `{run.id}`{_descent(run)}", width="stretch")
            if not run.problem:
                _link("train", "Curves and settings", ":material/show_chart:", run)
            if run.best is not None:
                _link("confusion", "What it confuses", ":material/grid_on:", run)
                _link("misclassified", "Its mistakes", ":material/rule:", run)
        with st.container(horizontal=True, vertical_alignment="center"):
            if not run.active:  # the buttons of the others stand above, where they are redrawn
                offer_moves(workspace, run, "runs")
            if offer_again(workspace, run, runs, "runs"):
                st.rerun()
            if not run.active:
                offer_export(workspace, run)
                offer_delete(workspace, run)
        if not run.problem:
            _describe(workspace, run)


def _descent(run: Run) -> str:
    """Where a run comes from, where that is not this page alone."""
    parts = [f"made from {plain(run.made_from)}"] if run.made_from else []
    parts += ["imported"] if run.imported else []
    return "".join(f" · {part}" for part in parts)


def _link(page: str, label: str, icon: str, run: Run) -> None:
    st.page_link(
        f"pages/{page}.py",
        label=label,
        icon=icon,
        query_params={"run": run.id, "view": "Watch"} if page == "train" else {"run": run.id},
    )


def _describe(workspace: Workspace, run: Run) -> None:
    with (
        st.form(f"runs_about_{run.id}", border=False, enter_to_submit=True),
        st.container(horizontal=True, vertical_alignment="bottom"),
    ):
        name = st.text_input(
            "Name", clean(run.name, MAX_NAME), key=f"runs_name_{run.id}", max_chars=MAX_NAME, width=260
        )
        note = st.text_input(
            "Note",
            clean(run.note, MAX_NOTE),
            key=f"runs_note_{run.id}",
            max_chars=MAX_NOTE,
            width="stretch",
            placeholder="What did you want to find out?",
        )
        asked = st.form_submit_button("Save", icon=":material/save:", key=f"runs_save_{run.id}")
    if asked:
        with guard():
            rename_run(workspace, run.id, "" if name.strip() == run.id else name)
            note_run(workspace, run.id, note)
            st.rerun()
