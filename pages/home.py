"""Home: what this application is, the state of data and runs, and the next step as one button.

Can start the first run.
"""

import streamlit as st

from cifar_core.data import DatasetState, list_datasets, read_warnings
from cifar_core.runs import Run, list_runs
from cifar_core.text import size_text
from cifar_core.workspace import Workspace
from pages.ui.caches import load_findings
from pages.ui.components.status_badge import status_badge
from pages.ui.data.dataset_cards import dataset_heading
from pages.ui.error_messages import show_errors, show_warnings
from pages.ui.frame import APP_NAME, setup_page
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import facts_line, run_in_focus, show_caveats
from pages.ui.train.active_runs import current_run, show_active_runs
from pages.ui.train.first_run import show_first_step
from pages.ui.understand.run_summary import show_key_numbers, show_worst_mistakes


def main(workspace: Workspace) -> None:
    """Show the next step, then the run in focus, then the datasets."""
    runs = list_runs(workspace)
    run = run_in_focus(workspace, runs, required=False)
    running = current_run(runs)
    show_active_runs(workspace, runs, "home")
    if running is not None and st.button(
        "Watch it learn", type="primary", icon=":material/show_chart:", key="home_watch"
    ):
        st.switch_page("pages/train.py", query_params={"run": running.id, "view": "Watch"})
    if run is None:
        show_first_step(workspace)
    elif running is None or run.id != running.id or run.best is not None:
        _show_run(workspace, run, newest=run.id == runs[0].id, primary=running is None)
    _show_data(workspace, list_datasets(workspace))


def _show_run(workspace: Workspace, run: Run, *, newest: bool, primary: bool) -> None:
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.subheader(
                f"{'Latest run' if newest else 'Run in focus'}: {escaped(run.name)}", anchor=False, width="content"
            )
            status_badge(run)
        if run.problem or run.best is None:
            st.markdown(escaped_sentence(run.problem or run.error or "It has no finished epoch yet."))
            st.page_link(
                "pages/train.py",
                label="Open it on the Train page",
                icon=":material/model_training:",
                query_params={"run": run.id, "view": "Watch"},
            )
            return
        with show_errors():
            found = load_findings(workspace, run)
            facts_line(run, n=len(found.table), epoch=run.best.epoch)
            show_key_numbers(run, found)
            show_caveats(run)
            show_worst_mistakes(workspace, run, found)
        if st.button(
            "Look inside",
            type="primary" if primary else "secondary",
            icon=":material/grid_on:",
            key="home_inside",
            help="The confusion matrix: which classes it mistakes for which.",
        ):
            st.switch_page("pages/confusion.py", query_params={"run": run.id})


def _show_data(workspace: Workspace, states: list[DatasetState]) -> None:
    st.subheader("Data", anchor=False)
    with st.grid("auto", min_column_width=260):
        for state in states:
            with st.container(border=True, height="stretch"):
                st.markdown(dataset_heading(state))
                if state.state == "ready":
                    st.caption(
                        f":material/check_circle: {state.classes} classes · {state.train:,} train · "
                        f"{state.test:,} test · {size_text(state.bytes)}"
                    )
                    show_warnings(
                        read_warnings(workspace, state.name, state.fingerprint, state.test, state.validation) or []
                    )
                else:
                    word = "not here yet" if state.state == "absent" else state.state
                    st.caption(f":material/cloud_off: {word}. {escaped_sentence(state.description)}")
    st.page_link("pages/data.py", label="Get or look at pictures", icon=":material/photo_library:")


main(
    setup_page(
        APP_NAME,
        "Train a small neural network to tell ten kinds of pictures apart, watch it learn, and find out what it gets "
        "wrong and why. Everything happens on this machine: no account, no code, no network needed.",
    ).workspace
)
