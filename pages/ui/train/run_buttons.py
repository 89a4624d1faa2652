"""Starting a run, and the buttons of a run, the same on every page.

Pause and Stop end a run; Resume, Retry and Duplicate go on from it. The two kinds stand at different places of a page,
and the place of the first kind stays theirs until the page is left, so that a second click on Stop never starts
anything. The session keeps the nonce of the next start, and which runs each page has shown as active.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import streamlit as st

from cifar_core.cluster.choice import offered_cluster
from cifar_core.config import RunConfig
from cifar_core.lifecycle.place import LOCAL, Place
from cifar_core.runs import (
    EndRequest,
    Run,
    Status,
    create_run,
    epoch_to_resume,
    list_runs,
    lower_rate,
    pause_run,
    queue_places,
    read_run,
    resume_run,
    retry_run,
    retry_with_lower_rate,
    slots,
    start_run,
    stop_run,
)
from cifar_core.runs.run import GOES_ON, RETRIABLE
from cifar_core.workspace import Workspace
from pages.ui.class_room.person import person_going_on, person_of_runs
from pages.ui.cluster.where import where_address
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.runs.going_on import Make, show_more_epochs, show_other_dataset
from pages.ui.runs.seeds import show_repeat_choice
from pages.ui.train.form_state import open_form
from pages.ui.url_state import current_visit
from pages.ui.wording import waiting_line

ButtonKind = Literal["primary", "secondary"]
START_NONCE_KEY = "train_nonce"  # one nonce per start, so that a double click makes one run
_SEEN_ACTIVE_KEY = "seen_active"  # session: the visit of a page, and the ids of the runs that it has shown as active
END_WIDTH = 112  # pixels of a button that ends a run, whatever its word is
_END_ROW_WIDTH = 2 * END_WIDTH + 16  # of both with the gap between them, so that none stands alone in a line


@dataclass(frozen=True)
class EndButton:
    """A button that ends a run."""

    request: EndRequest
    label: str
    asked: str  # what it says from the click until the run has ended
    icon: str
    help: str
    do: Callable[[Workspace, str], None]


END_BUTTONS = (
    EndButton(
        EndRequest.PAUSE,
        "Pause",
        "Pausing",
        ":material/pause:",
        "Keeps everything and frees the machine for the next run in the queue.",
        pause_run,
    ),
    EndButton(
        EndRequest.STOP,
        "Stop",
        "Stopping",
        ":material/stop:",
        "Ends within one batch and keeps everything so far.",
        stop_run,
    ),
)


def start_nonce() -> str:
    """Return the nonce of the next start of this session; it is read when the button is drawn."""
    return str(st.session_state.setdefault(START_NONCE_KEY, secrets.token_hex(8)))


def start_new_run(
    workspace: Workspace,
    config: RunConfig,
    nonce: str,
    parent: str = "",
    name: str = "",
    lesson: str = "",
    place: Place = LOCAL,
) -> str:
    """Create a run and queue it; returns its id. The second click of a double click gives the same run.

    Raises:
        CifarCoreError: `create_run` refuses it, for example for a limit, a full disk, or a missing dataset.
    """
    return _start_once(
        workspace,
        lambda nonce: create_run(
            workspace,
            config,
            nonce=nonce,
            person=person_of_runs(),
            parent=parent,
            name=name,
            lesson=lesson,
            place=place,
        ),
        nonce,
    )


def _start_once(workspace: Workspace, make: Make, nonce: str = "") -> str:
    """Make a run under a nonce, that of the session's next start if none is given, and queue it; return its id."""
    run_id = make(nonce or start_nonce())
    start_run(workspace, run_id)
    st.session_state[START_NONCE_KEY] = secrets.token_hex(8)
    _announce_queue_place(workspace, run_id)
    return run_id


