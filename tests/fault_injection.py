"""Do some work many times, each time with another of its writes failing or its process killed there.

Each try is a fork of this process, which must have no threads of PyTorch, because they do not survive a fork.
"""

import os
import sys
from collections.abc import Callable

from cifar_core.errors import CifarCoreError

EFFECTS = {  # with `+` all later calls fail as well, as on a disk that stays full
    "write": (":enospc", "+:enospc", ":half", ":die", ":half-die"),
    "fsync": (":eio", ":die"),
    "replace": (":eacces", "+:eacces", ":die"),
    "remove": (":eacces", ":die"),
}


class BrokenPromiseError(AssertionError):
    """A promise of the project did not hold after a fault."""


def demand(holds: object, promise: str) -> None:
    if not holds:
        raise BrokenPromiseError(promise)


def forked(work: Callable[[], int]) -> int:
    """Do `work` in a fork of this process; returns its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    code = 1
    try:
        code = work()
    except BaseException:  # noqa: BLE001 - as the interpreter does
        sys.excepthook(*sys.exc_info())
    os._exit(code)


def inject_everywhere(case: Callable[[str], bool], step: int) -> dict[str, int]:
    """Try every effect at every `step`-th call of each point; returns how often each fault happened.

    Args:
        case: does the work under a plan of `faults.arm` and checks the outcome; returns whether the fault happened.
        step: 1 tries all calls.

    Raises:
        BrokenPromiseError: a promise was broken; names the plan.
    """
    kinds = [f"{point}:{{}}{effect}" for point, effects in EFFECTS.items() for effect in effects]
    return {kind.format("N"): _count(case, kind, 1 + number % step, step) for number, kind in enumerate(kinds)}


def _count(case: Callable[[str], bool], plan: str, first: int, step: int) -> int:
    """Try a fault at every `step`-th call from the `first` on, until it does not happen; returns how often it did."""
    tried = 0
    while True:
        current = plan.format(first + tried * step)
        try:
            if not case(current):
                return tried
        except (BrokenPromiseError, CifarCoreError, OSError, ValueError) as error:
            raise BrokenPromiseError(f"{current}: {type(error).__name__}: {error}") from error
        tried += 1
