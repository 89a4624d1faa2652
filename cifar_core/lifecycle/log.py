"""What the processes of a run print, kept within bounds: however much a training says, its log stays small."""

import os
import threading
from pathlib import Path
from typing import IO

from cifar_core import faults
from cifar_core.lifecycle.folder import LifeFolder
from cifar_core.processes import log_tail

LOG_BYTES = 1024 * 1024  # the log never grows beyond this
_KEPT_BYTES = LOG_BYTES // 4  # of its end, when it would
_PIECE = 65_536
LEFT_OUT = b"-- what was printed before this is left out --\n"
SESSION_MARK = "-- a process of this run begins --"  # so that no one takes an earlier one's words for its own
_LAST_WORDS = 300  # characters


class LogKeeper:
    """Carries what a process prints into a log, in a thread of its own, so that the process never waits for the disk.

    Where the disk refuses, the words are lost and the training goes on.
    """

    def __init__(self, source: IO[bytes], log: Path) -> None:
        self._source = source
        self._log = log
        self._thread = threading.Thread(target=self._carry, name="log", daemon=True)
        self._thread.start()

    def finish(self, timeout: float) -> None:
        """Wait until all has been written, at most `timeout` seconds: a grandchild may hold the other end open."""
        self._thread.join(timeout)

    def _carry(self) -> None:
        while piece := os.read(self._source.fileno(), _PIECE):  # what is there, without waiting for a full piece
            append_bounded(self._log, piece)


def append_bounded(log: Path, piece: bytes) -> None:
    """Append to a log; when it would pass LOG_BYTES only its end stays. A disk that refuses is not an error here."""
    try:
        with open(log, "rb+") as handle:
            size = handle.seek(0, 2)
            if size + len(piece) > LOG_BYTES:
                handle.seek(max(0, size - _KEPT_BYTES))
                piece = LEFT_OUT + handle.read() + piece
                handle.seek(0)
                handle.truncate()
            faults.watch(handle).write(piece)
    except OSError:
        return


def last_words(folder: LifeFolder) -> str:
    """The last line that the run's present or last process printed, empty if it printed none."""
    lines = log_tail(folder.log, 1)
    return lines[0].strip()[:_LAST_WORDS] if lines and lines[0] != SESSION_MARK else ""
