"""Pictures and downloads that a page offered stay available for a while after the page was drawn again.

Streamlit drops a file at the next script run, or the next but one, of *any* session once no page shows it, and what a
download button made on its click does not count as shown at all. With a class at work that is a fraction of a second:
a browser that asks a little later gets 404, and a click on a button that is just being drawn again is refused.
"""

import collections
import threading
import time
from typing import ClassVar

from pages.ui.server.internals import MediaFileKind, MediaFileManager, MemoryMediaFileStorage, get_instance
from pages.ui.server.patching import Patch, replace_classes
from pages.ui.server.session import session_id as current_session_id

KEEP_SECONDS = 30.0  # for a browser to ask for what it was shown
MEDIA_STORAGE = Patch(
    name="streamlit.runtime.memory_media_file_storage.MemoryMediaFileStorage",
    lost="downloads and pictures may be gone before a slow browser has fetched them",
    of=MemoryMediaFileStorage,
    sample=lambda: MemoryMediaFileStorage("/media"),
    methods={
        "load_and_get_id": ("self", "path_or_data", "mimetype", "kind", "filename"),
        "delete_file": ("self", "file_id"),
    },
)
MEDIA_MANAGER = Patch(
    name="streamlit.runtime.media_file_manager.MediaFileManager",
    lost=MEDIA_STORAGE.lost,
    of=MediaFileManager,
    sample=lambda: MediaFileManager(MemoryMediaFileStorage("/media")),
    methods={"clear_session_refs": ("self", "session_id"), "remove_orphaned_files": ("self",)},
    attributes={
        "_lock": (type(threading.Lock()),),
        "_files_by_session_and_coord": (dict, collections.defaultdict),
        "_storage": (object,),
    },
)


class KeptMediaStorage(MemoryMediaFileStorage):
    """Streamlit's store of pictures and downloads, which keeps for a while what it was told to delete."""

    delete_at: ClassVar[dict[str, float]] = {}  # file id -> when the file is deleted, monotonic seconds
    guard: ClassVar[threading.Lock] = threading.Lock()

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """Keep a file; one that was to be deleted stays."""
        with self.guard:
            file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
            self.delete_at.pop(file_id, None)
        return file_id

    def delete_file(self, file_id: str) -> None:
        """Mark a file to be deleted after a while."""
        with self.guard:
            self.delete_at.setdefault(file_id, time.monotonic() + KEEP_SECONDS)

    def delete_old(self) -> None:
        """Delete the files whose time has come."""
        with self.guard:
            for file_id in [name for name, end in self.delete_at.items() if end <= time.monotonic()]:
                del self.delete_at[file_id]
                super().delete_file(file_id)


class KeptMediaManager(MediaFileManager):
    """Streamlit's register of what pages show, in which a page that is drawn again keeps what it showed for a while."""

    former_until: ClassVar[dict[str, float]] = {}  # name of what a page showed -> when it goes, monotonic seconds

    def clear_session_refs(self, session_id: str | None = None) -> None:
        """The page of a session is drawn again, or its session ends: put aside what it showed."""
        session = session_id or current_session_id()
        with self._lock:
            shown = self._files_by_session_and_coord.pop(session, None)
            if shown:
                name = f"{session} before {time.monotonic()}"
                self._files_by_session_and_coord[name] = shown
                self.former_until[name] = time.monotonic() + KEEP_SECONDS
        super().clear_session_refs(session_id)

    def remove_orphaned_files(self) -> None:
        """Drop what no page shows and none showed a while ago."""
        with self._lock:
            for name in [name for name, end in self.former_until.items() if end <= time.monotonic()]:
                del self.former_until[name]
                self._files_by_session_and_coord.pop(name, None)
        super().remove_orphaned_files()
        if isinstance(self._storage, KeptMediaStorage):
            self._storage.delete_old()


def keep_shown_media() -> None:
    """Make this server keep its files for a while, before anybody is shown anything; a second call does nothing."""
    manager = getattr(get_instance(), "media_file_mgr", None)
    if not isinstance(manager, KeptMediaManager):
        storage = getattr(manager, "_storage", None)
        replace_classes((MEDIA_STORAGE, storage, KeptMediaStorage), (MEDIA_MANAGER, manager, KeptMediaManager))
