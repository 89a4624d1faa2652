"""The Stop of a sweep, the same on the Sweep page and in the box of active runs."""

import contextlib

import streamlit as st

from cifar_core.errors import SweepError
from cifar_core.sweeps.control import stop_sweep
from cifar_core.sweeps.sweep import Sweep
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.train.run_buttons import END_WIDTH


def is_stopping(sweep: Sweep) -> bool:
    """Whether a sweep that works was asked to stop, by whomever."""
    return sweep.active and sweep.job is not None and sweep.job.phase == "Cancelling"


def show_stop_button(workspace: Workspace, sweep: Sweep, key: str) -> None:
    """Show Stop; from the click on it says what was asked, then how the sweep ended, and does nothing.

    Args:
        workspace: where.
        sweep: as it is on the disk.
        key: of the button.
    """
    asked = is_stopping(sweep)
    label = "Stopping" if asked else "Stop" if sweep.active else sweep.status.capitalize()
    st.button(
        label,
        key=key,
        icon={"Stop": ":material/stop:", "Stopping": "spinner"}.get(label),
        help="Ends the sweep and keeps everything so far: its runs pause with a checkpoint, and Resume on the Sweep "
        "page goes on from there.",
        disabled=asked or not sweep.active,
        width=END_WIDTH,
        on_click=_stop,
        args=(workspace, sweep.id),
    )


def _stop(workspace: Workspace, sweep_id: str) -> None:
    """Stop a sweep; the second click of a double click may find that it has ended."""
    with show_errors_as_toast(), contextlib.suppress(SweepError):
        stop_sweep(workspace, sweep_id)
