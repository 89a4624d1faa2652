"""How long work reports its progress, and how it is cancelled. Reads and writes nothing."""

from collections.abc import Callable

from cifar_core.errors import CifarCoreError

# (phase as people read it, done, total, unit: "bytes", "files" or "pictures"); raises CancelledError to stop the work
OnProgress = Callable[[str, int, int, str], None]


class CancelledError(CifarCoreError):
    """The person cancelled the work; raised by a progress call, so that every `finally` on the way cleans up."""


def no_progress(phase: str, done: int, total: int, unit: str) -> None:
    """Report to nobody."""
