"""Deleting a run and restoring it: Undo right after a delete, and the trash until a run's days there are over.

Moves runs. The session keeps which run was deleted last.
"""

import datetime

import streamlit as st

from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.runs import DeletedRun, Run, delete_run, empty_trash, find_deleted, list_trash, restore_run
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors, show_errors_as_toast
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.run_focus import clear_focus, focus_on
from pages.ui.wording import date_and_time

LAST_DELETED_KEY = "runs_deleted_last"  # session: id and name
MAX_DELETED_SHOWN = 20  # the command line restores those that were deleted before


def show_delete_button(workspace: Workspace, run: Run) -> None:
    """Show a button that deletes at one click; Undo makes a question needless."""
    if st.button(
        "Delete",
        key=f"runs_delete_{run.id}",
        icon=":material/delete:",
        type="tertiary",
        help="Moves it to the trash, with a way back.",
    ):
        with show_errors_as_toast():
            st.session_state[LAST_DELETED_KEY] = run.id, run.name
            delete_run(workspace, run.id)
            clear_focus(run.id)
            st.rerun()


def show_undo(workspace: Workspace) -> None:
    """Show Undo for the last deleted run while it is in the trash."""
    run_id, name = st.session_state.get(LAST_DELETED_KEY, ("", ""))
    if find_deleted(workspace, run_id) is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/delete: **{escaped(name)}** is in the trash.", width="stretch")
        if st.button("Undo", key="runs_undo", icon=":material/undo:"):
            _restore(workspace, run_id)
        if st.button("Close", key="runs_undo_close", icon=":material/close:", type="tertiary"):
            del st.session_state[LAST_DELETED_KEY]
            st.rerun()


def show_trash(workspace: Workspace) -> None:
    """Show the deleted runs, the last first, each with the day of its removal and a button that restores it."""
    found = list_trash(workspace)
    deleted = [item for item in found if not item.problem]
    if not found:
        return
    with st.expander(f"Trash · {len(found):,}", icon=":material/delete:", key="runs_trash"), show_errors():
        days = read_limits(workspace).trash_days
        st.caption(
            f"A deleted run can be brought back for {counted(days, 'day')}; then it is removed for good "
            f"(trash\\_days in {escaped(LIMITS_FILE)})."
        )
        for item in deleted[:MAX_DELETED_SHOWN]:
            _show_deleted_run(workspace, item, days)
        if len(deleted) > MAX_DELETED_SHOWN:
            st.caption(
                f"and {len(deleted) - MAX_DELETED_SHOWN:,} deleted earlier; `runs trash` lists them, `runs restore` "
                "brings them back"
            )
        for item in found[len(deleted) :][:MAX_DELETED_SHOWN]:
            st.caption(f":material/broken_image: **{escaped(item.id)}** · {escaped_sentence(item.problem)}")
        if not deleted:
            return
        with st.popover("Empty the trash", icon=":material/delete_forever:", type="tertiary", key="runs_trash_empty"):
            st.markdown(f"Remove {counted(len(deleted), 'deleted run')} for good? This cannot be undone.")
            if st.button("Remove for good", key="runs_trash_empty_sure", icon=":material/delete_forever:"):
                empty_trash(workspace)
                st.rerun()


def _show_deleted_run(workspace: Workspace, item: DeletedRun, days: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        gone = item.deleted and item.deleted + datetime.timedelta(days=days)
        when = f"deleted {date_and_time(item.deleted)}" if item.deleted else "deleted at an unknown time"
        stays = f"stays until {date_and_time(gone)}" if gone else "stays until the trash is emptied"
        st.markdown(f"**{escaped(item.name)}** · {when} · {stays}", width="stretch")
        if st.button("Bring back", key=f"runs_restore_{item.path.name}", icon=":material/undo:"):
            _restore(workspace, item.id)


def _restore(workspace: Workspace, run_id: str) -> None:
    with show_errors_as_toast():
        restore_run(workspace, run_id)
        st.session_state.pop(LAST_DELETED_KEY, None)
        focus_on(run_id)
        st.rerun()
