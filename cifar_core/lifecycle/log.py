"""What the processes of a run print, kept within bounds: however much a training says, its log stays small."""

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import IO

from cifar_core import faults
from cifar_core.files import storage_errors
from cifar_core.processes import log_tail, log_text
from cifar_core.text import one_line

LOG_BYTES = 1024 * 1024  # the log never grows beyond this
_KEPT_BYTES = LOG_BYTES // 4  # of its end, when it would
_PIECE = 65_536
LEFT_OUT = b"-- what was printed before this is left out --\n"
SESSION_MARK = "-- a process of this run begins --"  # so that no one takes an earlier one's words for its own
_LAST_WORDS = 300  # characters
_MAX_END = 1000  # characters of a sentence
_END = re.compile(r"-- it ended as ([a-z]+): (.+)")  # our own words, told from whatever else a process prints


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
    """Append to a log; when it would pass LOG_BYTES only its end stays. A disk that refuses is not an error here.

    One that somebody deleted is made anew where its folder is there.
    Where the disk is full the log cannot grow: then the words take the place of its end, for they say why.
    """
    try:
        with open(log, "rb+", buffering=0, opener=_open_or_make) as handle:
            size = handle.seek(0, os.SEEK_END)
            if size + len(piece) > LOG_BYTES:
                handle.seek(max(0, size - _KEPT_BYTES))
                piece = LEFT_OUT + handle.read() + piece
                handle.seek(0)
                handle.truncate()
            try:
                _write_whole(handle, piece)
            except OSError:
                size = handle.seek(0, os.SEEK_END)
                kept = (b"\n" + piece)[-size:] if size else b""
                handle.seek(size - len(kept))
                _write_whole(handle, kept)
    except OSError:
        return


def _open_or_make(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _write_whole(handle: IO[bytes], piece: bytes) -> None:
    while piece:
        piece = piece[faults.watch(handle).write(piece) :]  # type: ignore[arg-type]


def begin_session(log: Path) -> int:
    """Begin a log, or go on with it, for a process that is about to be started; returns its size before, in bytes.

    It thereby has a block of the disk to hold that process's last words, even where the disk is full by then.

    Raises:
        StorageError: the disk refused; the log is as it was.
    """
    with storage_errors("starting a process (its log)"), open(log, "ab", buffering=0) as handle:
        before = handle.seek(0, os.SEEK_END)
        try:
            _write_whole(handle, f"{SESSION_MARK}\n".encode())
        except OSError:
            take_back_session(log, before)
            raise
    return before


def take_back_session(log: Path, before: int) -> None:
    """Let the log be as it was, where the process could not be started: the words of the one before count again."""
    with contextlib.suppress(OSError):
        os.truncate(log, before)


def end_line(ended_as: str, why: str) -> str:
    """The line by which a process tells in its log how it ended, for where its status cannot be written."""
    return f"-- it ended as {ended_as}: {one_line(why, _MAX_END)}"


def told_end(log: Path) -> tuple[str, str] | None:
    """How the present or last process of a log said that it ended, and why; None where it did not say."""
    lines = log_text(log).rpartition(SESSION_MARK)[2].splitlines()
    found = (_END.fullmatch(line.strip()) for line in reversed(lines))
    return next(((match[1], match[2]) for match in found if match), None)


def last_words(log: Path) -> str:
    """The last line that the present or last process of a log printed, empty if it printed none."""
    lines = log_tail(log, 1)
    return lines[0].strip()[:_LAST_WORDS] if lines and lines[0] != SESSION_MARK else ""
