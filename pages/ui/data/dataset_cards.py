"""The datasets as cards: what is here, how to get the rest, and the progress of downloads and imports.

Getting data is a job in its own process. These widgets start it and read its state from the disk, so a reload loses
nothing.
"""

from typing import Literal

import streamlit as st

from cifar_core.data import (
    DatasetState,
    JobState,
    cancel_job,
    delete_dataset,
    dismiss_job,
    list_datasets,
    read_job,
    start_get,
)
from cifar_core.text import clock, counted, size_text
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.rerun import rerun_page
from pages.ui.wording import BadgeColour

ButtonKind = Literal["primary", "secondary"]
REFRESH_SECONDS = 1.0  # between two reads of a running job
GET_BUTTONS = {"drawn10": ("Generate", ":material/brush:"), "cifar10": ("Download", ":material/download:")}
STATE_DISPLAY: dict[str, tuple[str, BadgeColour, str]] = {
    "ready": ("ready", "green", ":material/check_circle:"),
    "absent": ("not here yet", "gray", ":material/cloud_off:"),
    "preparing": ("preparing", "blue", ":material/hourglass_top:"),
    "failed": ("failed", "red", ":material/error:"),
    "broken": ("broken", "red", ":material/error:"),
}


def show_dataset_cards(workspace: Workspace) -> list[DatasetState]:
    """Show a card for each dataset; the cards are redrawn every second while one is being prepared."""
    states = list_datasets(workspace)
    busy = [state.name for state in states if state.state == "preparing"]

    def refresh() -> None:
        now = list_datasets(workspace)
        if [state.name for state in now if state.state == "preparing"] != busy:
            rerun_page()
        with st.grid("auto", min_column_width=300):
            for state in now:
                with st.container(border=True, height="stretch"):
                    _show_card(workspace, state, primary=not any(other.state == "ready" for other in now))

    st.fragment(refresh, run_every=REFRESH_SECONDS if busy else None)()
    return states


def dataset_heading(state: DatasetState) -> str:
    """Return a dataset's title, and below it its name where that differs."""
    return f"**{escaped(state.title)}**" + (f"  \n`{state.name}`" if state.name != state.title else "")


def _show_card(workspace: Workspace, state: DatasetState, *, primary: bool) -> None:
    job = read_job(workspace, state.name)
    failed = job is not None and job.state == "failed" and state.state == "absent"
    word, colour, icon = STATE_DISPLAY["failed" if failed else state.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(dataset_heading(state), width="stretch")
        st.badge(word, color=colour, icon=icon)
    st.caption(escaped_sentence(state.description))
    if state.state == "preparing":
        _show_progress(workspace, state, job)
        return
    if state.state == "ready":
        st.markdown(f"{state.classes} classes · {state.train:,} train · {state.test:,} test · {size_text(state.bytes)}")
    else:
        if state.problem or (job is not None and failed):
            st.error(escaped_sentence(state.problem or (job.error if job else "")), icon=":material/error:")
        if state.state == "absent":
            st.markdown(escaped_sentence(state.how))
    _show_import_report(job)
    _show_buttons(workspace, state, primary=primary)
    if failed and st.button("Dismiss", key=f"data_forget_{state.name}", icon=":material/close:", type="tertiary"):
        with show_errors():
            dismiss_job(workspace, state.name)
            st.rerun()


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


def _show_progress(workspace: Workspace, state: DatasetState, job: JobState | None) -> None:
    if job is None or job.state != "running":  # a training run generates it, or the job is just beginning
        st.progress(0.0, text="Preparing…")
        return
    if job.total <= 0:
        st.progress(0.0, text=f"{job.phase}…")
    else:
        amount = size_text(job.done) if job.unit == "bytes" else f"{job.done:,}"
        whole = size_text(job.total) if job.unit == "bytes" else f"{job.total:,} {job.unit}"
        left = f" · {clock(job.seconds_left)} left" if job.seconds_left is not None else ""
        st.progress(min(1.0, job.done / job.total), text=f"{job.phase} · {amount} of {whole}{left}")
    if st.button("Cancel", key=f"data_cancel_{state.name}", icon=":material/close:"):
        with show_errors():
            cancel_job(workspace, state.name)


def _show_import_report(job: JobState | None) -> None:
    """Show what an import left out, file by file."""
    if job is not None and job.report:
        with st.expander(f"Import report · {counted(len(job.report), 'line')}"):
            st.code("\n".join(job.report), language=None, height=200)
