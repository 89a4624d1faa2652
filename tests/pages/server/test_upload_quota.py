"""Uploads are kept in memory only up to the server's limit, and only for sessions that are let in."""

from collections.abc import Iterator

import pytest
from starlette.exceptions import HTTPException
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from cifar_core.text import MB, one_line
from pages.ui.server.upload_quota import MAX_UPLOADS, QuotaUploadManager
from tests.nasty import FILE_NAMES

pytestmark = pytest.mark.fault(53)


@pytest.fixture
def store() -> Iterator[MemoryUploadedFileManager]:
    """A store of Streamlit with quotas as on the pages, one of them for the session `in`."""
    made = MemoryUploadedFileManager("/upload")
    made.__class__ = QuotaUploadManager
    QuotaUploadManager.quotas["in"] = 2 * MB
    yield made
    for session in ("in", "out"):
        made.remove_session_files(session)


def add(store: MemoryUploadedFileManager, name: str, size: int = 1, session: str = "in") -> None:
    store.add_file(session, UploadedFileRec(name, name, "image/png", bytes(size)))


def held(store: MemoryUploadedFileManager) -> int:
    return sum(len(file.data) for files in store.file_storage.values() for file in files.values())


def test_a_session_that_was_not_let_in_has_no_room(store: MemoryUploadedFileManager) -> None:
    with pytest.raises(HTTPException, match="no room"):
        add(store, "a", session="out")
    assert held(store) == 0


def test_bytes_are_bounded_over_all_files(store: MemoryUploadedFileManager) -> None:
    add(store, "a", MB)
    add(store, "b", MB)
    with pytest.raises(HTTPException) as refusal:
        add(store, "c")
    assert refusal.value.status_code == 413
    assert QuotaUploadManager.refused_counts == {"in": 1}
    add(store, "a", MB // 2)  # sent again: it takes the place of the old one
    add(store, "c", MB // 2)
    assert held(store) == 2 * MB


def test_files_are_counted(store: MemoryUploadedFileManager) -> None:
    for number in range(MAX_UPLOADS):
        add(store, str(number))
    for number in range(3):
        with pytest.raises(HTTPException):
            add(store, f"more {number}")
    assert QuotaUploadManager.refused_counts == {"in": 3}
    store.remove_session_files("in")
    assert (held(store), QuotaUploadManager.refused_counts) == (0, {})


@pytest.mark.fault(55)
@pytest.mark.parametrize("name", FILE_NAMES)
def test_names_are_kept_as_far_as_they_can_be_shown(store: MemoryUploadedFileManager, name: str) -> None:
    add(store, name)
    (kept,) = store.get_files("in", [name])
    assert kept.name == one_line(name, 255)
    kept.name.encode("utf-8")
