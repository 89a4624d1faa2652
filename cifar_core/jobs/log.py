"""The logs of detached processes: limited in size, however much a process prints, and cleaned before they are shown."""

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
_KEPT_BYTES = LOG_BYTES // 4  # the part of its end that is kept when it would
_PIECE = 65_536
LEFT_OUT = b"-- what was printed before this is left out --\n"
SESSION_MARK = "-- a process of this run begins --"  # separates the output of this process from an earlier one's
_MAX_LAST_LINE = 300  # characters
_MAX_REASON = 1000  # characters
END_BEGINS = "-- it ended as "
_END = re.compile(END_BEGINS + r"([a-z]+): (.+)")  # written by `end_line`, unlike all else that a process prints
_LOG_TAIL = 65_536  # bytes
_LOG_LINE = 500  # characters shown of a line
# Escape sequences of a terminal, such as colours and titles.
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")


class LogKeeper:
    """Copies what a process prints into a log, in a thread, so that the process never waits for the disk.

    Where the disk refuses, the output is lost and the process goes on.
    """

    def __init__(self, source: IO[bytes], log: Path) -> None:
        self._source = source
        self._log = log
        self._thread = threading.Thread(target=self._copy, name="log", daemon=True)
        self._thread.start()

    def finish(self, timeout: float) -> None:
        """Wait until all has been written, at most `timeout` seconds: a grandchild may keep the pipe open."""
        self._thread.join(timeout)

    def _copy(self) -> None:
        # A read returns what there is, without waiting for a full piece.
        while piece := os.read(self._source.fileno(), _PIECE):
            append_bounded(self._log, piece)


def append_bounded(log: Path, piece: bytes) -> None:
    """Append to a log; when it would pass LOG_BYTES only its end is kept. A disk that refuses is not an error here.

    A deleted log is created again where its folder exists. On a full disk the log cannot grow: then the new output
    replaces its end, because it may say why the process ended.
    """
    try:
        with open(log, "rb+", buffering=0, opener=_open_or_create) as handle:
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


def _open_or_create(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CREAT, 0o666)


def _write_whole(handle: IO[bytes], piece: bytes) -> None:
    while piece:
        piece = piece[faults.wrap(handle).write(piece) :]  # type: ignore[arg-type]


def begin_session(log: Path) -> int:
    """Begin or continue a log for a process that is about to be started; returns its size before, in bytes.

    This reserves a block of the disk, in which the process can write how it ended even where the disk is full by then.

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
    """Restore the log where the process could not be started, so that the end of the process before counts again."""
    with contextlib.suppress(OSError):
        os.truncate(log, before)


def end_line(ended_as: str, why: str) -> str:
    """The line with which a process writes into its log how it ended, where its status cannot be written."""
    return f"{END_BEGINS}{ended_as}: {one_line(why, _MAX_REASON)}"


def logged_end(log: Path) -> tuple[str, str] | None:
    """How the current or last process of a log ended by its own `end_line`, and why; None without such a line."""
    lines = log_text(log).rpartition(SESSION_MARK)[2].splitlines()
    found = (_END.fullmatch(line.strip()) for line in reversed(lines))
    return next(((match[1], match[2]) for match in found if match), None)


def last_line(log: Path) -> str:
    """The last line that the current or last process of a log printed, empty if it printed none."""
    lines = log_tail(log, 1)
    return lines[0].strip()[:_MAX_LAST_LINE] if lines and lines[0] != SESSION_MARK else ""


def log_tail(log: Path, lines: int = 20) -> list[str]:
    """The last lines of a log that are not empty, without escape sequences and characters that cannot be shown.

    Without a log there are none; of a very long line only the beginning is returned.
    """
    found = [_showable(line) for line in log_text(log).splitlines()]
    return [line for line in found if line.strip()][-lines:]


def log_text(log: Path) -> str:
    """The end of a log without escape sequences; empty where there is no log, or it is not a file."""
    try:
        with open(log, "rb", opener=_open_without_waiting) as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - _LOG_TAIL))
            content = handle.read(_LOG_TAIL)
    except OSError:
        return ""
    return _ESCAPE.sub("", content.decode("utf-8", "replace"))


def _open_without_waiting(path: str, flags: int) -> int:
    """Opening a pipe that was put in the place of a log would otherwise wait for ever."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _showable(line: str) -> str:
    shown = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line.expandtabs().rstrip())
    return shown if len(shown) <= _LOG_LINE else shown[:_LOG_LINE] + "…"