def runs_seen_active(page: str) -> list[str]:
    """Return the ids of the runs that a page has shown as active since the person came to it, to be added to."""
    memory = st.session_state.setdefault(_SEEN_ACTIVE_KEY, {})
    if memory.get("visit") != current_visit():
        memory.clear()
        memory["visit"] = current_visit()
    seen: list[str] = memory.setdefault(page, [])
    return seen


def show_end_buttons(workspace: Workspace, run: Run, page: str) -> None:
    """Show Pause and Stop. From the click on they say what was asked, and then how the run ended, and do nothing.

    They are shown as long as the run is active, and after its end until the person leaves the page, at the same place
    and in the same size. For a run that had ended before the person came nothing is shown.

    Args:
        workspace: where.
        run: the run as it is now.
        page: prefix of the widget keys.
    """
    seen = runs_seen_active(page)
    if run.active and run.id not in seen:
        seen.append(run.id)
    if run.problem or run.id not in seen:
        return
    with st.container(horizontal=True, width=_END_ROW_WIDTH, gap="small"):
        for button in END_BUTTONS:
            label, enabled = end_label(button, run)
            icons = {button.label: button.icon, button.asked: "spinner"}
            st.button(
                label,
                key=f"{page}_{button.request}_{run.id}",
                icon=icons.get(label),
                help=button.help,
                disabled=not enabled,
                width=END_WIDTH,
                on_click=_ask_to_end,
                args=(workspace, run.id, button),
            )


def end_label(button: EndButton, run: Run) -> tuple[str, bool]:
    """Return what a button that ends runs says of this one, and whether it can be pressed."""
    if run.active:
        outweighs = button.request is EndRequest.STOP and run.ending is EndRequest.PAUSE
        return button.asked if run.ending is button.request else button.label, run.ending is None or outweighs
    says_how = (button.request is EndRequest.PAUSE) == (run.status is Status.PAUSED)
    return run.status.capitalize() if says_how else button.label, False


def _ask_to_end(workspace: Workspace, run_id: str, button: EndButton) -> None:
    """Ask a run to end; the second click of a double click may find that it has ended."""
    with show_errors_as_toast():
        if read_run(workspace, run_id).active:
            button.do(workspace, run_id)


def show_go_on_buttons(workspace: Workspace, run: Run, runs: list[Run], page: str) -> str:
    """Show the buttons for what comes after a run, the first of them primary, each with a few words on what it does.

    They must stand at another place of the page than those of `show_end_buttons`.

    Args:
        workspace: where.
        run: the run as it is now.
        runs: all runs, as the page is drawn.
        page: prefix of the widget keys.

    Returns:
        The id of a run that was just made, else an empty text, as for imported predictions, which have no buttons.
    """
    if run.problem or not run.has_network:
        return ""
    # While it is active, Duplicate stands where neither Resume nor Retry stood, so that their second click misses it.
    with st.container(horizontal=True, horizontal_alignment="right" if run.active else "left", gap="medium"):
        made = ""
        if run.resumable:
            show_resume_button(workspace, run, page, "primary")
            _show_resume_here(workspace, run, page)
        if run.status in RETRIABLE:
            made = _show_retry(workspace, run, runs, page)
        _show_duplicate(workspace, run, page)
        if run.can_be_continued:
            made = _show_going_on(workspace, run, page) or made
        show_repeat_choice(workspace, run, runs, page)
    return made


def _show_going_on(workspace: Workspace, run: Run, page: str) -> str:
    """Show the ways to a run that begins with the weights of `run`; return the id of one that was just made."""
    for show in (show_more_epochs, show_other_dataset):
        make = show(workspace, run, page)
        if make is not None:
            with show_errors_as_toast():
                return _start_once(workspace, make)
    return ""


