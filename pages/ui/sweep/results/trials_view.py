"""The table of a sweep's trials: what its charts show, as text; a row opens its run; the same as CSV."""

from collections.abc import Mapping, Sequence
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.config import spec_of
from cifar_core.export import table_csv
from cifar_core.figures.sweep import reached, setting_words
from cifar_core.sweeps.space import Space
from cifar_core.sweeps.sweep import Sweep, Trial
from cifar_core.sweeps.tables import trials_table
from cifar_core.text import counted
from pages.ui.sweep.results.choice import PREFIX, best_first, open_trial
from pages.ui.wording import PERCENT_FORMAT, in_percent

_HEIGHT = 300  # CSS pixels, of many rows
_FEW = 7  # rows that are shown whole
_CLICKS_KEY = "results_clicks"  # session: clicks on rows, each of which gives the table a new key, so that none stays


def show_trials(sweep: Sweep, runs: Mapping[int, str]) -> None:
    """Show the trials, the best first; `runs` are those that a row opens, by the number of the trial."""
    trials = best_first(sweep.trials)
    numbers = [trial.number for trial in trials]
    key = f"{PREFIX}_table_{st.session_state.get(_CLICKS_KEY, 0)}"
    columns = st.column_config
    st.dataframe(
        in_percent(trial_rows(sweep.plan.space, trials), ["accuracy"]),
        key=key,
        on_select=partial(_on_row, key, numbers, runs),
        selection_mode=["single-row", "single-cell"],
        hide_index=True,
        height="content" if len(trials) <= _FEW else _HEIGHT,
        alt="The trials of the sweep, the best first; a row opens its run",
        column_config={
            "number": columns.NumberColumn("Trial", format="%d", width="small"),
            "status": columns.TextColumn("Status"),
            "accuracy": columns.NumberColumn(
                "Validation accuracy", format=PERCENT_FORMAT, help="Of a trial that has not finished: the best so far."
            ),
            "runs": columns.NumberColumn("Runs", format="%d"),
            "seconds": columns.NumberColumn("Seconds", format="localized", help="Of training and measuring."),
            **{item.name: columns.TextColumn(spec_of(item.name).label) for item in sweep.plan.space},
        },
    )
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{counted(len(trials), 'trial')}, the best first. A click on a row opens its run.", width="stretch")
        st.download_button(
            "Trials (CSV)",
            data=lambda: table_csv(trials_table(sweep)),
            file_name=f"sweep-{sweep.id}-trials.csv",
            mime="text/csv",
            on_click="ignore",
            key=f"{PREFIX}_csv",
            type="tertiary",
            icon=":material/download:",
            help="A row a run, accuracies from 0 to 1.",
        )


def trial_rows(space: Space, trials: Sequence[Trial]) -> pd.DataFrame:
    """Return a row a trial: number, status, accuracy (0 to 1), runs, seconds, and the swept settings in words."""
    rows = [
        {
            "number": trial.number,
            "status": trial.status,
            "accuracy": reached(trial),
            **{item.name: _words(item.name, trial) for item in space},
            "runs": sum(run.made for run in trial.runs),
            "seconds": round(trial.seconds, 1),
        }
        for trial in trials
    ]
    return pd.DataFrame(
        rows, columns=["number", "status", "accuracy", *(item.name for item in space), "runs", "seconds"]
    )


def _words(name: str, trial: Trial) -> str:
    return setting_words(name, trial.settings[name]) if name in trial.settings else ""


def _on_row(key: str, numbers: Sequence[int], runs: Mapping[int, str]) -> None:
    """Open the run of the row that was clicked, and deselect it; for a callback."""
    selection = st.session_state[key].selection
    rows = [*selection.rows, *(row for row, _ in selection.cells)]
    if rows and rows[0] < len(numbers):
        st.session_state[_CLICKS_KEY] = st.session_state.get(_CLICKS_KEY, 0) + 1
        open_trial(runs, numbers[rows[0]])
