"""What a command does before it imports anything large: prepare its streams, and handle unforeseen errors.

Loads few modules. From here on every error is one sentence on stderr, unless --debug is among the arguments.
"""

import errno
import io
import os
import sys
from typing import Any, TextIO

from cifar_core.errors import StorageError
from cifar_core.machine import can_allocate, explain_memory_error, memory_limit, memory_sentence

DEBUG = "--debug"
LEAST_MEMORY = 250 * 1024 * 1024  # bytes; with less, NumPy and others fail first, with messages of their own


def prepare_process() -> None:
    """Prepare this process for a command.

    Raises:
        MemoryError: it may have too little memory to import the command.
    """
    _open_standard_streams()
    if DEBUG not in sys.argv:
        sys.excepthook = one_sentence
    if not can_allocate(LEAST_MEMORY):
        raise MemoryError


def one_sentence(kind: type[BaseException], error: BaseException, _trace: object) -> None:
    """Print an unforeseen error as one sentence; Python then exits with 1."""
    message = f"{kind.__name__}: {error}"
    is_cut_short = isinstance(error, ImportError) and not isinstance(error, ModuleNotFoundError)
    lack = explain_memory_error(message) or (memory_sentence() if is_cut_short and memory_limit() else "")
    print(f"Error: {lack or f'{message} (an unexpected error; {DEBUG} shows where)'}", file=sys.stderr, flush=True)
    if lack:
        os._exit(1)  # half loaded libraries may crash at a normal exit


def _open_standard_streams() -> None:
    """Open the null device for a missing stdin, stdout or stderr, and define how failing outputs are handled.

    Otherwise the next opened file, such as the lock of a run, would become the target of all output.
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
    """As Python's own over another raw file; characters that its encoding lacks are written as `\\xe4`."""
    if old is not None and not isinstance(getattr(old.buffer, "raw", old.buffer), io.FileIO):
        return old  # a Windows console, which is no file
    encoding, lines, through = (old.encoding, old.line_buffering, old.write_through) if old else ("utf-8", False, False)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding,
        "backslashreplace",
        line_buffering=lines or raw.fileno() == 2,
        write_through=through,
    )


class _Words(io.FileIO):
    """Messages for people: where they cannot be written they are lost, and the command goes on."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content) or len(content)
        except OSError:
            return len(content)


class _Results(io.FileIO):
    """Results: one that cannot be written ends the command, without a message where the reader closed the pipe."""

    def write(self, content: Any) -> int:
        try:
            return super().write(content)
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())  # buffered output goes there when Python ends
            os.close(null)
            if error.errno == errno.EPIPE:
                raise SystemExit(1) from error
            raise StorageError(f"The results cannot be written to stdout: {error.strerror}.") from error