def show_resume_button(workspace: Workspace, run: Run, page: str, kind: ButtonKind) -> None:
    """Show Resume, for a run that is `resumable`."""
    with show_errors_as_toast():
        epoch = epoch_to_resume(workspace, run.id)
        _show_choice(
            "Resume",
            "goes on from its last checkpoint"
            if epoch is None
            else f"goes on at epoch {min(epoch, run.config.optimizer.epochs)}",
            key=f"{page}_resume_{run.id}",
            icon=":material/play_arrow:",
            kind=kind,
            on_click=lambda: _resume(workspace, run.id),
        )


def _show_resume_here(workspace: Workspace, run: Run, page: str) -> None:
    """Show the way on for a run whose cluster is gone, or is not wanted any more."""
    if run.is_elsewhere:
        _show_choice(
            "Resume here",
            f"on this machine, no more on {escaped(run.place.words)}",
            key=f"{page}_resume_here_{run.id}",
            icon=":material/computer:",
            kind="secondary",
            on_click=lambda: _resume(workspace, run.id, LOCAL),
        )


def _resume(workspace: Workspace, run_id: str, place: Place | None = None) -> None:
    """Resume a run, unless another tab or the click before has done so; at a `place` where it was not before."""
    with show_errors_as_toast():
        if not read_run(workspace, run_id).active:
            resume_run(workspace, run_id, place=place)
        _announce_queue_place(workspace, run_id)


def _show_retry(workspace: Workspace, run: Run, runs: list[Run], page: str) -> str:
    """Show Retry, for a run that diverged with a lower learning rate; return the id of the run that it made."""
    lower = run.diverged and lower_rate(run.config) < run.config.optimizer.learning_rate
    label = f"Try again with learning rate {lower_rate(run.config):g}" if lower else "Retry"
    words = "from the start, all else and the seed the same" if lower else "from the start, same settings"
    # The count is part of the key, so that the second of two quick clicks finds no button; a later one finds one
    # that is disabled as long as the new run is under way, because it would end the same.
    # One that went on from another run is repeated as a further run of that one.
    parent = run.parent if run.origin in GOES_ON else run.id
    repeats = [other for other in runs if other.parent == parent and other.id != run.id]
    under_way = any(other.active and (lower or other.config == run.config) for other in repeats)
    made = ""
    if _show_choice(
        label,
        "a run that repeats it is under way" if under_way else words,
        key=f"{page}_retry_{run.id}_{len(repeats)}",
        icon=":material/replay:",
        kind="secondary" if run.resumable else "primary",
        disabled=under_way,
    ):
        with show_errors_as_toast():
            make = retry_with_lower_rate if lower else retry_run
            made = make(workspace, run.id, person=person_going_on(run))
            start_run(workspace, made)
            _announce_queue_place(workspace, made)
    return made


def _show_duplicate(workspace: Workspace, run: Run, page: str) -> None:
    if _show_choice(
        "Duplicate",
        "change settings first",
        key=f"{page}_duplicate_{run.id}",
        icon=":material/content_copy:",
        kind="secondary",
    ):
        with show_errors_as_toast():
            more = where_address(offered_cluster(workspace), run.place) | ({"lesson": run.lesson} if run.lesson else {})
            open_form(run.id, run.config, run.own_validation, more)


def _show_choice(
    label: str,
    words: str,
    *,
    key: str,
    icon: str,
    kind: ButtonKind,
    disabled: bool = False,
    on_click: Callable[[], None] | None = None,
) -> bool:
    """Show a button with a few words below it; return whether it was pressed."""
    with st.container(width="content", gap=None):
        pressed = st.button(label, key=key, icon=icon, type=kind, disabled=disabled, on_click=on_click)
        st.caption(words)
    return pressed


def _announce_queue_place(workspace: Workspace, run_id: str) -> None:
    """Say the place in the queue as a toast."""
    runs = list_runs(workspace)
    name = next((run.name for run in runs if run.id == run_id), run_id)
    waits = waiting_line(next((run for run in runs if run.id == run_id), None), queue_places(runs, slots(workspace)))
    st.toast(f"{escaped(name)}: {waits}", icon=":material/play_arrow:")
