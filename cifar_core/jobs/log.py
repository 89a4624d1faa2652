"""What processes of ours print, kept within bounds and shown to people: however much a training says, its log stays small."""

import contextlib
import os
import re
import threading
from pathlib import Path
from typing import IO

from cifar_core.storage import faults
from cifar_core.storage.disk_errors import storage_errors
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
        piece = piece[faults.wrap(handle).write(piece) :]  # type: ignore[arg-type]


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


def logged_end(log: Path) -> tuple[str, str] | None:
    """How the present or last process of a log said that it ended, and why; None where it did not say."""
    lines = log_text(log).rpartition(SESSION_MARK)[2].splitlines()
    found = (_END.fullmatch(line.strip()) for line in reversed(lines))
    return next(((match[1], match[2]) for match in found if match), None)


def last_line(log: Path) -> str:
    """The last line that the present or last process of a log printed, empty if it printed none."""
    lines = log_tail(log, 1)
    return lines[0].strip()[:_LAST_WORDS] if lines and lines[0] != SESSION_MARK else ""


_LOG_TAIL = 65_536  # bytes
_LOG_LINE = 500  # characters shown of a line
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
)  # of a terminal: colours, titles


def log_tail(log: Path, lines: int = 20) -> list[str]:
    """The last lines of a log that say anything, fit for showing: no escape sequences, no signs that cannot be seen.

    There are none where there is no log; of a very long line the beginning is given.
    """
    found = [_showable(line) for line in log_text(log).splitlines()]
    return [line for line in found if line.strip()][-lines:]


def log_text(log: Path) -> str:
    """The end of a log without escape sequences; empty where there is none, or what is there is no file."""
    try:
        with open(log, "rb", opener=_open_at_once) as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - _LOG_TAIL))
            content = handle.read(_LOG_TAIL)
    except OSError:
        return ""
    return _ESCAPE.sub("", content.decode("utf-8", "replace"))


def _open_at_once(path: str, flags: int) -> int:
    """Of a pipe in the place of a log one would wait for ever for the words."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _showable(line: str) -> str:
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line.expandtabs().rstrip())
    return shown if len(shown) <= _LOG_LINE else shown[:_LOG_LINE] + "…"
