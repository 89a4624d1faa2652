"""Starting a run, and the buttons of a run, the same on every page: Pause, Stop, Resume, Retry, Duplicate.

The table `MOVES` of the library says which of them a run allows. The session keeps the nonce of the next start.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from cifar_core.config import RunConfig
from cifar_core.lifecycle.states import MOVES, Status
from cifar_core.runs import (
    Run,
    create_run,
    list_runs,
    pause_run,
    queue_places,
    resume_run,
    retry_run,
    slots,
    start_run,
    stop_run,
)
from cifar_core.runs.run import RETRIABLE
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.server.access import current_person
from pages.ui.train.settings_form import MADE_FROM_KEY, load_settings
from pages.ui.wording import queue_line

START_NONCE_KEY = "train_nonce"  # one nonce per start, so that a double click makes one run


@dataclass(frozen=True)
class RunButton:
    """One button of a run."""

    name: str
    icon: str
    help: str
    answer: str  # the toast after the click; empty where the place in the queue is said instead
    do: Callable[[Workspace, str], None]


BUTTONS = {  # by the status that they lead to
    Status.PAUSED: RunButton(
        "pause",
        ":material/pause:",
        "Keeps everything and frees the machine for the next run in the queue.",
        "Pausing after this batch.",
        pause_run,
    ),
    Status.STOPPED: RunButton(
        "stop",
        ":material/stop:",
        "Ends within one batch and keeps everything so far.",
        "Stopping after this batch.",
        stop_run,
    ),
    Status.QUEUED: RunButton(
        "resume", ":material/play_arrow:", "Continues exactly where it was, when its turn comes.", "", resume_run
    ),
}


def start_nonce() -> str:
    """Return the nonce of the next start of this session; it is read when the button is drawn."""
    return str(st.session_state.setdefault(START_NONCE_KEY, secrets.token_hex(8)))


def start_new_run(workspace: Workspace, config: RunConfig, nonce: str, parent: str = "") -> str:
    """Create a run and queue it; returns its id. The second click of a double click gives the same run.

    Raises:
        CifarCoreError: `create_run` refuses it, for example for a limit, a full disk, or a missing dataset.
    """
    run_id = create_run(workspace, config, nonce=nonce, person=current_person(), parent=parent)
    start_run(workspace, run_id)
    st.session_state[START_NONCE_KEY] = secrets.token_hex(8)
    _announce_queue_place(workspace, run_id)
    return run_id


def allowed_buttons(run: Run) -> list[RunButton]:
    """Return the buttons that a run allows in its present state."""
    goals = () if run.problem else MOVES[run.status]
    allowed = (goal for goal in BUTTONS if goal in goals and (goal is not Status.QUEUED or run.resumable))
    return [BUTTONS[goal] for goal in allowed]


def show_run_buttons(workspace: Workspace, run: Run, page: str) -> None:
    """Show the buttons that the run allows."""
    for action in allowed_buttons(run):
        name = action.name
        if st.button(name.capitalize(), key=f"{page}_{name}_{run.id}", icon=action.icon, help=action.help):
            with show_errors_as_toast():
                action.do(workspace, run.id)
                if action.answer:
                    st.toast(f"{escaped(run.name)}: {action.answer}", icon=action.icon)
                else:
                    _announce_queue_place(workspace, run.id)
                st.rerun()


def show_retry_and_duplicate(workspace: Workspace, run: Run, runs: list[Run], page: str) -> str:
    """Show the buttons for a new run made from this one; return the id of one that was just made, else an empty text.

    Args:
        workspace: where.
        run: the earlier run.
        runs: all runs, as the page is drawn.
        page: prefix of the widget keys.
    """
    made = ""
    if run.status in RETRIABLE and not run.problem:
        # The count is part of the key, so that the second of two quick clicks finds no button; a later one finds one
        # that is disabled as long as the new run is under way, because it would end the same.
        repeats = [other for other in runs if other.parent == run.id]
        under_way = any(other.active and other.config == run.config for other in repeats)
        if st.button(
            "Retry",
            key=f"{page}_retry_{run.id}_{len(repeats)}",
            icon=":material/replay:",
            disabled=under_way,
            help="A run that repeats it is under way."
            if under_way
            else "Trains it once more from the start, with the same settings and seed, as a new run.",
        ):
            with show_errors_as_toast():
                made = retry_run(workspace, run.id, person=current_person())
                start_run(workspace, made)
                _announce_queue_place(workspace, made)
    if not run.problem and st.button(
        "Duplicate",
        key=f"{page}_duplicate_{run.id}",
        icon=":material/content_copy:",
        help="Opens the Train page with these settings, to change what you like and start.",
    ):
        load_settings(run.config)
        st.session_state[MADE_FROM_KEY] = run.id
        st.switch_page("pages/train.py", query_params={"run": run.id, "view": "New run"})
    return made


def _announce_queue_place(workspace: Workspace, run_id: str) -> None:
    """Say the place in the queue as a toast."""
    runs = list_runs(workspace)
    name = next((run.name for run in runs if run.id == run_id), run_id)
    place = queue_places(runs, slots(workspace)).get(run_id)
    st.toast(f"{escaped(name)}: {queue_line(place)}", icon=":material/play_arrow:")
