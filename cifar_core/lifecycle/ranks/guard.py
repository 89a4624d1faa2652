"""The program of one rank: `python -m cifar_core.lifecycle.ranks.guard`, with the options of a training process.

It becomes the training process (`cifar_core.runs.training.process`) and guards it from its first moment on, while
PyTorch is still being loaded: a thread gives a sign of life every second, by which a frozen rank is found out, and the
process ends when its parent does, even while it is frozen.
"""

import contextlib
import ctypes
import os
import runpy
import signal
import sys
import threading
import time
from collections.abc import Callable

from cifar_core.lifecycle.ranks.environment import PULSE, rank_here
from cifar_core.processes import Program, kill_own_group

PULSE_SECONDS = 1.0  # between two signs of life
LINGER_SECONDS = 10.0  # that a rank beside the first may still compute after SIGTERM: the first one saves the run
_PR_SET_PDEATHSIG = 1  # of prctl: the signal that this process gets when its parent dies


def guard_process(parent: int) -> None:
    """End this process with its parent, give signs of life where somebody listens, and leave requests to rank 0."""
    end_with_parent(parent, signal.SIGKILL, kill_own_group)
    if rank_here().rank:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: _linger())
    pulse = os.environ.get(PULSE, "")
    if pulse.isdecimal():
        threading.Thread(target=_beat, args=(int(pulse),), name="pulse", daemon=True).start()


def end_with_parent(parent: int, number: int, end: Callable[[], object]) -> None:
    """Send a signal to this process when its parent dies, even while it is frozen; where only Linux can, call `end`.

    Args:
        parent: process id.
        number: of the signal.
        end: ends this process, from a thread.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(PULSE_SECONDS)
        end()

    threading.Thread(target=watch, name="parent", daemon=True).start()


def _beat(pulse: int) -> None:
    """Write a byte every second; nobody may read for hours, while the launcher is frozen."""
    with contextlib.suppress(BrokenPipeError):  # the launcher is dead, and so is this process soon
        while True:
            with contextlib.suppress(BlockingIOError):
                os.write(pulse, b".")
            time.sleep(PULSE_SECONDS)


def _linger() -> None:
    """End in a while: rank 0 ends the run in order, which needs this rank too, unless it is gone itself."""
    timer = threading.Timer(LINGER_SECONDS, os._exit, args=(128 + signal.SIGTERM,))
    timer.daemon = True
    timer.start()


def main() -> None:
    """Guard this process and become the training process."""
    given = [option.partition("=")[2] for option in sys.argv if option.startswith("--parent=")]
    guard_process(int(given[0]) if given and given[0].isdecimal() else os.getppid())
    runpy.run_module(Program.TRAINING, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
