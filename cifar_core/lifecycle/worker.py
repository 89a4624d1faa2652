"""The worker of one run: `python -m cifar_core.lifecycle.worker --run-dir=DIR`, however the run was started.

It holds the run's lock as long as it lives, waits for its turn, starts the computing process
(`cifar_core.runs.training.process`) and supervises it until it ends. Where that process dies without writing a reason,
the worker writes it. It loads little, so it takes the lock at once, and thirty workers can wait side by side.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn, Protocol

from cifar_core.errors import CifarCoreError
from cifar_core.jobs.log import LogKeeper, end_line, last_line, logged_end
from cifar_core.lifecycle.final_status import end_as
from cifar_core.lifecycle.force_stop import free_queue
from cifar_core.lifecycle.heartbeat import Heartbeat, start_heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import leave, take_slot
from cifar_core.lifecycle.ranks.launcher import several_ranks
from cifar_core.lifecycle.requests import KILLED, EndRequests, TerminationSignal
from cifar_core.lifecycle.states import ACTIVE, EndRequest, Status
from cifar_core.lifecycle.status import expect_worker, move, read_state
from cifar_core.lifecycle.supervise import (
    LIMIT_SECONDS,
    Computation,
    Escalation,
    describe_exit,
    kill_group,
    start_computing,
    supervise_child,
)
from cifar_core.machine import oom_kills
from cifar_core.processes import Program, command_of
from cifar_core.storage.locks import hold_lock

_LOCK_SECONDS = 30.0  # the starting process holds the lock until the run is queued, and may wait for the queue
_TURN_SECONDS = 0.2  # between checks whether it is this run's turn, at first a tenth of that and then ever longer
_SLOTS_SECONDS = 10.0  # between checks whether a frozen worker holds up the queue
_LOG_SECONDS = 2.0  # to write the last output of a process that has ended
_TOLD_WHILE_WAITING = "Its process was told to end while it waited for its turn; resume it to queue again."


def main() -> NoReturn:
    """Be the worker of a run that this machine computes."""
    be_worker(__doc__, lambda folder: (computation_here(folder), None))


class Turn(Protocol):
    """How a run that waits comes to its turn."""

    def take(self, folder: LifeFolder, held: ExitStack, heartbeat: Heartbeat) -> bool:
        """Whether the run may be computed now; `held` then keeps its place until it has ended. Asked again and again.

        Raises:
            CifarCoreError: its turn will never come; the sentence is the run's reason.
        """

    def give_up(self, folder: LifeFolder) -> None:
        """The run waits no longer: its place in the line is free."""


class QueueTurn:
    """The turn of a run in the queue of this machine."""

    def __init__(self) -> None:
        self._next_check = time.monotonic() + _SLOTS_SECONDS

    def take(self, folder: LifeFolder, held: ExitStack, heartbeat: Heartbeat) -> bool:
        """Take a slot where it is the run's turn; end frozen workers that hold up the queue; raises StorageError."""
        if take_slot(folder, held, heartbeat.standstill):
            return True
        if time.monotonic() >= self._next_check:
            free_queue(folder, heartbeat.standstill)
            self._next_check = time.monotonic() + _SLOTS_SECONDS
        return False

    def give_up(self, folder: LifeFolder) -> None:
        """Remove its ticket; raises StorageError."""
        leave(folder)


