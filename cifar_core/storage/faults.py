"""Fault injection for tests: the n-th write, fsync, rename or removal of this process fails, or kills it.

It is off unless the variable `CIFAR_FAULT` is set when the process starts, or a test calls `arm`; while it is off, a
call costs one comparison. The variable reads `POINT:N:EFFECT`, such as `write:7:enospc`:

    POINT   write, fsync, replace (every rename) or remove
    N       1 is the first; `7+` is the seventh and all later ones, as on a disk that stays full
    EFFECT  a name of `errno`, such as enospc, eio, eacces: the call fails with this error
            half: half the bytes are written, then the disk is full
            die: the process ends at once, before the call; half-die: half the bytes are written, then it ends
"""

import errno
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

FAULT_VARIABLE = "CIFAR_FAULT"
POINTS = ("write", "fsync", "replace", "remove")
EXIT_CODE = 9  # of a process that was killed by a fault
_ERRORS = {name.lower(): number for number, name in errno.errorcode.items()} | {"half": errno.ENOSPC}
_PLAN = re.compile(rf"({'|'.join(POINTS)}):([0-9]+)(\+?):({'|'.join(_ERRORS)}|die|half-die)")


@dataclass
class Fault:
    """Where and how this process fails."""

    point: str
    first: int  # number of the call, 1-based
    lasting: bool  # whether all later calls fail as well
    effect: str
    seen: int = 0  # calls at this point so far

    def applies(self, point: str) -> bool:
        """Count a call; returns whether it fails."""
        if point != self.point:
            return False
        self.seen += 1
        return self.seen == self.first or (self.lasting and self.seen > self.first)

    def act(self) -> None:
        """End the process, or raise the error."""
        if self.effect.endswith("die"):
            os._exit(EXIT_CODE)
        number = _ERRORS[self.effect]
        raise OSError(number, os.strerror(number))


_armed: Fault | None = None


def arm(plan: str) -> None:
    """Make this process fail as `plan` says; an empty plan switches that off.

    Raises:
        ValueError: the plan is not of the form POINT:N:EFFECT.
    """
    global _armed
    found = _PLAN.fullmatch(plan)
    if plan and not found:
        raise ValueError(
            f"{FAULT_VARIABLE} is {plan!r}, but must be POINT:N:EFFECT such as write:7:enospc or fsync:3+:eio"
        )
    _armed = Fault(found[1], int(found[2]), bool(found[3]), found[4]) if found else None


def was_injected() -> bool:
    """Whether the fault has happened."""
    return _armed is not None and _armed.seen >= _armed.first


def inject(point: str) -> None:
    """Call this right before a call of the operating system; raises OSError where that call has to fail."""
    if _armed is not None and _armed.applies(point):
        _armed.act()


def wrap(handle: BinaryIO) -> BinaryIO:
    """The file itself, or, while a fault is armed, one whose writes can fail."""
    return handle if _armed is None else _FaultyFile(handle)  # type: ignore[return-value] # behaves as the file


class _FaultyFile:
    def __init__(self, handle: BinaryIO) -> None:
        self._handle = handle

    def write(self, content: Any) -> int:
        if _armed is not None and _armed.applies("write"):
            if _armed.effect.startswith("half"):
                self._handle.write(content[: len(content) // 2])
                self._handle.flush()
            _armed.act()
        return self._handle.write(content)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return getattr(self._handle, name)


arm(os.environ.get(FAULT_VARIABLE, ""))
