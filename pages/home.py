"""Home: the latest results with their pictures, what trains now, the datasets, and the next step as one button.

Can start the first run.
"""

import streamlit as st

from cifar_core.data import DatasetState, list_datasets
from cifar_core.runs import Run, list_runs, own_runs
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.frame import APP_NAME, setup_page
from pages.ui.markdown import escaped
from pages.ui.run_focus import run_in_focus
from pages.ui.runs.import_link import show_import_link
from pages.ui.train.active_runs import current_run, show_active_runs
from pages.ui.train.first_run import FIRST_RUN, show_first_step
from pages.ui.understand.run_summary import RESULTS_SHOWN, results_to_show, show_result_card, show_run_without_result

DATASETS_NAMED = 4


def main(workspace: Workspace) -> None:
    """Show what trains, the next step, the latest results, and a row about the data."""
    runs = list_runs(workspace)
    focus = run_in_focus(workspace, runs, required=False)
    show_active_runs(workspace, runs, "home")
    if focus is None:
        show_first_step(workspace)
    else:
        shown = own_runs(runs) or runs  # a sweep with its hundred runs does not displace what a person made
        _show_results(workspace, shown, shown[0] if focus.is_trial else focus)
    _show_data(list_datasets(workspace))


def _without_result(runs: list[Run], focus: Run) -> Run | None:
    """Return the run in focus or the newest that has ended, where it has no result and so no card."""
    newest = next((run for run in runs if not run.active), None)
    ended = (run for run in (focus, newest) if run is not None and not run.active)
    return next((run for run in ended if run.problem or run.best is None), None)


def _show_next_step(runs: list[Run], title: str) -> None:
    running = current_run(runs)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(title, anchor=False, width="stretch")
        st.page_link(
            "pages/runs.py", label=f"All {len(runs):,} runs" if len(runs) > 1 else "Runs", icon=":material/list_alt:"
        )
        if running is not None and st.button(
            "Watch it learn", type="primary", icon=":material/show_chart:", key="home_watch"
        ):
            st.switch_page("pages/train.py", query_params={"run": running.id, "view": "Watch"})
        if st.button(
            "Train another",
            type="primary" if running is None else "secondary",
            icon=":material/play_arrow:",
            key="home_another",
        ):
            st.switch_page("pages/train.py", query_params={"view": "New run"})


def _show_results(workspace: Workspace, runs: list[Run], focus: Run) -> None:
    shown, stuck = results_to_show(runs, focus), _without_result(runs, focus)
    _show_next_step(runs, "Latest results" if len(shown) > 1 else "Latest result" if shown else "No finished run yet")
    if stuck is not None:
        show_run_without_result(stuck)
    if shown:
        with st.grid(min(len(shown), RESULTS_SHOWN), min_column_width=280):
            for run in shown:
                show_result_card(workspace, run, large=len(shown) == 1)


def _show_data(states: list[DatasetState]) -> None:
    """Show in one row which datasets are here, the way to the Data page, and that of predictions made elsewhere."""
    ready = [state for state in states if state.state == "ready"]
    named = [f"{escaped(state.name)} ({state.train + state.test:,})" for state in ready[:DATASETS_NAMED]]
    more = [f"and {len(ready) - DATASETS_NAMED} more"] if len(ready) > DATASETS_NAMED else []
    words = " · ".join([*named, *more]) if ready else "no dataset is here yet"
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        count = f" {counted(len(ready), 'dataset')} with pictures:" if ready else ""
        st.markdown(f":material/photo_library: **Data**{count} {words}", width="stretch")
        st.page_link("pages/data.py", label="Get or look at pictures", icon=":material/arrow_forward:")
        show_import_link(ready[0].name if ready else FIRST_RUN.data.dataset)


main(
    setup_page(
        APP_NAME,
        "Train a small neural network to tell pictures apart, watch it learn, and find out what it gets wrong and why.",
    ).workspace
)
