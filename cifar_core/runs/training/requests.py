"""The requests to end a training: control files of the run folder, SIGTERM and the time limit. Writes nothing."""

import math
import os
import signal
import time
from types import FrameType

from cifar_core.runs.run_folder import RunFolder
from cifar_core.text import counted
from cifar_core.train.trainer import Signal

# Windows still gives the id of a parent that is dead, and in a venv its parent is another python process in between.
_POSIX = os.name == "posix"
_POLL_SECONDS = 0.02  # between two reads of the control files: after every small step they took 2 % of its time


class CutShortError(Exception):
    """The run was asked to end before it had begun to train; carries the signal."""


class RunRequests:
    """The requests to this process: control files, SIGTERM, a time limit, and a worker that was killed."""

    def __init__(self, folder: RunFolder, parent: int) -> None:
        self.reason = ""  # why the run has to end, where no person asked for it
        self.interrupted = False  # whether the reason came from outside the run
        self._deadline = math.inf
        self._limit = 0
        self._polled_at = -math.inf
        self._folder = folder
        self._parent = parent
        self._terminated = False
        signal.signal(signal.SIGTERM, self._on_terminate)

    def now(self) -> Signal:
        """What is requested; between two polls of the control files the answer is to go on."""
        if not self._terminated and time.monotonic() - self._polled_at < _POLL_SECONDS:
            return Signal.GO_ON
        self._polled_at = time.monotonic()
        if self._folder.stop_file.exists():
            return Signal.STOP
        if self._folder.pause_file.exists():
            return Signal.PAUSE
        if time.monotonic() >= self._deadline:
            seconds = counted(self._limit, "second")
            self.reason = f"Time limit: it trained for its {seconds}; resume it to train for as long again."
            return Signal.STOP
        if self._terminated:
            return self._interrupted("Its process was told to end, as when the machine goes down; resume it to go on.")
        if self.is_orphan():
            return self._interrupted("Its worker process was killed; resume it to go on.")
        return Signal.GO_ON

    def is_orphan(self) -> bool:
        """Whether the worker was killed, and its lock on the run is free; always false on Windows."""
        return _POSIX and os.getppid() != self._parent

    def start_time_limit(self, seconds: int) -> None:
        """Begin to count the time that this process may train; 0 sets no limit."""
        self._limit = seconds
        self._deadline = time.monotonic() + seconds if seconds else math.inf

    def raise_if_ending(self) -> None:
        """Raise CutShortError where the run is asked to end; called while its data is being prepared."""
        request = self.now()
        if request is not Signal.GO_ON:
            raise CutShortError(request)

    def _interrupted(self, reason: str) -> Signal:
        self.reason, self.interrupted = reason, True
        return Signal.STOP

    def _on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._terminated = True
