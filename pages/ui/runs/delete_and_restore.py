"""Deleting with a way back: a deleted run leaves an Undo where it was, and lies in the trash until its days are over.

Reads and moves runs. Session: the run that was deleted last, until something else is done with it.
"""

import datetime

import streamlit as st

from cifar_core.runs import DeletedRun, Run, delete_run, empty_trash, find_deleted, list_trash, restore_run
from cifar_core.settings import SETTINGS_FILE, read_limits
from cifar_core.workspace import Workspace
from pages.ui.frame import guard, guard_click, lose_focus
from pages.ui.markdown import plain, sentence
from pages.ui.wording import moment

LAST = "runs_deleted_last"  # session: id and name
MOST = 20  # deleted runs shown; those before them come back by the command line


def offer_delete(workspace: Workspace, run: Run) -> None:
    """Delete at one click; what is undone so easily needs no question."""
    if st.button("Delete", key=f"runs_delete_{run.id}", icon=":material/delete:", type="tertiary",
                 help="Moves it to the trash, with a way back."):  # fmt: skip
        with guard_click():
            st.session_state[LAST] = run.id, run.name
            delete_run(workspace, run.id)
            lose_focus(run.id)
            st.rerun()


def offer_undo(workspace: Workspace) -> None:
    """The way back of the last deletion, while its run is in the trash."""
    run_id, name = st.session_state.get(LAST, ("", ""))
    if find_deleted(workspace, run_id) is None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/delete: **{plain(name)}** is in the trash.", width="stretch")
        if st.button("Undo", key="runs_undo", icon=":material/undo:"):
            _bring_back(workspace, run_id)
        if st.button("Close", key="runs_undo_close", icon=":material/close:", type="tertiary"):
            del st.session_state[LAST]
            st.rerun()


def show_trash(workspace: Workspace) -> None:
    """What was deleted, the last first, each with the day it goes for good and a way back."""
    found = list_trash(workspace)
    deleted = [item for item in found if not item.problem]
    if not found:
        return
    with st.expander(f"Trash · {len(found):,}", icon=":material/delete:", key="runs_trash"), guard():
        days = read_limits(workspace).trash_days
        st.caption(
            f"A deleted run can be brought back for {days} day{'' if days == 1 else 's'}, then it goes for good "
            f"(trash\\_days in {plain(SETTINGS_FILE)})."
        )
        for item in deleted[:MOST]:
            _show(workspace, item, days)
        if len(deleted) > MOST:
            st.caption(
                f"and {len(deleted) - MOST:,} deleted before; `runs trash` lists them, `runs restore` brings them back"
            )
        for item in found[len(deleted) :][:MOST]:
            st.caption(f":material/broken_image: **{plain(item.id)}** · {sentence(item.problem)}")
        if not deleted:
            return
        with st.popover("Empty the trash", icon=":material/delete_forever:", type="tertiary", key="runs_trash_empty"):
            st.markdown(
                f"Remove {len(deleted):,} deleted run{'' if len(deleted) == 1 else 's'} for good? There is no way back from this."
            )
            if st.button("Remove for good", key="runs_trash_empty_sure", icon=":material/delete_forever:"):
                empty_trash(workspace)
                st.rerun()


def _show(workspace: Workspace, item: DeletedRun, days: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        gone = item.deleted and item.deleted + datetime.timedelta(days=days)
        when = f"deleted {moment(item.deleted)}" if item.deleted else "deleted at an unknown time"
        stays = f"stays until {moment(gone)}" if gone else "stays until the trash is emptied"
        st.markdown(f"**{plain(item.name)}** · {when} · {stays}", width="stretch")
        if st.button("Bring back", key=f"runs_restore_{item.path.name}", icon=":material/undo:"):
            _bring_back(workspace, item.id)


def _bring_back(workspace: Workspace, run_id: str) -> None:
    with guard_click():
        restore_run(workspace, run_id)
        st.session_state.pop(LAST, None)
        st.query_params["run"] = run_id
        st.rerun()
