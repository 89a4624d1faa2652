"""How a worker supervises the computing process: it ends one that does not obey a request, and says why one died.

It signals only its own child and the group that the child leads, and only before `wait` has collected the child: until
then the system gives its process id to no other process. Times are of this process's monotonic clock.
"""

import contextlib
import math
import os
import signal
import subprocess
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from cifar_core.errors import RunError
from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import EndRequests
from cifar_core.lifecycle.states import EndRequest
from cifar_core.lifecycle.status import read_state
from cifar_core.machine import explain_memory_error

OBEY_SECONDS = 15.0  # a child that was asked to end by a file gets a SIGTERM after this long,
KILL_SECONDS = 10.0  # and this much later its whole group is killed
GONE_SECONDS = 2.0  # the same, where the run's folder is gone: the child has nothing left to save
LIMIT_SECONDS = 15.0  # how long after a run's time limit the child may still run
UNSTARTED_SECONDS = 600.0  # a child that does not train by then counts as training, for its time limit
STILL_COMPUTING = 75  # exit code of a computing process that found an earlier one of its run alive
LOST_RANKS = 76  # exit code of one of several training processes whose others have gone, so that it cannot go on
KILLED_FROM_OUTSIDE = (
    "The training was killed from outside, most often because memory ran out. What it had logged is kept."
)
_LOOK_SECONDS = 0.1
_SIGKILL = 9  # Windows has no name for it
_CRASHED = (4, 6, 7, 8, 11)  # SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV


@dataclass
class Escalation:
    """The steps after a request to end, each taken once: time to obey it, then SIGTERM, then the kill of the group."""

    request: EndRequest | None = None  # the one that counts now: a stop may follow a pause
    terminate_at: float = math.inf
    kill_at: float = math.inf
    terminated: bool = False
    killed: bool = False

    def next_step(self, request: EndRequest | None, now: float, *, at_once: bool = False) -> str:
        """The step of the escalation that is due at `now` (seconds): `terminate`, `kill`, or an empty text.

        Args:
            request: the one that counts now.
            now: of the monotonic clock.
            at_once: whether there is no time to wait until it is obeyed, as when the machine goes down.
        """
        if request is None:
            return ""
        self.request = request
        obey = OBEY_SECONDS if request in (EndRequest.STOP, EndRequest.PAUSE) and not at_once else 0.0
        self.terminate_at = min(self.terminate_at, now + obey)
        die = GONE_SECONDS if request is EndRequest.GONE else KILL_SECONDS
        self.kill_at = min(self.kill_at, max(now, self.terminate_at) + die)
        if now >= self.kill_at:
            self.killed = True
            return "kill"
        if now >= self.terminate_at and not self.terminated:
            self.terminated = True
            return "terminate"
        return ""


class Computation(Protocol):
    """The computing of a run in a child process of its worker."""

    def start(self, folder: LifeFolder) -> None:
        """Begin to compute a run; OSError where its process cannot be started."""

    @property
    def code(self) -> int:
        """Of a computation that has ended: its exit code, as `Popen.returncode`."""

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""

    def terminate(self) -> None:
        """Send SIGTERM to a process that has not been collected."""

    def kill(self) -> None:
        """Kill the process and its whole group."""

    def finish_log(self, seconds: float) -> None:
        """Wait until all that it printed is in the run's log, at most so long."""


def supervise_child(child: Computation, folder: LifeFolder, requests: EndRequests, heartbeat: Heartbeat) -> Escalation:
    """Wait for the end of a computation, and escalate each request that it ends; returns how far that went."""
    escalation, started = Escalation(), time.monotonic()
    while True:
        heartbeat.beat()
        if child.has_ended(_LOOK_SECONDS):
            break
        now = time.monotonic()
        if not requests.limit.has_started and (now - started > UNSTARTED_SECONDS or _trains(folder)):
            requests.limit.start()
        step = escalation.next_step(requests.now(), now, at_once=requests.termination.received)
        if step == "terminate":
            child.terminate()
        elif step == "kill":
            child.kill()
    # A system that goes down sends SIGTERM to the child as well.
    if requests.termination.received and escalation.request is None:
        escalation.request, escalation.terminated = requests.now(), True
    return escalation


def _trains(folder: LifeFolder) -> bool:
    """Whether the child has done its first training step."""
    try:
        progress = read_state(folder).progress
    except RunError:
        return False
    return progress is not None and progress.batches > 0


def start_computing(
    command: list[str],
    stdin: int = subprocess.DEVNULL,
    *,
    environment: Mapping[str, str] | None = None,
    inherited: Collection[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a computing process with one pipe for all its output; OSError where the system refuses.

    Args:
        command: of it.
        stdin: its standard input.
        environment: None: as of this process.
        inherited: handles of this process that it gets.
    """
    return subprocess.Popen(
        command,
        env=environment,
        pass_fds=inherited,
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        process_group=0 if os.name == "posix" else None,  # so that it can be killed with all its children
        creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),  # Windows; see `lower_priority`
    )


def kill_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill a child and its whole group. The child has not been collected, so its id is still its own."""
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
        return KILLED_FROM_OUTSIDE
    if number == signal.SIGTERM:
        return "The training was told to end from outside before it had begun; resume it to go on."
    if number in _CRASHED:
        return (
            explain_memory_error(last_line)
            or f"The training crashed inside a native library (signal {number}). What it had logged is kept."
        )
    if code == STILL_COMPUTING:
        return "An earlier process of this run is still computing: wait until it has ended, then resume."
    if code == LOST_RANKS:
        return "Another of its processes ended or was out of reach, so it could not go on; resume it to go on."
    if last_line:
        return explain_memory_error(last_line) or f"The training failed: {last_line}"
    return f"The training ended with exit code {code} and gave no reason. What it had logged is kept."
