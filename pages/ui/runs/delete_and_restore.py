"""Deleting a run and restoring it, as `pages/ui/trash.py` shows it. Moves runs."""

import streamlit as st

from cifar_core.runs import Run, delete_run, empty_trash, list_trash, restore_run
from cifar_core.runs.trials.kept import has_kept_values
from cifar_core.workspace import Workspace
from pages.ui import trash
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.run_focus import clear_focus
from pages.ui.runs.ticked_runs import tick

_PAGE = "runs"
_KEPT_KEY = f"{_PAGE}_deleted_trial"  # session: the run that was deleted last, if its values stay in a sweep
_VALUES_STAY = "Its values stay in its sweep."
_COMMANDS = "`runs trash` lists them all, `runs restore RUN` brings one back."


def show_delete_button(workspace: Workspace, run: Run) -> None:
    """Show a button that deletes at one click; Undo makes a question needless."""
    is_kept = has_kept_values(workspace, run)
    if st.button(
        "Delete",
        key=f"runs_delete_{run.id}",
        icon=":material/delete:",
        type="tertiary",
        help="Moves it to the trash, with a way back." + (f" {_VALUES_STAY}" if is_kept else ""),
    ):
        with show_errors_as_toast():
            trash.note_deleted(_PAGE, run.id, run.name)
            st.session_state[_KEPT_KEY] = run.id if is_kept else ""
            delete_run(workspace, run.id)
            clear_focus(run.id)
            st.rerun()


def show_undo(workspace: Workspace) -> None:
    """Show Undo for the last deleted run while it is in the trash."""
    trash.show_undo(
        _trash_of_runs(workspace), lambda run_id: [_VALUES_STAY] if st.session_state.get(_KEPT_KEY) == run_id else []
    )


def show_trash(workspace: Workspace) -> None:
    """Show the deleted runs."""
    trash.show_trash(workspace, _trash_of_runs(workspace))


def _trash_of_runs(workspace: Workspace) -> trash.TrashOf:
    return trash.TrashOf(
        _PAGE,
        "run",
        items=lambda: list_trash(workspace),
        restore=lambda item: restore_run(workspace, item.path.name),
        empty=lambda: empty_trash(workspace),
        commands=_COMMANDS,
        name_of=lambda item: item.name,
        after_restore=tick,
    )
