"""A quota for uploads in the server's memory, because Streamlit limits neither a session's files nor their sum.

A session has a quota once its visitor has passed the login. What it sent for one page is dropped when it goes to
another, because Streamlit would keep it until the session ends.
"""

import contextlib
import secrets
from typing import ClassVar

import streamlit as st
from starlette.exceptions import HTTPException

from cifar_core.errors import ConfigError
from cifar_core.limits import ServerLimits, read_limits
from cifar_core.text import MB, one_line
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.server.internals import MemoryUploadedFileManager, UploadedFileRec
from pages.ui.server.patching import Patch, replace_classes
from pages.ui.server.session import session_context, session_id

MAX_UPLOAD_NAME = 255  # characters of a file's name
MAX_UPLOADS = 200  # files of one session at a time
_PAGE_KEY = "upload_room_page"  # session: the page that the files were sent for
UPLOAD_MANAGER = Patch(
    name="streamlit.runtime.memory_uploaded_file_manager.MemoryUploadedFileManager",
    lost="uploads are not limited to upload_mb of each session",
    of=MemoryUploadedFileManager,
    sample=lambda: MemoryUploadedFileManager("/upload"),
    methods={"add_file": ("self", "session_id", "file"), "remove_session_files": ("self", "session_id")},
    attributes={"file_storage": (dict,)},
)


class QuotaUploadManager(MemoryUploadedFileManager):
    """Streamlit's store of uploads with a quota for each session; the browser shows a refusal beside the file."""

    quotas: ClassVar[dict[str, int]] = {}  # session -> bytes it may hold
    refused_counts: ClassVar[dict[str, int]] = {}  # session -> files refused since its files were dropped
    field_suffixes: ClassVar[dict[str, str]] = {}  # session -> end of the keys of its upload fields

    def add_file(self, session_id: str, file: UploadedFileRec) -> None:
        """Keep an upload, or refuse it with 413 (Content Too Large)."""
        held = dict(self.file_storage.get(session_id, {}))
        held.pop(file.file_id, None)  # the same file sent again takes the place of the first
        sum_of_bytes = sum(len(other.data) for other in held.values()) + len(file.data)
        if len(held) >= MAX_UPLOADS or sum_of_bytes > self.quotas.get(session_id, 0):
            self.refused_counts[session_id] = self.refused_counts.get(session_id, 0) + 1
            raise HTTPException(413, "There is no room for more files of this session")
        name = one_line(file.name, MAX_UPLOAD_NAME)  # a null byte in a name would end the page
        super().add_file(session_id, file._replace(name=name))

    def remove_session_files(self, session_id: str) -> None:
        """Forget everything of a session that has ended, or whose page has no use for its files any more."""
        self.quotas.pop(session_id, None)
        self.refused_counts.pop(session_id, None)
        self.field_suffixes.pop(session_id, None)
        super().remove_session_files(session_id)


def limit_uploads() -> None:
    """Give the sessions of this server quotas, before anybody is let in; a second call does nothing."""
    context = session_context()
    if context is not None and not isinstance(context.uploaded_file_mgr, QuotaUploadManager):
        replace_classes((UPLOAD_MANAGER, context.uploaded_file_mgr, QuotaUploadManager))


def grant_upload_quota(workspace: Workspace, page: str) -> None:
    """Let the session of this visitor send files for `page`; those for another page are dropped."""
    limits = ServerLimits()
    with contextlib.suppress(ConfigError):  # the page says so where the limit matters
        limits = read_limits(workspace)
    if st.session_state.get(_PAGE_KEY) != page:
        st.session_state[_PAGE_KEY] = page
        drop_uploads()
    context = session_context()
    # Another manager would never take the quota back when the session ends.
    if context is not None and isinstance(context.uploaded_file_mgr, QuotaUploadManager):
        QuotaUploadManager.quotas[context.session_id] = limits.upload_mb * MB


def upload_limit_mb(workspace: Workspace) -> int:
    """MB that one file from a browser may have: as this server's limits say, and no more than Streamlit takes."""
    most = int(st.get_option("server.maxUploadSize"))
    with show_errors():
        return min(most, read_limits(workspace).upload_mb)
    return most


def upload_field_key(name: str) -> str:
    """The key of an upload field, another one after each drop, so that no field outlives the files that it shows.

    A browser says nothing when the same file is chosen again in a field that still holds it. After a long break of the
    connection, a field would show files that no server has.
    """
    return f"{name}_{QuotaUploadManager.field_suffixes.setdefault(session_id(), secrets.token_hex(4))}"


def drop_uploads() -> None:
    """Forget what this session sent; it keeps its quota, and has new, empty fields when its page is drawn again."""
    context = session_context()
    if context is None:
        return
    quota = QuotaUploadManager.quotas.get(context.session_id)
    context.uploaded_file_mgr.remove_session_files(context.session_id)
    if quota is not None:
        QuotaUploadManager.quotas[context.session_id] = quota


def open_session_count() -> int:
    """How many sessions have this server's pages open, give or take those that left a moment ago."""
    return len(QuotaUploadManager.quotas)


def refused_upload_count() -> int:
    """How many files of this session were refused for want of room since its files were dropped."""
    return QuotaUploadManager.refused_counts.get(session_id(), 0)
