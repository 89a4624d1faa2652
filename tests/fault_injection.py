"""Work done again and again, each time with another of its writes made to fail or its process killed there.

Each try is a fork of this process, which must have no threads of torch: they do not survive a fork.
"""

import os
import sys
from collections.abc import Callable

from cifar_core.errors import CifarCoreError

EFFECTS = {  # `+` strikes from the call on for good, as a disk that stays full
    "write": (":enospc", "+:enospc", ":half", ":die", ":half-die"),
    "fsync": (":eio", ":die"),
    "replace": (":eacces", "+:eacces", ":die"),
    "remove": (":eacces", ":die"),
}


class BrokenPromiseError(AssertionError):
    """What the tries look for."""


def demand(holds: object, promise: str) -> None:
    if not holds:
        raise BrokenPromiseError(promise)


def forked(work: Callable[[], int]) -> int:
    """Do `work` in a fork of this process; its exit code."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    code = 1
    try:
        code = work()
    except BaseException:  # noqa: BLE001 - as the interpreter would
        sys.excepthook(*sys.exc_info())
    os._exit(code)


def inject_everywhere(case: Callable[[str], bool], step: int) -> dict[str, int]:
    """Try every effect at every `step`-th call of each point; how often each struck.

    Args:
        case: does the work under a plan of `faults.arm` and looks at the outcome; whether the fault struck at all.
        step: 1 tries all calls.

    Raises:
        BrokenPromiseError: a promise was broken; says under which plan.
    """
    kinds = [f"{point}:{{}}{effect}" for point, effects in EFFECTS.items() for effect in effects]
    return {kind.format("N"): _count(case, kind, 1 + number % step, step) for number, kind in enumerate(kinds)}


def _count(case: Callable[[str], bool], plan: str, first: int, step: int) -> int:
    """Try a fault at every `step`-th call from the `first` on until it does not strike; how often it did."""
    tried = 0
    while True:
        now = plan.format(first + tried * step)
        try:
            if not case(now):
                return tried
        except (BrokenPromiseError, CifarCoreError, OSError, ValueError) as error:
            raise BrokenPromiseError(f"{now}: {type(error).__name__}: {error}") from error
        tried += 1
