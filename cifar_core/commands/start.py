"""The first thing a command does, before it imports what takes time and memory: its streams, unforeseen faults.

Loads next to nothing. Whatever goes wrong from here on is one sentence on stderr, unless --debug is among the arguments.
"""

import errno
import io
import mmap
import os
import sys
from typing import Any, TextIO

from cifar_core.errors import StorageError

if sys.platform != "win32":
    import resource

DEBUG = "--debug"
MB = 1024 * 1024
LEAST_MEMORY = 160 * MB  # of addresses: with less NumPy's own library says so, in words of its own
_START, _RUNNING = "while the command was starting", "meanwhile"


def begin() -> None:
    """Make this process fit for a command.

    Raises:
        MemoryError: it may have too little for the command to be read.
    """
    _open_standard_streams()
    if DEBUG not in sys.argv:
        sys.excepthook = one_sentence
    if not _is_there(LEAST_MEMORY):
        raise MemoryError


def one_sentence(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """For what nobody foresaw; Python then exits with 1."""
    limit = memory_limit()
    if isinstance(error, MemoryError) or (limit is not None and isinstance(error, ImportError)):
        words = memory_words(limit)
    else:
        words = f"{kind.__name__}: {error} (an unexpected fault; {DEBUG} shows where)"
    print(f"Error: {words}", file=sys.stderr)


def memory_words(limit: int | None) -> str:
    """That memory ran out, and what may be done; `limit` is of this process, in bytes."""
    if limit is None:
        return "The memory of this machine ran out: end other programs and try again."
    return (
        f"The memory ran out: a process may have {limit / MB:,.0f} MB here (ulimit -v); raise that limit and try again."
    )


def memory_limit() -> int | None:
    """How many bytes of addresses this process may have (`ulimit -v`); None where nobody set a limit."""
    if sys.platform == "win32":
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def _is_there(size: int) -> bool:
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True


def _open_standard_streams() -> None:
    """Give a process that was started without stdin, stdout or stderr a null one, and both outputs a manner of failing.

    Else the next file that is opened, such as the lock of a run, would become what all words are written to.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    sys.stdin = sys.stdin or open(0, closefd=False)  # noqa: SIM115 - for the life of the process
    sys.stdout = _stream(sys.stdout, _Results(1, "wb", closefd=False))
    sys.stderr = _stream(sys.stderr, _Words(2, "wb", closefd=False))


def _stream(old: Any, raw: io.FileIO) -> TextIO:
    """As Python's own over another raw file; signs that its encoding lacks are written as `\\xe4`, and stop nothing."""
    if old is not None and not isinstance(getattr(old.buffer, "raw", old.buffer), io.FileIO):
        return old  # a Windows console, which is no file
    encoding, lines, through = (old.encoding, old.line_buffering, old.write_through) if old else ("utf-8", False, False)
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding, "backslashreplace",
                            line_buffering=lines or raw.fileno() == 2, write_through=through)  # fmt: skip


class _Words(io.FileIO):
    """Words for people: where nobody can hear them they are lost, and the command goes on."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or len(content)
        except OSError:
            return len(content)


class _Results(io.FileIO):
    """Results: one that cannot be written ends the command, quietly where it is only that nobody reads on."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())  # what is buffered goes there when Python ends
            os.close(null)
            if error.errno == errno.EPIPE:
                raise SystemExit(1) from error
            raise StorageError(f"The results cannot be written to stdout: {error.strerror}.") from error
