"""What a page offered stays to be had for a while after the page was drawn anew.

Streamlit drops a file at the next script run, or the next but one, of *any* session once no page shows it, and counts what a
download button made on its click as not shown at all. With a class at work that is a fraction of a second: a browser that asks
a little later gets 404, and a click on a button that is just being drawn anew is refused.
"""

import threading
import time
from typing import ClassVar

from streamlit import runtime
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

KEEP_SECONDS = 30.0  # for a browser to ask for what it was shown


class PatientFiles(MemoryMediaFileStorage):
    """Streamlit's store of pictures and downloads, which keeps for a while what it was told to delete."""

    doomed: ClassVar[dict[str, float]] = {}  # file -> when it goes, monotonic seconds
    guard: ClassVar[threading.Lock] = threading.Lock()

    def load_and_get_id(
        self, path_or_data: str | bytes, mimetype: str, kind: MediaFileKind, filename: str | None = None
    ) -> str:
        """Keep a file; one that was to go stays."""
        with self.guard:
            file_id = super().load_and_get_id(path_or_data, mimetype, kind, filename)
            self.doomed.pop(file_id, None)
        return file_id

    def delete_file(self, file_id: str) -> None:
        """Let a file go after a while."""
        with self.guard:
            self.doomed.setdefault(file_id, time.monotonic() + KEEP_SECONDS)

    def delete_old(self) -> None:
        """Drop the files whose time has come."""
        with self.guard:
            for file_id in [name for name, end in self.doomed.items() if end <= time.monotonic()]:
                del self.doomed[file_id]
                super().delete_file(file_id)


class PatientFileManager(MediaFileManager):
    """Streamlit's register of what pages show, in which a page that is drawn anew keeps what it showed for a while."""

    former: ClassVar[dict[str, float]] = {}  # name of what a page showed -> when it goes, monotonic seconds

    def clear_session_refs(self, session_id: str | None = None) -> None:
        """The page of a session is drawn anew, or its session ends: put aside what it showed."""
        session = session_id or _session()
        with self._lock:
            shown = self._files_by_session_and_coord.pop(session, None)
            if shown:
                name = f"{session} before {time.monotonic()}"
                self._files_by_session_and_coord[name] = shown
                self.former[name] = time.monotonic() + KEEP_SECONDS
        super().clear_session_refs(session_id)

    def remove_orphaned_files(self) -> None:
        """Drop what no page shows, nor showed a while ago."""
        with self._lock:
            for name in [name for name, end in self.former.items() if end <= time.monotonic()]:
                del self.former[name]
                self._files_by_session_and_coord.pop(name, None)
        super().remove_orphaned_files()
        if isinstance(self._storage, PatientFiles):
            self._storage.delete_old()


def _session() -> str:
    context = get_script_run_ctx()
    assert context is not None  # only a script run leaves the name out
    return context.session_id


def keep_what_was_shown() -> None:
    """Make this server patient, before anybody is shown anything; once done, nothing is left to do."""
    manager = runtime.get_instance().media_file_mgr
    if type(manager) is MediaFileManager and type(manager._storage) is MemoryMediaFileStorage:
        manager._storage.__class__ = PatientFiles  # its route holds this very object
        manager.__class__ = PatientFileManager
