"""What Ctrl-C (SIGINT) does in each phase of a command: end it at once, raise, be noted, or nothing.

A KeyboardInterrupt can be raised between any two lines, also just after a lock was taken or a process was started, and
the code that catches it cannot know what is half done. So while a run or a job is created and followed, Ctrl-C is only
noted, and checked where the command can react to it. A process that was started to ignore SIGINT, as by `sh` in the
background, goes on ignoring it.
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
        """Whether it was pressed since the last call."""
        pressed, self.pressed = self.pressed, False
        return pressed


def quit_on_ctrl_c() -> None:
    """From now on Ctrl-C ends this process at once: there is nothing to clean up, as while Python still imports."""
    _install(_quit)


def raise_on_ctrl_c() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt once; pressed again while that is handled, it ends the process."""
    _install(_raise)


def ignore_ctrl_c() -> None:
    """From now on Ctrl-C does nothing: the command has printed everything and only has to end."""
    _install(signal.SIG_IGN)


def note_ctrl_c() -> CtrlC:
    """From now on Ctrl-C is only noted."""
    noted = CtrlC()
    _install(noted)
    return noted


@contextlib.contextmanager
def ctrl_c_noted() -> Iterator[CtrlC]:
    """Note Ctrl-C in the block, and raise KeyboardInterrupt at its end where `take` has not returned it."""
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
    with contextlib.suppress(OSError):  # stderr may be closed
        os.write(2, f"{CANCELLED}\n".encode())
    os._exit(1)
