"""The datasets as cards: what is here, how to get the rest, and the progress of downloads and imports.

Getting data is a job: these widgets start it and read its state from the disk, so a reload loses nothing.
"""

from typing import Literal

import streamlit as st

from cifar_core.data import (
    DatasetState,
    dataset_job,
    delete_dataset,
    forget_import,
    list_datasets,
    read_warnings,
    start_get,
)
from cifar_core.jobs.job import JobState, read_job
from cifar_core.text import counted, size_text
from cifar_core.workspace import Workspace
from pages.ui.components.job_view import REFRESH_SECONDS, show_job_progress
from pages.ui.data.import_decision import show_lines
from pages.ui.data.imports import is_import
from pages.ui.data.pictures_so_far import show_pictures_so_far
from pages.ui.data.views import look_inside
from pages.ui.error_messages import show_errors, show_warnings
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.wording import BadgeColour

ButtonKind = Literal["primary", "secondary"]
GET_BUTTONS = {"drawn10": ("Generate", ":material/brush:"), "cifar10": ("Download", ":material/download:")}
STATE_DISPLAY: dict[str, tuple[str, BadgeColour, str]] = {
    "ready": ("ready", "green", ":material/check_circle:"),
    "absent": ("not here yet", "gray", ":material/cloud_off:"),
    "preparing": ("preparing", "blue", ":material/hourglass_top:"),
    "failed": ("failed", "red", ":material/error:"),
    "broken": ("broken", "red", ":material/error:"),
}


def show_dataset_cards(workspace: Workspace) -> list[DatasetState]:
    """Show a card for each dataset but the imports, and return all; redraw them while one is being prepared."""
    states = list_datasets(workspace)
    busy = [state.name for state in states if state.state == "preparing" and not is_import(state)]

    def refresh() -> None:
        now = list_datasets(workspace)
        if [state.name for state in now if state.state == "preparing" and not is_import(state)] != busy:
            rerun_page()
        lacking = not any(state.state == "ready" or is_import(state) for state in now)
        with st.grid("auto", min_column_width=300):
            for state in now:
                if not is_import(state):
                    with st.container(border=True, height="stretch"):
                        _show_card(workspace, state, primary=lacking)

    st.fragment(refresh, run_every=REFRESH_SECONDS if busy else None)()
    return states


def dataset_heading(state: DatasetState) -> str:
    """Return a dataset's title, and below it its name where that differs."""
    return f"**{escaped(state.title)}**" + (f"  \n`{state.name}`" if state.name != state.title else "")


def _show_card(workspace: Workspace, state: DatasetState, *, primary: bool) -> None:
    folder = dataset_job(workspace, state.name)
    job = read_job(folder)
    failed = job is not None and job.state == "failed" and state.state == "absent"
    word, colour, icon = STATE_DISPLAY["failed" if failed else state.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(dataset_heading(state), width="stretch")
        st.badge(word, color=colour, icon=icon)
    st.caption(escaped_sentence(state.description))
    if state.state == "preparing":
        if job is not None and job.active:
            show_job_progress(folder, job, f"data_{state.name}")
        else:  # a training run draws it, or the job is just beginning
            st.progress(0.0, text="Preparing…")
        show_pictures_so_far(workspace, state.name)
        return
    if state.state == "ready":
        validation = f"{state.validation:,} validation · " if state.validation else ""
        st.markdown(
            f"{state.classes} classes · {state.train - state.validation:,} train · {validation}{state.test:,} test · "
            f"{size_text(state.bytes)}"
        )
        _show_warnings_of(workspace, state)
    else:
        if state.problem or (job is not None and failed):
            st.error(escaped_sentence(state.problem or (job.error if job else "")), icon=":material/error:")
        if state.state == "absent":
            st.markdown(escaped_sentence(state.how))
    _show_import_report(job)
    _show_buttons(workspace, state, primary=primary)
    if failed and st.button("Dismiss", key=f"data_forget_{state.name}", icon=":material/close:", type="tertiary"):
        forget_import(workspace, state.name)
        st.rerun()


def _show_warnings_of(workspace: Workspace, state: DatasetState) -> None:
    """Show what makes the numbers of a dataset untrue, and where to see it; nothing where there is nothing to say."""
    warnings = read_warnings(workspace, state.name, state.fingerprint, state.test, state.validation)
    if warnings is None:
        st.caption(":material/help: Not checked yet.")
    elif warnings:
        show_warnings(warnings)
    else:
        return
    if st.button(
        "Check it" if warnings is None else "See the checks",
        key=f"data_checks_{state.name}",
        icon=":material/search:",
        on_click=look_inside,
        args=(state.name, "Checks"),
    ):
        rerun_page()  # this is a fragment, and what was chosen is shown outside of it


def _show_buttons(workspace: Workspace, state: DatasetState, *, primary: bool) -> None:
    with st.container(horizontal=True):
        if state.state == "absent" and state.name in GET_BUTTONS:  # a broken dataset has to be deleted first
            label, icon = GET_BUTTONS[state.name]
            kind: ButtonKind = "primary" if primary and state.name == "drawn10" else "secondary"
            if st.button(label, key=f"data_get_{state.name}", icon=icon, type=kind):
                with show_errors():
                    start_get(workspace, state.name)
                    st.rerun()
        if state.state in ("ready", "broken"):
            with st.popover("Delete", icon=":material/delete:", type="tertiary", key=f"data_delete_{state.name}"):
                st.markdown(
                    f"Delete `{state.name}` from this machine ({size_text(state.bytes)})? {escaped_sentence(state.how)}"
                )
                if st.button("Delete the pictures", key=f"data_delete_{state.name}_sure"):
                    with show_errors():
                        delete_dataset(workspace, state.name)
                        st.rerun()


def _show_import_report(job: JobState | None) -> None:
    """Show what an import left out, file by file."""
    if job is not None and job.report:
        with st.expander(f"Import report · {counted(len(job.report), 'line')}"):
            show_lines(job.report)
