"""The datasets as cards: four pictures of each, what one does next, how to get those that are not here.

Getting data is a job: these widgets start it and read its state from the disk, so a reload loses nothing.
"""

import io
from typing import Literal

import numpy as np
import streamlit as st
from PIL import Image

from cifar_core.data import (
    DatasetState,
    dataset_job,
    forget_import,
    open_dataset,
    read_pictures,
    read_warnings,
    start_get,
)
from cifar_core.errors import CifarCoreError
from cifar_core.jobs.job import JobState, read_job
from cifar_core.text import counted, size_text
from cifar_core.workspace import Workspace
from pages.ui.components.images import enlarged
from pages.ui.components.job_view import REFRESH_SECONDS, show_job_progress
from pages.ui.data.dataset_actions import show_actions, show_delete_button
from pages.ui.data.import_decision import show_lines
from pages.ui.data.imports import is_import
from pages.ui.data.pictures_so_far import show_pictures_so_far
from pages.ui.data.views import look_inside
from pages.ui.error_messages import show_errors, show_warnings
from pages.ui.markdown import escaped, escaped_sentence, single_line
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
_NO_BREAK = "\u00a0"  # a space at which no line ends
_PICTURES = 4  # on a card
_TIMES, _GAP = 4, 8  # screen pixels of a picture's pixel, and between two pictures
_CARD_WIDTH = 300  # screen pixels at least


def show_dataset_cards(workspace: Workspace, states: list[DatasetState]) -> None:
    """Show a card for each dataset but the imports."""
    lacking = not any(state.state == "ready" or is_import(state) for state in states)
    with st.grid("auto", min_column_width=_CARD_WIDTH):
        for state in states:
            if not is_import(state):
                with st.container(border=True, height="stretch"):
                    _show_card(workspace, state, primary=lacking)


def dataset_heading(state: DatasetState) -> str:
    """Return a dataset's title, and below it its name where that differs."""
    return f"**{escaped(state.title)}**" + (f"  \n`{state.name}`" if state.name != state.title else "")


def _show_card(workspace: Workspace, state: DatasetState, *, primary: bool) -> None:
    job = read_job(dataset_job(workspace, state.name))
    failed = job is not None and job.state == "failed" and state.state == "absent"
    word, colour, icon = STATE_DISPLAY["failed" if failed else state.state]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(dataset_heading(state), width="stretch")
        st.badge(word, color=colour, icon=icon)
    if state.state == "ready":
        _show_ready(workspace, state, job)
    elif state.state == "preparing":
        st.caption(escaped_sentence(state.description))
        st.fragment(lambda: _show_progress(workspace, state.name), run_every=REFRESH_SECONDS)()
    else:
        st.caption(escaped_sentence(state.description))
        _show_way(workspace, state, job, primary=primary)


def _show_ready(workspace: Workspace, state: DatasetState, job: JobState | None) -> None:
    _show_some_pictures(workspace, state)
    st.caption(escaped_sentence(state.description))
    validation = f"{state.validation:,} validation · " if state.validation else ""
    size = size_text(state.bytes).replace(" ", _NO_BREAK)
    st.markdown(
        f"{counted(state.classes, 'class')} · {state.train - state.validation:,} train · {validation}"
        f"{state.test:,} test · {size}"
    )
    _show_doubts(workspace, state, job)
    st.space("stretch")  # the buttons of all cards in a row stand at one height
    show_actions(workspace, state)


def _show_some_pictures(workspace: Workspace, state: DatasetState) -> None:
    try:
        strip, names = _picture_strip(workspace, state.name, state.fingerprint)
    except CifarCoreError:  # it was deleted meanwhile, or is damaged: opening it says so
        return
    st.image(strip, width="stretch", output_format="PNG", alt=", ".join(map(single_line, names)))


@st.cache_data(max_entries=64, show_spinner=False)
def _picture_strip(_workspace: Workspace, name: str, fingerprint: str) -> tuple[bytes, list[str]]:
    """Return the first training picture of some classes as one PNG, and these classes; few pictures are read.

    Raises:
        DataError: the dataset is absent or broken.
    """
    dataset = open_dataset(_workspace, name)
    known, first = np.unique(dataset.train.labels, return_index=True)
    places = np.unique(np.linspace(0, len(known) - 1, _PICTURES).astype(int))
    rows = first[places]
    if len(rows) < _PICTURES:  # of few classes more than one picture each
        rows = np.append(rows, np.setdiff1d(np.arange(len(dataset.train.labels)), rows)[: _PICTURES - len(rows)])
    pictures = [enlarged(picture, _TIMES) for picture in read_pictures(dataset.train.images, rows)]
    step = pictures[0].width + _GAP
    strip = Image.new("RGBA", (step * _PICTURES - _GAP, pictures[0].height))  # clear between and behind them
    for place, picture in enumerate(pictures):
        strip.paste(picture, (place * step, 0))
    buffer = io.BytesIO()
    strip.save(buffer, "PNG")
    return buffer.getvalue(), [dataset.class_names[label] for label in dataset.train.labels[rows]]


def _show_progress(workspace: Workspace, name: str) -> None:
    folder = dataset_job(workspace, name)
    job = read_job(folder)
    if job is not None and job.active:
        show_job_progress(folder, job, f"data_{name}")
    else:  # a training run draws it, or the job is just beginning
        st.progress(0.0, text="Preparing…")
    show_pictures_so_far(workspace, name)


def _show_doubts(workspace: Workspace, state: DatasetState, job: JobState | None) -> None:
    """Show what makes the numbers of a dataset untrue, and where to see it; and what its import left out."""
    warnings = read_warnings(workspace, state.name, state.fingerprint, state.test, state.validation)
    if warnings is None:
        st.caption(":material/help: Not checked yet.")
    else:
        show_warnings(warnings, small=True)
    with st.container(horizontal=True):
        if warnings or warnings is None:
            st.button(
                "Check it" if warnings is None else "See the checks",
                key=f"data_checks_{state.name}",
                icon=":material/search:",
                type="tertiary",
                on_click=look_inside,
                args=(state.name, "Checks"),
            )
        if job is not None and job.report:
            with st.popover("Import report", icon=":material/receipt_long:", type="tertiary", width="content"):
                show_lines(job.report)


def _show_way(workspace: Workspace, state: DatasetState, job: JobState | None, *, primary: bool) -> None:
    """Show how to get a dataset that is not here, or what to do with a broken one."""
    failed = job is not None and job.state == "failed" and state.state == "absent"
    if state.problem or (job is not None and failed):
        st.error(escaped_sentence(state.problem or (job.error if job else "")), icon=":material/error:")
    if state.state == "absent":
        st.markdown(escaped_sentence(state.how), help=f"On the command line: `data get {state.name}`.")
    st.space("stretch")
    with st.container(horizontal=True):
        if state.state == "absent" and state.name in GET_BUTTONS:  # a broken dataset has to be deleted first
            label, icon = GET_BUTTONS[state.name]
            kind: ButtonKind = "primary" if primary and state.name == "drawn10" else "secondary"
            if st.button(label, key=f"data_get_{state.name}", icon=icon, type=kind):
                with show_errors():
                    start_get(workspace, state.name)
                    st.rerun()
        if state.state == "broken":
            show_delete_button(workspace, state)
        if failed and st.button("Dismiss", key=f"data_forget_{state.name}", icon=":material/close:", type="tertiary"):
            forget_import(workspace, state.name)
            st.rerun()
