"""How long work tells how far it is, and how it is told to stop. Reads and writes nothing."""

from collections.abc import Callable

from cifar_core.errors import CifarCoreError

# (phase in words for people, done, total, unit: "bytes", "files" or "pictures"); raises CancelledError when asked to stop
OnProgress = Callable[[str, int, int, str], None]


class CancelledError(CifarCoreError):
    """The person cancelled the work; raised out of a progress call, so that every `finally` on the way cleans up."""


def no_progress(phase: str, done: int, total: int, unit: str) -> None:
    """Tell nobody."""
