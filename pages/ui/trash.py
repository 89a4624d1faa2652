"""The trash as runs and datasets have it: Undo right after a delete, and the list of what can be brought back.

Restores and removes. The session keeps what was deleted last.
"""

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.storage.trash import Deleted
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors, show_errors_as_toast
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.wording import date_and_time

MAX_DELETED_SHOWN = 20  # the command line restores those that were deleted before


@dataclass(frozen=True)
class TrashOf:
    """The trash of one kind of things, for its page."""

    page: str  # prefix of the keys
    kind: str  # "run"
    items: Callable[[], Sequence[Any]]  # the last deleted first; each a `Deleted`
    restore: Callable[[Any], None]  # one of the items
    empty: Callable[[], int]
    commands: str  # how the command line lists and restores, for a "?"
    name_of: Callable[[Any], str] = lambda item: str(item.id)
    after_restore: Callable[[str], None] = lambda _: None  # with its id, before the page is drawn anew


def note_deleted(page: str, thing: str, name: str) -> None:
    """Note what was deleted last, for Undo."""
    st.session_state[last_deleted_key(page)] = thing, name


def last_deleted_key(page: str) -> str:
    """Return the key of the session under which a page keeps the id and the name of what was deleted last."""
    return f"{page}_deleted_last"


def show_undo(trash: TrashOf, notes: Callable[[str], Sequence[str]] = lambda _: ()) -> None:
    """Show Undo for what was deleted last while it is in the trash.

    Args:
        trash: where it is.
        notes: sentences on what its deletion means, for its id.
    """
    thing, name = st.session_state.get(last_deleted_key(trash.page), ("", ""))
    item = next((item for item in trash.items() if item.id == thing and not item.problem), None) if thing else None
    if item is None:
        return
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/delete: **{escaped(name)}** is in the trash.", width="stretch")
            if st.button("Undo", key=f"{trash.page}_undo", icon=":material/undo:"):
                _restore(trash, item)
            if st.button("Close", key=f"{trash.page}_undo_close", icon=":material/close:", type="tertiary"):
                del st.session_state[last_deleted_key(trash.page)]
                st.rerun()
        for note in notes(thing):
            st.caption(escaped_sentence(note))


def show_trash(workspace: Workspace, trash: TrashOf) -> None:
    """Show what was deleted, the last first, each with the day of its removal and a button that restores it."""
    found = trash.items()
    deleted = [item for item in found if not item.problem]
    if not found:
        return
    page, kind = trash.page, trash.kind
    with st.expander(f"Trash · {len(found):,}", icon=":material/delete:", key=f"{page}_trash"), show_errors():
        days = read_limits(workspace).trash_days
        st.caption(
            f"A deleted {kind} can be brought back for {counted(days, 'day')}; then it is removed for good "
            f"(trash\\_days in {escaped(LIMITS_FILE)})."
        )
        for item in deleted[:MAX_DELETED_SHOWN]:
            _show_deleted(trash, item, days)
        if len(deleted) > MAX_DELETED_SHOWN:
            st.caption(f"and {len(deleted) - MAX_DELETED_SHOWN:,} deleted earlier", help=trash.commands)
        for item in found[len(deleted) :][:MAX_DELETED_SHOWN]:
            st.caption(f":material/broken_image: **{escaped(item.id)}** · {escaped_sentence(item.problem)}")
        if not deleted:
            return
        with st.popover(
            "Empty the trash", icon=":material/delete_forever:", type="tertiary", key=f"{page}_trash_empty"
        ):
            st.markdown(f"Remove {counted(len(deleted), f'deleted {kind}')} for good? This cannot be undone.")
            if st.button("Remove for good", key=f"{page}_trash_empty_sure", icon=":material/delete_forever:"):
                trash.empty()
                st.rerun()


def _show_deleted(trash: TrashOf, item: Deleted, days: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        gone = item.deleted and item.deleted + datetime.timedelta(days=days)
        when = f"deleted {date_and_time(item.deleted)}" if item.deleted else "deleted at an unknown time"
        stays = f"stays until {date_and_time(gone)}" if gone else "stays until the trash is emptied"
        st.markdown(f"**{escaped(trash.name_of(item))}** · {when} · {stays}", width="stretch")
        if st.button("Bring back", key=f"{trash.page}_restore_{item.path.name}", icon=":material/undo:"):
            _restore(trash, item)


def _restore(trash: TrashOf, item: Deleted) -> None:
    with show_errors_as_toast():
        trash.restore(item)
        st.session_state.pop(last_deleted_key(trash.page), None)
        trash.after_restore(item.id)
        st.toast(f"{escaped(trash.name_of(item))} is back.", icon=":material/undo:")
        st.rerun()
