"""The sweeps of the workspace as a table, the newest first; a ticked row is opened."""

from collections.abc import Sequence
from datetime import datetime

import pandas as pd
import streamlit as st

from cifar_core.config import spec_of
from cifar_core.runs import Run
from cifar_core.sweeps.sweep import Sweep, best_of
from pages.ui.markdown import single_line
from pages.ui.sweep.choice import sweep_name, watch_sweep
from pages.ui.wording import PERCENT_FORMAT

MOST_SHOWN = 50  # the newest
_KEY = "sweep_list"


def show_sweeps(sweeps: Sequence[Sweep], runs: Sequence[Run]) -> None:
    """Show the sweeps; a click on a row watches it."""
    if not sweeps:
        st.caption("There is no sweep yet. What you start will be listed here.")
        return
    st.subheader("Sweeps so far", anchor=False)
    shown = sweeps[:MOST_SHOWN]
    st.dataframe(
        sweeps_table(shown, runs),
        key=_KEY,
        hide_index=True,
        on_select=lambda: _open([sweep.id for sweep in shown]),
        selection_mode="single-row",
        alt="Sweeps: name, status, dataset, settings that are varied, runs, best validation accuracy, start",
        column_config={
            "Best on validation": st.column_config.NumberColumn(format=PERCENT_FORMAT),
            "Started": st.column_config.DatetimeColumn(format="D MMM YYYY, HH:mm"),
        },
    )
    more = f" {len(sweeps) - MOST_SHOWN:,} older ones are in the list beside the title." if sweeps[MOST_SHOWN:] else ""
    st.caption(f"Tick a row to watch that sweep.{more}")


def sweeps_table(sweeps: Sequence[Sweep], runs: Sequence[Run]) -> pd.DataFrame:
    """Return a row a sweep."""
    return pd.DataFrame([_row(sweep, runs) for sweep in sweeps])


def _row(sweep: Sweep, runs: Sequence[Run]) -> dict[str, object]:
    if sweep.problem:
        return {"Name": sweep.id, "Status": "unreadable"}
    best, plan = best_of(sweep, runs), sweep.plan
    return {
        "Name": single_line(sweep_name(sweep)),
        "Status": sweep.status,
        "Dataset": plan.settings["dataset"],
        "Varied": ", ".join(spec_of(dimension.name).label for dimension in plan.space),
        "Runs": f"{sweep.runs_done} of {plan.candidates * plan.options.seeds}",
        "Best on validation": None if best is None else round(100 * best.value, 1),
        "Started": datetime.fromisoformat(plan.created),
    }


def _open(ids: list[str]) -> None:
    rows = st.session_state[_KEY].selection.rows
    if rows:
        watch_sweep(ids[rows[0]])
