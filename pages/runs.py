"""Runs: what trains and waits, and everything that was trained.

Compares, stops, resumes, names, exports, imports, deletes and restores runs.
"""

import streamlit as st

from cifar_core.export import table_csv
from cifar_core.figures import CURVE_KINDS, overlay_curves
from cifar_core.runs import Run, list_runs, queue_places, read_metrics, slots
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.charts import with_readable_axes
from pages.ui.error_messages import show_errors
from pages.ui.frame import setup_page
from pages.ui.markdown import single_line
from pages.ui.run_focus import run_in_focus
from pages.ui.runs.delete_and_restore import show_trash, show_undo
from pages.ui.runs.export_import import show_run_import
from pages.ui.runs.run_panel import show_run_panel
from pages.ui.runs.runs_table import runs_table, select_runs
from pages.ui.train.active_runs import show_active_runs
from pages.ui.train.first_run import show_first_run_button

NEWEST_RUNS = 5  # runs whose curves are shown when none is selected
CURVE_SPLITS = ["test", "validation", "train"]


def main(workspace: Workspace) -> None:
    """Show active runs, the table, and the runs selected in it; below, the import of a run and the trash."""
    above, below = st.container(), st.container()  # keeps the import field in place while parts above come and go
    with above:
        _show_runs(workspace, list_runs(workspace))
    with below:
        show_run_import(workspace)
        show_trash(workspace)


def _show_runs(workspace: Workspace, runs: list[Run]) -> None:
    run = run_in_focus(workspace, runs, required=False)
    show_undo(workspace)
    show_active_runs(workspace, runs, "runs")
    if run is None:
        st.info(
            "There is no run yet. What you train, or import below, will be listed and compared here.",
            icon=":material/model_training:",
        )
        show_first_run_button(workspace, "runs_first")
        return
    table = runs_table(runs, queue_places(runs, slots(workspace)))
    st.caption(
        "Accuracies are on the test set; the best epoch is chosen by the validation part (the last epoch where there "
        "is none). Of the settings, only those that differ are shown. Select rows to open, resume, export, "
        "compare or delete runs."
    )
    chosen = select_runs(runs, table)
    st.download_button(
        "Download CSV", table_csv(table), "runs.csv", "text/csv", key="runs_csv", icon=":material/download:"
    )
    for run in chosen[:NEWEST_RUNS]:
        show_run_panel(workspace, run, runs)
    _compare(workspace, chosen or [run for run in runs if run.last][:NEWEST_RUNS], selected=bool(chosen))


def _compare(workspace: Workspace, runs: list[Run], *, selected: bool) -> None:
    st.header(
        "Curves" if selected else f"Curves of the newest {len(runs)}" if len(runs) > 1 else "Curves", anchor=False
    )
    with st.container(horizontal=True):
        kind = st.segmented_control("What", CURVE_KINDS, default=CURVE_KINDS[0], required=True, key="runs_kind")
        split = st.segmented_control("Split", CURVE_SPLITS, default=CURVE_SPLITS[0], required=True, key="runs_split")
    curves = []
    for run in runs:
        with show_errors():
            metrics = read_metrics(workspace, run.id)
            if not metrics.empty:
                curves.append((single_line(run.name), metrics))
    if not curves:
        st.caption("The curves appear when a first epoch is finished.")
        return
    column = f"{split}_{kind}"
    if all(metrics[column].isna().all() for _, metrics in curves):
        st.caption(f"None of these runs has a {split} part.")
        return
    st.plotly_chart(
        with_readable_axes(overlay_curves(curves, column)),
        key="runs_curves",
        alt=f"{split} {kind} per epoch of {counted(len(curves), 'run')}",
    )


main(
    setup_page(
        "Runs", "Everything that was trained here: compare settings and curves, open a run, give it a name."
    ).workspace
)
