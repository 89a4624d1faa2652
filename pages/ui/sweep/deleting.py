"""Deleting a sweep and restoring it, as `pages/ui/trash.py` shows it. Moves the folders of sweeps, never runs."""

import streamlit as st

from cifar_core.sweeps.sweep import Sweep
from cifar_core.sweeps.trash import delete_sweep, deleted_sweeps, empty_sweep_trash, restore_sweep
from cifar_core.workspace import Workspace
from pages.ui import trash
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.sweep.choice import sweep_name, watch_sweep

_PAGE = "sweep"


def show_delete_button(workspace: Workspace, sweep: Sweep) -> None:
    """Show a button that deletes at one click; Undo makes a question needless."""
    if st.button(
        "Delete",
        key=f"sweep_delete_{sweep.id}",
        icon=":material/delete:",
        type="tertiary",
        help="Moves the sweep to the trash, with a way back. Its runs stay, as ordinary runs.",
    ):
        with show_errors_as_toast():
            delete_sweep(workspace, sweep.id)
            trash.note_deleted(_PAGE, sweep.id, sweep_name(sweep))
            watch_sweep("")
            st.rerun()


def show_undo(workspace: Workspace) -> None:
    """Show Undo for the last deleted sweep while it is in the trash."""
    trash.show_undo(_trash_of_sweeps(workspace))


def show_trash(workspace: Workspace) -> None:
    """Show the deleted sweeps."""
    trash.show_trash(workspace, _trash_of_sweeps(workspace))


def _trash_of_sweeps(workspace: Workspace) -> trash.TrashOf:
    return trash.TrashOf(
        _PAGE,
        "sweep",
        items=lambda: deleted_sweeps(workspace),
        restore=lambda item: restore_sweep(workspace, item.path.name),
        empty=lambda: empty_sweep_trash(workspace),
        commands="They stay in the folder `sweeps/.trash` of the workspace until then.",
        after_restore=watch_sweep,
    )
