"""The signs of life of a rank, by which whoever started it finds out that it is frozen."""

import contextlib
import os
import subprocess
import time
from collections.abc import Callable

FROZEN_SECONDS = 20.0  # a rank without a sign of life for this long is frozen
_STILL_SECONDS = 3.0  # a longer gap between two looks means that this process itself stood still
_BEATS = 4096  # that are read at once


class Pulse:
    """The pulse of one rank. It is looked at every now and then, by one thread."""

    def __init__(self, handle: int) -> None:
        """Of the pipe that the rank writes to: made by `start_with_pulse`."""
        self._handle = handle
        self._beat = self._looked = time.monotonic()

    def complaint(self) -> str:
        """That the rank is frozen, as the beginning of a sentence; empty while it gives signs of life.

        Where this process stood still, as in a machine that was suspended, the rank may have as well.
        """
        now = time.monotonic()
        has_beat = now - self._looked > _STILL_SECONDS
        self._looked = now
        with contextlib.suppress(BlockingIOError):
            has_beat |= bool(os.read(self._handle, _BEATS))
        if has_beat:
            self._beat = now
        return f"It gave no sign of life for {FROZEN_SECONDS:.0f} seconds" if now - self._beat > FROZEN_SECONDS else ""

    def close(self) -> None:
        """Look at it no more."""
        with contextlib.suppress(OSError):
            os.close(self._handle)


def start_with_pulse(start: "Callable[[int], subprocess.Popen[bytes]]") -> "tuple[subprocess.Popen[bytes], Pulse]":
    """Start a rank by `start`, which is given the handle that the rank inherits and writes its signs of life to.

    Raises:
        OSError, ValueError: of `start`; Windows hands no pipes on.
    """
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    os.set_blocking(theirs, False)
    try:
        return start(theirs), Pulse(ours)
    except (OSError, ValueError):
        os.close(ours)
        raise
    finally:
        os.close(theirs)
