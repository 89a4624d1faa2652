"""What others want of the process that computes. Reads the control files of the run folder; writes nothing."""

import math
import os
import signal
import time
from types import FrameType

from cifar_core.runs.run_folder import RunFolder
from cifar_core.train.trainer import Signal

_POSIX = os.name == "posix"  # Windows keeps naming a parent that is dead, and a venv's python is one in between
_LOOK_SECONDS = 0.02  # between two looks at the control files: after each small step they took 2 % of it


class CutShortError(Exception):
    """The run was asked to end before it had begun to train; carries the signal."""


class RunRequests:
    """What others want of this process: control files, SIGTERM, a time limit, and a worker that is no longer there."""

    def __init__(self, folder: RunFolder, parent: int) -> None:
        self.reason = ""  # why it has to end, where nobody asked for it
        self.interrupted = False  # whether that came from outside
        self._until = math.inf
        self._limit = 0
        self._looked = -math.inf
        self._folder = folder
        self._parent = parent
        self._terminated = False
        signal.signal(signal.SIGTERM, self._on_terminate)

    def now(self) -> Signal:
        """What is wanted at this moment, or was a moment ago."""
        if not self._terminated and time.monotonic() - self._looked < _LOOK_SECONDS:
            return Signal.GO_ON
        self._looked = time.monotonic()
        if self._folder.stop_file.exists():
            return Signal.STOP
        if self._folder.pause_file.exists():
            return Signal.PAUSE
        if time.monotonic() >= self._until:
            self.reason = f"Time limit: its {self._limit:,} seconds are over; resume it to go on for as long again."
            return Signal.STOP
        if self._terminated:
            return self._interrupted("Its process was told to end, as when the machine goes down; resume it to go on.")
        if self.is_orphan():
            return self._interrupted("Its worker process was killed; resume it to go on.")
        return Signal.GO_ON

    def is_orphan(self) -> bool:
        """Whether our worker was killed, and with it the lock that says we live. Windows cannot tell: there it goes on."""
        return _POSIX and os.getppid() != self._parent

    def allow(self, seconds: int) -> None:
        """Begin to count the time that this process may train; 0 sets no limit."""
        self._limit = seconds
        self._until = time.monotonic() + seconds if seconds else math.inf

    def obey(self) -> None:
        """End a preparation that nobody wants any more; raises CutShortError."""
        signal_now = self.now()
        if signal_now is not Signal.GO_ON:
            raise CutShortError(signal_now)

    def _interrupted(self, reason: str) -> Signal:
        self.reason, self.interrupted = reason, True
        return Signal.STOP

    def _on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._terminated = True
