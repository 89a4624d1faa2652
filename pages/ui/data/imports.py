"""The imports that are no datasets yet, below the form: running ones with their pictures, and those to decide on."""

import streamlit as st

from cifar_core.data import BUILT_IN_NAMES, DatasetState, dataset_job, list_datasets, read_warnings
from cifar_core.jobs.job import read_job
from cifar_core.workspace import Workspace
from pages.ui.components.job_view import REFRESH_SECONDS, show_job_progress
from pages.ui.components.scroll_here import ask_to_scroll, scroll_here
from pages.ui.data.import_decision import show_import_decision
from pages.ui.data.pictures_so_far import show_pictures_so_far
from pages.ui.data.views import look_inside
from pages.ui.error_messages import show_warnings
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page

_NEW_KEY = "data_new"  # session: the dataset whose import has ended last
_RESULT = "data_result"  # the place where that is said


def is_import(state: DatasetState) -> bool:
    """Whether this is shown here: an import that is in progress, waits for a decision, or failed."""
    if state.name in BUILT_IN_NAMES:
        return state.state == "found"
    return state.state in ("preparing", "found", "absent")


def show_imports(workspace: Workspace, states: list[DatasetState]) -> None:
    """Show the imports, the newest first; those in progress are redrawn every second."""
    imports = sorted(filter(is_import, states), key=lambda state: _begun(workspace, state.name), reverse=True)
    busy = [state.name for state in imports if state.state == "preparing"]

    def refresh() -> None:
        now = list_datasets(workspace)
        if {state.name for state in now if is_import(state) and state.state == "preparing"} != set(busy):
            _browse_the_new(busy, now)
            rerun_page()
        for name in busy:
            _show_progress(workspace, name)

    if busy:
        st.fragment(refresh, run_every=REFRESH_SECONDS)()
    new = next((state for state in states if state.name == st.session_state.get(_NEW_KEY)), None)
    if new is not None and new.state == "ready":
        _show_result(workspace, new)
    for state in imports:
        if state.state != "preparing":
            show_import_decision(workspace, state)


def _begun(workspace: Workspace, name: str) -> float:
    try:
        return dataset_job(workspace, name).request.stat().st_mtime
    except OSError:
        return 0.0


def _browse_the_new(busy: list[str], now: list[DatasetState]) -> None:
    """Show the pictures of a dataset that has just become ready."""
    for state in now:
        if state.name in busy and state.state == "ready":
            st.query_params["dataset"] = st.session_state[_NEW_KEY] = state.name
            ask_to_scroll(_RESULT)


def _show_result(workspace: Workspace, state: DatasetState) -> None:
    """Show that an import is ready, with what makes its numbers untrue, until another one is or it is closed."""
    scroll_here(_RESULT)
    warnings = read_warnings(workspace, state.name, state.fingerprint, state.test, state.validation)
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{escaped(state.name)}** can be trained on.", width="stretch")
            st.badge("ready", color="green", icon=":material/check_circle:")
        show_warnings(warnings or [])
        with st.container(horizontal=True):
            st.button(
                "See the checks",
                key="data_new_checks",
                icon=":material/search:",
                on_click=look_inside,
                args=(state.name, "Checks"),
            )
            if st.button("Close", key="data_new_close", icon=":material/close:", type="tertiary"):
                del st.session_state[_NEW_KEY]
                st.rerun()


def _show_progress(workspace: Workspace, name: str) -> None:
    folder = dataset_job(workspace, name)
    job = read_job(folder)
    with st.container(border=True):
        st.markdown(f"**{escaped(name)}**")
        if job is not None and job.active:
            show_job_progress(folder, job, f"data_{name}")
            show_pictures_so_far(workspace, name)
            for sentence in job.report:
                st.caption(escaped_sentence(sentence))
        else:  # it is just beginning
            st.progress(0.0, text="Preparing…")
