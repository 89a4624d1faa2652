"""What asks a run to end: control files, the loss of its folder, its time limit, SIGTERM, the death of its worker.

The worker and its training process read all of this with the same class, in the order of `EndRequest`. Writes nothing.
"""

import math
import os
import signal
import time
from pathlib import Path

from cifar_core.lifecycle.life_folder import CONFIG, MOST_BYTES, LifeFolder
from cifar_core.lifecycle.states import EndRequest
from cifar_core.storage.json_files import read_json
from cifar_core.text import counted

# Windows still gives the id of a parent that is dead, and in a venv its parent is another python process in between.
_POSIX = os.name == "posix"
_POLL_SECONDS = 0.02  # between two reads of the disk: after every small training step they took 2 % of its time
_KEPT = "It keeps what it had logged."
_OBEYED = {  # the sentence of a run that ended by itself; none where a person asked for it
    EndRequest.GONE: "Its folder was missing for a while, so its process was ended; resume it to go on.",
    EndRequest.TIME_LIMIT: "Time limit: it trained for its {limit}; resume it to train for as long again.",
    EndRequest.TERMINATE: "Its process was told to end, as when the machine goes down; resume it to go on.",
    EndRequest.ORPHANED: "Its worker process was killed; resume it to go on.",
}
KILLED = _OBEYED | {  # the sentence of a run whose process did not end by itself
    EndRequest.STOP: f"It did not react to the stop, so its process was ended. {_KEPT}",
    EndRequest.PAUSE: "It did not react to the pause, so its process was ended. Resume goes on from what it had kept.",
    EndRequest.TIME_LIMIT: f"Time limit: it did not end by itself, so its process was ended. {_KEPT}",
}


def control_files(folder: LifeFolder) -> dict[EndRequest, Path]:
    """The files by which a person's requests reach a run; the first that is there counts."""
    return {EndRequest.STOP: folder.stop_file, EndRequest.PAUSE: folder.pause_file}


def persons_request(folder: LifeFolder) -> EndRequest | None:
    """What a person has asked of a run: a stop outweighs a pause, and resuming withdraws both."""
    return next((request for request, file in control_files(folder).items() if file.exists()), None)


class TimeLimit:
    """How long a process may train on a run, by the setting `max_seconds`; it counts from `start`."""

    def __init__(self, folder: LifeFolder, *, grace: float) -> None:
        try:
            settings = read_json(folder.config, max_bytes=MOST_BYTES[CONFIG])["settings"]
            self.seconds = int(settings.get("max_seconds", 0))
        except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError):
            self.seconds = 0  # the training process reports what is wrong with its settings
        self._grace = grace
        self._end = None if self.seconds else math.inf

    def start(self) -> None:
        """The run trains from now on."""
        self._end = time.monotonic() + self.seconds + self._grace if self.seconds else math.inf

    @property
    def has_started(self) -> bool:
        """Whether it counts; true where there is no limit."""
        return self._end is not None

    def is_over(self) -> bool:
        """Whether the run has trained for as long as it may."""
        return self._end is not None and time.monotonic() >= self._end


class TerminationSignal:
    """Whether this process has received a SIGTERM, the signal to terminate."""

    def __init__(self) -> None:
        self.received = False
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, _number: int, _frame: object) -> None:
        self.received = True


class EndRequests:
    """The requests to a process of a run, its worker or its training process."""

    def __init__(
        self,
        folder: LifeFolder,
        termination: TerminationSignal | None = None,
        *,
        parent: int | None = None,
        grace: float = 0.0,
    ) -> None:
        """Read the requests to a run from now on.

        Args:
            folder: of the run.
            termination: the signal of this process, where it is listened to already.
            parent: id of the worker that this training process belongs to; None in the worker itself.
            grace: seconds by which its time limit may be exceeded.
        """
        self.termination = termination or TerminationSignal()
        self.limit = TimeLimit(folder, grace=grace)
        self._folder = folder
        self._parent = parent
        self._polled_at = -math.inf

    def now(self) -> EndRequest | None:
        """The request that counts; between two reads of the disk there is none."""
        if not self.termination.received and time.monotonic() - self._polled_at < _POLL_SECONDS:
            return None
        self._polled_at = time.monotonic()
        request = persons_request(self._folder)
        if request is not None:
            return request
        if not self._folder.path.is_dir():
            return EndRequest.GONE
        if self.limit.is_over():
            return EndRequest.TIME_LIMIT
        if self.termination.received:
            return EndRequest.TERMINATE
        return EndRequest.ORPHANED if self.is_orphan() else None

    def is_orphan(self) -> bool:
        """Whether this is a training process whose worker was killed; always false on Windows."""
        return _POSIX and self._parent is not None and os.getppid() != self._parent

    def reason(self, request: EndRequest) -> str:
        """The sentence of a run that obeyed a request; empty where a person made it."""
        return _OBEYED.get(request, "").format(limit=counted(self.limit.seconds, "second"))
