"""How a worker supervises the computing process: it ends one that does not obey a request, and says why one died.

It signals only its own child and the group that the child leads, and only before `wait` has collected the child: until
then the system gives its process id to no other process. Times are of this process's monotonic clock.
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

OBEY_SECONDS = 15.0  # a child that was asked to end by a file gets a SIGTERM after this long,
KILL_SECONDS = 10.0  # and this much later its whole group is killed
GONE_SECONDS = 2.0  # the same, where the run's folder is gone: the child has nothing left to save
LIMIT_SECONDS = 15.0  # how long after a run's time limit the child may still run
UNSTARTED_SECONDS = 600.0  # a child that does not train by then counts as training, for its time limit
STILL_COMPUTING = 75  # exit code of a computing process that found an earlier one of its run alive
_LOOK_SECONDS = 0.1
_SIGKILL = 9  # Windows has no name for it
_CRASHED = (4, 6, 7, 8, 11)  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV


class EndRequest(StrEnum):
    """A request that the computing process ends, by its origin."""

    STOP = "stop"
    PAUSE = "pause"
    TIME_LIMIT = "time limit"
    TERMINATE = "terminate"  # the worker itself got a SIGTERM, as when the machine goes down
    GONE = "gone"  # the run's folder was deleted


@dataclass
class Escalation:
    """The steps after a request to end, each taken once: time to obey it, then SIGTERM, then the kill of the group."""

    request: EndRequest | None = None
    terminate_at: float = 0.0
    kill_at: float = 0.0
    terminated: bool = False
    killed: bool = False

    def next_step(self, request: EndRequest | None, now: float) -> str:
        """The step of the escalation that is due at `now` (seconds): `terminate`, `kill`, or an empty text."""
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
    """Enforces a run's `max_seconds` on a training loop that hangs; otherwise the loop keeps to it by itself."""

    def __init__(self, folder: LifeFolder) -> None:
        self._folder = folder
        try:
            self._seconds = float(
                read_json(folder.config, max_bytes=MOST_BYTES[CONFIG])["settings"].get("max_seconds", 0)
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            self._seconds = 0.0  # the child reports what is wrong with its settings
        self._started = time.monotonic()
        self._trains = False

    def is_over(self, now: float) -> bool:
        """Whether the child has trained for longer than it may."""
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
    """Whether this process has received a SIGTERM, the signal to terminate."""

    def __init__(self) -> None:
        self.received = False
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, _number: int, _frame: object) -> None:
        self.received = True


def read_end_request(folder: LifeFolder, termination: TerminationSignal) -> EndRequest | None:
    """The request that the run ends now, if there is one; a stop outweighs a pause."""
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
    """Wait for a child's end, and escalate each request that it ends; returns how far the escalation went."""
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
        step = escalation.next_step(request, now)
        if step == "terminate":
            child.terminate()
        elif step == "kill":
            _kill_group(child)
    # A system that goes down sends SIGTERM to the child as well.
    if termination.received and escalation.request is None:
        escalation.request, escalation.terminated = EndRequest.TERMINATE, True
    return escalation


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kill the child and its whole group. The child has not been collected, so its id is still its own."""
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError, PermissionError):  # the whole group has just ended
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()


def describe_exit(code: int, last_line: str, *, out_of_memory: bool = False) -> str:
    """Why a computing process died without writing it, in one sentence.

    Args:
        code: as `Popen.returncode`: negative for a signal.
        last_line: what it printed last.
        out_of_memory: whether the kernel has killed a process for lack of memory meanwhile.
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
            explain_memory_error(last_line)
            or f"The training crashed inside a native library (signal {number}). What it had logged is kept."
        )
    if code == STILL_COMPUTING:
        return "An earlier process of this run is still computing: wait until it has ended, then resume."
    if last_line:
        return explain_memory_error(last_line) or f"The training failed: {last_line}"
    return f"The training ended with exit code {code} and gave no reason. What it had logged is kept."