def be_worker(description: str | None, parts: Callable[[LifeFolder], tuple[Computation, Turn | None]]) -> NoReturn:
    """Be the worker of the run that the command line names; exit with the code of its computation, or with a sentence.

    Args:
        description: of this program.
        parts: gives the computation of a run, and its turn as in `serve_run`.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--run-dir", required=True, type=Path)
    folder = LifeFolder(parser.parse_args().run_dir.resolve())
    try:
        process, turn = parts(folder)
        sys.exit(serve_run(folder, process, TerminationSignal(), turn))
    except CifarCoreError as error:
        sys.exit(str(error))


def serve_run(
    folder: LifeFolder, process: Computation, termination: TerminationSignal, turn: Turn | None = None
) -> int:
    """Be the worker of a run from its lock to its end, unless another is; returns the exit code of its computation.

    Args:
        folder: of the run.
        process: computes it.
        termination: of this process.
        turn: of the run; None: that in the queue of this machine.

    Raises:
        CifarCoreError: of the queue or the disk; the run has got it as its reason, where it could be written.
    """
    with hold_lock(folder.lock, timeout=_LOCK_SECONDS) as held:
        if not held or read_state(folder).status is not Status.QUEUED:
            return 0  # another worker has the run, or had it
        requests, turn = EndRequests(folder, termination, grace=LIMIT_SECONDS), turn or QueueTurn()
        with start_heartbeat(folder) as heartbeat, ExitStack() as slot:
            try:
                expect_worker(folder, here=True)
                if not _wait_turn(folder, turn, slot, requests, heartbeat):
                    return 0
                move(folder, Status.RUNNING)
            except CifarCoreError as error:
                _give_up(folder, turn, str(error))
                raise
            return _compute(folder, process, requests, heartbeat)


def computing_command(folder: LifeFolder) -> list[str]:
    """The command of the computing process, which ends when this process, its parent, does."""
    options = [f"--run-dir={folder.path}", f"--parent={os.getpid()}"]
    return command_of(Program.TRAINING, *options)


class OwnProcess:
    """The computation of a run in a process of its own."""

    def start(self, folder: LifeFolder) -> None:
        """Start it; OSError where the system refuses."""
        self._child = self._begin(folder)
        assert self._child.stdout is not None
        self._output = LogKeeper(self._child.stdout, folder.log)

    def _begin(self, folder: LifeFolder) -> "subprocess.Popen[bytes]":
        return start_computing(computing_command(folder))

    @property
    def code(self) -> int:
        """Its exit code."""
        return self._child.returncode

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(seconds)
        return self._child.returncode is not None

    def terminate(self) -> None:
        """Send it SIGTERM."""
        self._child.terminate()

    def kill(self) -> None:
        """Kill it and its whole group."""
        kill_group(self._child)

    def finish_log(self, seconds: float) -> None:
        """Wait until the log holds all that it printed."""
        self._output.finish(seconds)


def computation_here(folder: LifeFolder) -> Computation:
    """The computation of a run on this machine, in as many processes as its settings say."""
    return several_ranks(folder) or OwnProcess()


def _wait_turn(folder: LifeFolder, turn: Turn, held: ExitStack, requests: EndRequests, heartbeat: Heartbeat) -> bool:
    """Wait until the run may train; False where it was asked to end before.

    Raises:
        CifarCoreError: its turn will never come, or the disk refused.
    """
    pause = _TURN_SECONDS / 10
    while True:
        heartbeat.beat()
        request = requests.now()
        if request is EndRequest.GONE:
            _log_missing_folder("it waited for its turn")
            return False
        if request is not None:
            turn.give_up(folder)
            end_as(folder, request.leads_to, _TOLD_WHILE_WAITING if request is EndRequest.TERMINATE else "")
            return False
        if turn.take(folder, held, heartbeat):
            return True
        time.sleep(pause)
        pause = min(_TURN_SECONDS, 2 * pause)


def _give_up(folder: LifeFolder, turn: Turn, error: str) -> None:
    """Give up the turn of a run that cannot wait any longer, and write why, as far as the disk allows."""
    with contextlib.suppress(CifarCoreError):
        turn.give_up(folder)
    with contextlib.suppress(CifarCoreError):
        end_as(folder, Status.FAILED, error)


def _log_missing_folder(doing: str) -> None:
    """Print what happened into the log, which is open and so moves with its folder: it can still be read there."""
    why = f"Its folder was moved, renamed or deleted while {doing}, so its process ended; resume it to go on."
    print(end_line(Status.INTERRUPTED, why), flush=True)


def _compute(folder: LifeFolder, process: Computation, requests: EndRequests, heartbeat: Heartbeat) -> int:
    """Compute a run to its end, and write how it ended where its process did not; returns the exit code."""
    killed_before = oom_kills()
    try:
        process.start(folder)
    except OSError as error:
        end_as(folder, Status.FAILED, f"The process that computes could not be started ({error}).")
        return 1
    escalation = supervise_child(process, folder, requests, heartbeat)
    if not folder.path.is_dir():
        _log_missing_folder("it trained")
        return process.code
    process.finish_log(_LOG_SECONDS)
    if read_state(folder).status in ACTIVE:
        out_of_memory = oom_kills() > killed_before
        logged = logged_end(folder.log)
        end, why = how_it_ended(escalation, process.code, last_line(folder.log), out_of_memory=out_of_memory)
        end_as(folder, Status.FAILED if logged else end, logged[1] if logged else why)
    return process.code


def how_it_ended(escalation: Escalation, code: int, last_line: str, *, out_of_memory: bool) -> tuple[Status, str]:
    """The status and the sentence for a child that did not write how it ended.

    Args:
        escalation: how far it went.
        code: its exit code, negative for a signal.
        last_line: what it printed last.
        out_of_memory: whether the kernel has killed a process for lack of memory.
    """
    if escalation.request is not None and (escalation.terminated or escalation.killed) and code != 0:
        return escalation.request.leads_to, KILLED[escalation.request]
    return Status.FAILED, describe_exit(code, last_line, out_of_memory=out_of_memory)


if __name__ == "__main__":
    main()
