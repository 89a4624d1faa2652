"""The worker of one run: `python -m cifar_core.lifecycle.worker --run-dir=DIR`, the unit of work for every way of starting.

It holds the run's lock for life, waits for its turn, starts the process that computes (`cifar_core.runs.training.process`), sees
it through to its end, and, when that one dies without having said why, writes down the reason. It loads little, so the
lock is held from the first moment and thirty can wait side by side.
"""

import argparse
import contextlib
import os
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from cifar_core.errors import CifarCoreError
from cifar_core.jobs.log import LogKeeper, end_line, last_line, logged_end
from cifar_core.lifecycle.final_status import end_as
from cifar_core.lifecycle.force_stop import free_queue
from cifar_core.lifecycle.heartbeat import Heartbeat, start_heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import leave, take_slot
from cifar_core.lifecycle.states import ACTIVE, Status, Verb
from cifar_core.lifecycle.status import expect_worker, move, read_state
from cifar_core.lifecycle.supervise import (
    EndRequest,
    Escalation,
    TerminationSignal,
    describe_exit,
    read_end_request,
    supervise_child,
)
from cifar_core.machine import oom_kills
from cifar_core.processes import Program, command_of
from cifar_core.storage.locks import hold_lock

_LOCK_SECONDS = 30.0  # whoever starts it holds the lock until the run is queued, and may have to wait for the queue
_TURN_SECONDS = 0.2  # between looks whether it is this run's turn
_SLOTS_SECONDS = 10.0  # between looks whether a frozen worker holds up the queue
_LOG_SECONDS = 2.0  # for the last words of a process that has ended


def main() -> int:
    """Run the worker; 0 when the run came to an end it chose."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    folder = LifeFolder(parser.parse_args().run_dir.resolve())
    with hold_lock(folder.lock, timeout=_LOCK_SECONDS) as mine:
        if not mine or read_state(folder).status is not Status.QUEUED:
            return 0  # another worker has it, or had it
        termination = TerminationSignal()
        with start_heartbeat(folder) as heartbeat, ExitStack() as slot:
            try:
                expect_worker(folder, here=True)
                if not _wait_turn(folder, slot, termination, heartbeat):
                    return 0
                move(folder, Verb.START)
            except CifarCoreError as error:
                _give_up(folder, str(error))
                raise
            return _compute(folder, termination, heartbeat)


def computing_command(folder: LifeFolder) -> list[str]:
    """The process that computes; it ends when this one, its parent, does."""
    options = [f"--run-dir={folder.path}", f"--parent={os.getpid()}"]
    return command_of(Program.TRAINING, *options)


def _wait_turn(folder: LifeFolder, slot: ExitStack, termination: TerminationSignal, heartbeat: Heartbeat) -> bool:
    """Wait until the run may train; False where it was asked to end before.

    Raises:
        StorageError: the disk refused.
    """
    look_at_slots = time.monotonic() + _SLOTS_SECONDS
    while True:
        heartbeat.beat()
        request = read_end_request(folder, termination)
        if request is EndRequest.GONE:
            _tell_gone("it waited for its turn")
            return False
        if request is not None:
            leave(folder)
            end_as(folder, _VERBS[request], _ENDED_WAITING.get(request, ""))
            return False
        if take_slot(folder, slot, heartbeat.standstill):
            return True
        if time.monotonic() >= look_at_slots:
            free_queue(folder, heartbeat.standstill)
            look_at_slots = time.monotonic() + _SLOTS_SECONDS
        time.sleep(_TURN_SECONDS)


def _give_up(folder: LifeFolder, error: str) -> None:
    """Keep nobody waiting behind a run that cannot wait any longer, and say why, as far as that can be written."""
    with contextlib.suppress(CifarCoreError):
        leave(folder)
    with contextlib.suppress(CifarCoreError):
        end_as(folder, Verb.FAIL, error)


def _tell_gone(doing: str) -> None:
    """Say what happened where it can still be read: the log is open, and moves with its folder."""
    why = f"Its folder was moved, renamed or deleted while {doing}, so its process ended; resume it to go on."
    print(end_line(Status.INTERRUPTED, why), flush=True)


def _compute(folder: LifeFolder, termination: TerminationSignal, heartbeat: Heartbeat) -> int:
    """Run the computing process to its end and write how it ended, unless it did so itself; returns its exit code."""
    killed_before = oom_kills()
    try:
        child = subprocess.Popen(
            computing_command(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            process_group=0 if os.name == "posix" else None,  # so that it can be ended with all that it started
            creationflags=getattr(subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0),  # Windows; see `lower_priority`
        )  # fmt: skip
    except OSError as error:
        end_as(folder, Verb.FAIL, f"The process that computes could not be started ({error}).")
        return 1
    assert child.stdout is not None
    words = LogKeeper(child.stdout, folder.log)
    escalation = supervise_child(child, folder, termination, heartbeat)
    if not folder.path.is_dir():
        _tell_gone("it trained")
        return child.returncode
    words.finish(_LOG_SECONDS)
    if read_state(folder).status in ACTIVE:
        died_of_memory = oom_kills() > killed_before
        told = logged_end(folder.log)
        verb, why = (Verb.FAIL, told[1]) if told else how_it_ended(
            escalation, child.returncode, last_line(folder.log), out_of_memory=died_of_memory)  # fmt: skip
        end_as(folder, verb, why)
    return child.returncode


_VERBS = {
    EndRequest.STOP: Verb.STOP,
    EndRequest.PAUSE: Verb.PAUSE,
    EndRequest.TIME_LIMIT: Verb.STOP,
    EndRequest.TERMINATE: Verb.INTERRUPT,
    EndRequest.GONE: Verb.INTERRUPT,
}
_ENDED_WAITING = {
    EndRequest.TERMINATE: "Its process was told to end while it waited for its turn; resume it to queue again."
}
_ENDED = {  # by us, because it did not obey
    EndRequest.STOP: "It did not react to the stop, so its process was ended. It keeps what it had logged.",
    EndRequest.PAUSE: "It did not react to the pause, so its process was ended. Resume goes on from its last checkpoint.",
    EndRequest.TIME_LIMIT: "Time limit: it did not end by itself, so its process was ended. It keeps what it had logged.",
    EndRequest.TERMINATE: "Its process was told to end, as when the machine goes down; resume it to go on.",
    EndRequest.GONE: "Its folder was gone for a while, so its process was ended; resume it to go on.",
}


def how_it_ended(escalation: Escalation, code: int, words: str, *, out_of_memory: bool) -> tuple[Verb, str]:
    """The move and the sentence for a child that wrote no ending itself.

    Args:
        escalation: how far it had to be led.
        code: its exit code, negative for a signal.
        words: its last line.
        out_of_memory: whether the kernel counted a kill for want of memory.
    """
    if escalation.request is not None and (escalation.terminated or escalation.killed) and code != 0:
        return _VERBS[escalation.request], _ENDED[escalation.request]
    return Verb.FAIL, describe_exit(code, words, out_of_memory=out_of_memory)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CifarCoreError as error:
        sys.exit(str(error))
