"""How much of what browsers send may lie in the server's memory: Streamlit has no bound on a session's files or their sum.

A session has room once its visitor has passed the login; what it sent for one page is dropped when it goes to another, for
Streamlit would keep it until the session ends.
"""

import contextlib
import secrets
from typing import ClassVar

import streamlit as st
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from cifar_core.errors import ConfigError
from cifar_core.files import MB
from cifar_core.settings import Limits, read_limits
from cifar_core.text import one_line
from cifar_core.workspace import Workspace

MAX_NAME = 255  # characters of a file's name
MAX_HELD = 200  # files of one session at a time
_PAGE = "upload_room_page"  # session: the page that the files were sent for


class BoundedUploads(MemoryUploadedFileManager):
    """Streamlit's store of uploads, refusing what a session has no room for; the browser shows that as an error of the file."""

    rooms: ClassVar[dict[str, int]] = {}  # session -> bytes it may hold
    refused: ClassVar[dict[str, int]] = {}  # session -> files refused since it was last emptied
    fields: ClassVar[dict[str, str]] = {}  # session -> what the keys of its fields end in until it is emptied

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keep an upload, or refuse it with 413 (Content Too Large)."""
        held = dict(self.file_storage.get(session_id, {}))
        held.pop(file.file_id, None)  # sent again
        sum_of_bytes = sum(len(other.data) for other in held.values()) + len(file.data)
        if len(held) >= MAX_HELD or sum_of_bytes > self.rooms.get(session_id, 0):
            self.refused[session_id] = self.refused.get(session_id, 0) + 1
            raise HTTPException(413, "There is no room for more files of this session")
        super().add_file(
            session_id, file._replace(name=one_line(file.name, MAX_NAME))
        )  # a null byte would end the page

    def remove_session_files(self, session_id: str) -> None:
        """The session has ended, or its page has no use for them any more."""
        self.rooms.pop(session_id, None)
        self.refused.pop(session_id, None)
        self.fields.pop(session_id, None)
        super().remove_session_files(session_id)


def bound_uploads() -> None:
    """Bound the store of this server, before anybody is let in; once done, nothing is left to do."""
    store = _context().uploaded_file_mgr
    if type(store) is MemoryUploadedFileManager:
        store.__class__ = BoundedUploads  # its routes hold this very object


def give_upload_room(workspace: Workspace, page: str) -> None:
    """Let the session of this visitor send files for `page`; those for another page are dropped."""
    limits = Limits()
    with contextlib.suppress(ConfigError):  # told where the limit matters
        limits = read_limits(workspace)
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE] = page
        drop_uploads()
    BoundedUploads.rooms[_context().session_id] = limits.upload_mb * MB


def field_key(name: str) -> str:
    """The key of an upload field, such that no field outlives the files that it shows.

    A browser says nothing when the same file is chosen again in a field that still holds it; and after the line was cut for
    long, a field would show files that no server has.
    """
    return f"{name}_{BoundedUploads.fields.setdefault(_context().session_id, secrets.token_hex(4))}"


def drop_uploads() -> None:
    """Forget what this session sent; it keeps its room, and has new, empty fields when its page is drawn again."""
    context = _context()
    room = BoundedUploads.rooms.get(context.session_id)
    context.uploaded_file_mgr.remove_session_files(context.session_id)
    if room is not None:
        BoundedUploads.rooms[context.session_id] = room


def open_sessions() -> int:
    """How many sessions have this server's pages open, give or take those that left a moment ago."""
    return len(BoundedUploads.rooms)


def refused_uploads() -> int:
    """How many files of this session were refused for want of room since its files were dropped."""
    return BoundedUploads.refused.get(_context().session_id, 0)


def _context() -> ScriptRunContext:
    context = get_script_run_ctx()
    assert context is not None  # only pages call this
    return context
