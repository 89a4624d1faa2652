"""A worker's care for the process that computes: pass requests on, end it when it does not obey, say why it died.

It signals its own child and the group that the child leads, while the child has not been collected; so a process id
that was given to a stranger meanwhile cannot be hit. Times are of this process's monotonic clock.
"""

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from enum import StrEnum

from cifar_core.errors import RunError
from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import CONFIG, MOST_BYTES, LifeFolder
from cifar_core.lifecycle.status import read_state
from cifar_core.machine import explain_memory_error
from cifar_core.storage.json_files import read_json

OBEY_SECONDS = 15.0  # a child that was asked by a file to end gets a SIGTERM after this long,
KILL_SECONDS = 10.0  # and after so much more its whole group is killed
GONE_SECONDS = 2.0  # of a child whose folder is gone, which has nothing to save any more
LIMIT_SECONDS = 15.0  # how long after a run's time limit the child may still be there
UNSTARTED_SECONDS = 600.0  # a child that has not begun to train by then counts as training, for its time limit
STILL_COMPUTING = 75  # exit code of a computing process that found an earlier one of its run alive
_LOOK_SECONDS = 0.1
_SIGKILL = 9  # Windows has no name for it
_CRASHED = (4, 6, 7, 8, 11)  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV


class EndRequest(StrEnum):
    """Why a computing process should end."""

    STOP = "stop"
    PAUSE = "pause"
    TIME_LIMIT = "time limit"
    TERMINATE = "terminate"  # the worker itself was told to end, as when the machine goes down
    GONE = "gone"  # the run's folder was deleted


@dataclass
class Escalation:
    """The steps that lead a child to its end, each taken once: the file that asks it, SIGTERM, the kill of its group."""

    request: EndRequest | None = None
    terminate_at: float = 0.0
    kill_at: float = 0.0
    terminated: bool = False
    killed: bool = False

    def next_step(self, request: EndRequest | None, now: float) -> str:
        """What is due at `now` (seconds): `terminate`, `kill`, or nothing."""
        if request is None:
            return ""
        if self.request is None or (
            request is EndRequest.TERMINATE and self.request is not EndRequest.TERMINATE and not self.terminated
        ):
            self.request = request
            self.terminate_at = now + (OBEY_SECONDS if request in (EndRequest.STOP, EndRequest.PAUSE) else 0.0)
            self.kill_at = self.terminate_at + (GONE_SECONDS if request is EndRequest.GONE else KILL_SECONDS)
        if now >= self.kill_at:
            self.killed = True
            return "kill"
        if now >= self.terminate_at and not self.terminated:
            self.terminated = True
            return "terminate"
        return ""


class TimeLimit:
    """The back-stop of a run's `max_seconds`: the loop keeps to it by itself, unless it hangs."""

    def __init__(self, folder: LifeFolder) -> None:
        self._folder = folder
        try:
            self._seconds = float(
                read_json(folder.config, max_bytes=MOST_BYTES[CONFIG])["settings"].get("max_seconds", 0)
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._seconds = 0.0  # the child says what is wrong with its settings
        self._started = time.monotonic()
        self._trains = False

    def is_over(self, now: float) -> bool:
        """Whether the child has had more time than it may take."""
        if not self._seconds:
            return False
        if not self._trains and (now - self._started > UNSTARTED_SECONDS or self._has_begun()):
            self._trains, self._started = True, now
        return self._trains and now - self._started > self._seconds + LIMIT_SECONDS

    def _has_begun(self) -> bool:
        try:
            progress = read_state(self._folder).progress
        except RunError:
            return False
        return progress is not None and progress.batches > 0


class TerminationSignal:
    """Whether this process was told to end (SIGTERM)."""

    def __init__(self) -> None:
        self.received = False
        signal.signal(signal.SIGTERM, self._raise)

    def _raise(self, _number: int, _frame: object) -> None:
        self.received = True


def read_end_request(folder: LifeFolder, termination: TerminationSignal) -> EndRequest | None:
    """Why the run should end now, if it should; a stop outweighs a pause."""
    if termination.received:
        return EndRequest.TERMINATE
    if not folder.path.is_dir():
        return EndRequest.GONE
    if folder.stop_file.exists():
        return EndRequest.STOP
    return EndRequest.PAUSE if folder.pause_file.exists() else None


def supervise_child(
    child: subprocess.Popen[bytes], folder: LifeFolder, termination: TerminationSignal, heartbeat: Heartbeat
) -> Escalation:
    """Wait for a child's end and next_step the escalation where it is asked to come; returns how far that went."""
    escalation, limit = Escalation(), TimeLimit(folder)
    while True:
        heartbeat.beat()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_SECONDS)
            break
        now = time.monotonic()
        request = read_end_request(folder, termination)
        if request is None and limit.is_over(now):
            request = EndRequest.TIME_LIMIT
        due = escalation.next_step(request, now)
        if due == "terminate":
            child.terminate()
        elif due == "kill":
            _kill_group(child)
    if termination.received and escalation.request is None:  # whoever told us to end told the child too
        escalation.request, escalation.terminated = EndRequest.TERMINATE, True
    return escalation


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and all that it started. It has not been collected, so its id is still its own."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # all of them have just ended
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def describe_exit(code: int, words: str, *, out_of_memory: bool = False) -> str:
    """Why a computing process died without having said so, in one sentence.

    Args:
        code: as `Popen.returncode`: negative for a signal.
        words: its last line.
        out_of_memory: whether the kernel counted a kill for want of memory meanwhile.
    """
    number = -code if code < 0 else code - 128
    if number == _SIGKILL and out_of_memory:
        return (
            "The memory of this machine ran out, so the system ended the training. What it had logged is kept; "
            "a smaller network or batch needs less."
        )
    if number == _SIGKILL:
        return "The training was killed from outside, most often because memory ran out. What it had logged is kept."
    if number == signal.SIGTERM:
        return "The training was told to end from outside before it had begun; resume it to go on."
    if number in _CRASHED:
        return (
            explain_memory_error(words)
            or f"The training crashed inside a native library (signal {number}). What it had logged is kept."
        )
    if code == STILL_COMPUTING:
        return "An earlier process of this run is still computing: wait until it has ended, then resume."
    if words:
        return explain_memory_error(words) or f"The training failed: {words}"
    return f"The training ended with exit code {code} and no word. What it had logged is kept."
