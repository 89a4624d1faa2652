"""Runs: compare what was trained, open, rename, note and delete it. Reads runs and their metrics."""

import streamlit as st

from cifar_core.export import table_csv
from cifar_core.figures import overlay_curves
from cifar_core.runs import Run, list_runs, read_metrics
from cifar_core.workspace import Workspace
from pages.ui.frame import guard, run_in_focus, setup_page
from pages.ui.live import follow
from pages.ui.runs_table import choose_runs, manage, table_of
from pages.ui.text import clean

NEWEST = 5  # runs whose curves are shown when none is selected
KINDS = ["accuracy", "loss"]
SPLITS = ["test", "validation", "train"]


def main(workspace: Workspace) -> None:
    """The table, then the runs selected in it."""
    runs = list_runs(workspace)
    run_in_focus(workspace, runs)  # without any run: says what will be here, and ends the page
    follow(workspace)
    table = table_of(runs)
    st.caption(
        "Accuracies are on the test set; the best epoch is chosen by the validation part (the last epoch where there "
        "is none). Of the settings, only those that differ are shown. Select rows to open, compare or delete runs."
    )
    chosen = choose_runs(runs, table)
    st.download_button(
        "Download CSV", table_csv(table), "runs.csv", "text/csv", key="runs_csv", icon=":material/download:"
    )
    for run in chosen[:NEWEST]:
        manage(workspace, run)
    _compare(workspace, chosen or runs[:NEWEST], selected=bool(chosen))


def _compare(workspace: Workspace, runs: list[Run], *, selected: bool) -> None:
    st.header(
        "Curves" if selected else f"Curves of the newest {len(runs)}" if len(runs) > 1 else "Curves", anchor=False
    )
    with st.container(horizontal=True):
        kind = st.segmented_control("What", KINDS, default=KINDS[0], required=True, key="runs_kind")
        split = st.segmented_control("Split", SPLITS, default=SPLITS[0], required=True, key="runs_split")
    measured = []
    for run in runs:
        with guard():
            metrics = read_metrics(workspace, run.id)
            if not metrics.empty:
                measured.append((clean(run.name), metrics))
    if not measured:
        st.caption("The curves appear when a first epoch is finished.")
        return
    column = f"{split}_{kind}"
    if all(metrics[column].isna().all() for _, metrics in measured):
        st.caption(f"None of these runs has a {split} part.")
        return
    st.plotly_chart(
        overlay_curves(measured, column), key="runs_curves", alt=f"{split} {kind} per epoch of {len(measured)} runs"
    )


main(setup_page("Runs", "Everything that was trained here: compare settings and curves, open a run, give it a name."))
