"""What Ctrl-C (SIGINT) does in each part of a command's life: end it at once, raise, be noted, or nothing any more.

A KeyboardInterrupt strikes between any two lines, also just after a lock was taken or a process was started, and whoever
catches it cannot tell what is half done. So where a run or a job is made and followed, Ctrl-C is noted, and looked for where
the answer is plain. A process that was started to ignore SIGINT, as by `sh` in the background, goes on ignoring it.
"""

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType

CANCELLED = "Cancelled."
_Handler = Callable[[int, FrameType | None], object]


class CtrlC:
    """Whether Ctrl-C was pressed; a signal handler."""

    def __init__(self) -> None:
        self.pressed = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        self.pressed = True

    def take(self) -> bool:
        """Whether it was pressed since this was last asked."""
        pressed, self.pressed = self.pressed, False
        return pressed


def quit_on_ctrl_c() -> None:
    """From now on it ends this process at once: there is nothing to tidy up, as while Python still imports."""
    _install(_quit)


def raise_on_ctrl_c() -> None:
    """From now on it raises KeyboardInterrupt, once: a second one ends the process while the first is being answered."""
    _install(_raise)


def ignore_ctrl_c() -> None:
    """From now on it does nothing: all is said, and this process only ends."""
    _install(signal.SIG_IGN)


def note_ctrl_c() -> CtrlC:
    """From now on it is only noted."""
    noted = CtrlC()
    _install(noted)
    return noted


@contextlib.contextmanager
def ctrl_c_noted() -> Iterator[CtrlC]:
    """Note it within, and raise KeyboardInterrupt at the end where it was pressed and nobody has taken it."""
    noted, before = CtrlC(), signal.getsignal(signal.SIGINT)
    _install(noted)
    try:
        yield noted
    finally:
        if before not in (None, signal.SIG_IGN):
            signal.signal(signal.SIGINT, before)
    if noted.pressed:
        raise KeyboardInterrupt


def _install(handler: _Handler | signal.Handlers) -> None:
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, handler)


def _raise(_number: int, _frame: FrameType | None) -> None:
    _install(_quit)
    raise KeyboardInterrupt


def _quit(_number: int, _frame: FrameType | None) -> None:
    with contextlib.suppress(OSError):  # nobody reads it
        os.write(2, f"{CANCELLED}\n".encode())
    os._exit(1)
