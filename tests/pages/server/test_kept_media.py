"""Files that a page offered are kept for a while when that page and others are drawn again; then they are deleted."""

from collections.abc import Iterator

import pytest
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind, MediaFileStorageError
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from pages.ui.server import kept_media
from pages.ui.server.kept_media import KEEP_SECONDS, KeptMediaManager, KeptMediaStorage


class Clock:
    """Seconds that pass when told to."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    made = Clock()
    monkeypatch.setattr(kept_media, "time", made)
    monkeypatch.setattr(KeptMediaStorage, "delete_at", {})
    monkeypatch.setattr(KeptMediaManager, "former_until", {})
    return made


@pytest.fixture
def storage(clock: Clock) -> MemoryMediaFileStorage:
    """A store of Streamlit that keeps files as on the pages."""
    made = MemoryMediaFileStorage("/media")
    made.__class__ = KeptMediaStorage
    return made


@pytest.fixture
def manager(storage: MemoryMediaFileStorage) -> MediaFileManager:
    made = MediaFileManager(storage)
    made.__class__ = KeptMediaManager
    return made


def is_there(storage: MemoryMediaFileStorage, url: str) -> bool:
    try:
        storage.get_file(url.rpartition("/")[2])
    except MediaFileStorageError:
        return False
    return True


def draw(manager: MediaFileManager, monkeypatch: pytest.MonkeyPatch, session: str, content: bytes = b"") -> str:
    """Draw a page again, with a file where there is content; return the file's URL."""
    monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: session)
    manager.clear_session_refs(session)
    url = manager.add(content, "text/csv", "0.0", is_for_static_download=True) if content else ""
    manager.remove_orphaned_files()
    return url


def test_a_download_is_there_until_nobody_shows_it_for_a_while(
    manager: MediaFileManager, storage: MemoryMediaFileStorage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = draw(manager, monkeypatch, "mine", b"first")
    for _ in range(5):
        draw(manager, monkeypatch, "mine", b"second")
        draw(manager, monkeypatch, "another")
    assert is_there(storage, url)
    for _ in range(4):  # put aside, marked, to be deleted, deleted
        clock.now += KEEP_SECONDS + 1
        shown = draw(manager, monkeypatch, "mine", b"second")
    assert not is_there(storage, url) and is_there(storage, shown)
    assert not KeptMediaStorage.delete_at


def test_what_was_made_on_a_click_outlives_the_pages_of_others(
    manager: MediaFileManager, storage: MemoryMediaFileStorage, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: "mine")
    button = manager.add_deferred(lambda: b"made", "text/csv", "0.0")
    url = manager.execute_deferred(button)
    for _ in range(5):
        draw(manager, monkeypatch, "mine")
        draw(manager, monkeypatch, "another")
    assert is_there(storage, url)
    assert manager.execute_deferred(button) == url  # a click on the button while it is being drawn again
    for _ in range(3):
        clock.now += KEEP_SECONDS + 1
        draw(manager, monkeypatch, "another")
    assert not is_there(storage, url)
    with pytest.raises(MediaFileStorageError, match="not found"):
        manager.execute_deferred(button)


def test_a_file_that_comes_back_stays(storage: MemoryMediaFileStorage, clock: Clock) -> None:
    file_id = storage.load_and_get_id(b"x", "text/csv", MediaFileKind.DOWNLOADABLE, "x.csv")
    storage.delete_file(file_id)
    assert storage.load_and_get_id(b"x", "text/csv", MediaFileKind.DOWNLOADABLE, "x.csv") == file_id
    clock.now += KEEP_SECONDS + 1
    assert isinstance(storage, KeptMediaStorage)
    storage.delete_old()
    assert storage.get_file(file_id).content == b"x"
