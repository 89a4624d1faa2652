"""A run whose processes torchrun has started, on one machine or on several that share the workspace.

Rank 0 is the run's worker in place and starts the training process of rank 0; each other process becomes the training
process of its rank. They meet through torchrun's own store, and end with their agent.
"""

import contextlib
import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from cifar_core.errors import ConfigError, RunError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.environment import rank_here
from cifar_core.lifecycle.ranks.guard import end_with_parent
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.runner import LocalRunner
from cifar_core.lifecycle.states import ACTIVE, Status
from cifar_core.lifecycle.status import read_state
from cifar_core.lifecycle.worker import OwnProcess, serve_run
from cifar_core.machine import boot_id
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.storage.atomic import remove, write_atomic

ARRIVAL_SECONDS = 60.0  # that a rank waits for rank 0 while nothing of the run changes
_LOOK_SECONDS = 0.2
_NO_ID = "none"  # what torchrun says where it was given no --rdzv-id


@dataclass(frozen=True)
class Torchrun:
    """What torchrun says to one of the processes that it started."""

    rank: int
    world: int
    key: str  # the same in all its processes, also when their agents start them again, and in those of no other


def torchrun_here() -> Torchrun | None:
    """Torchrun as it started this process; None where something else did.

    Raises:
        ConfigError: nothing tells this start of torchrun from others that the same machines make.
    """
    given, here = os.environ.get("TORCHELASTIC_RUN_ID"), rank_here()
    if given is None:
        return None
    if given == _NO_ID:
        if os.environ.get("LOCAL_WORLD_SIZE") != str(here.world):
            raise ConfigError(
                [
                    "torchrun was started on several machines without an id of its own: give each of them the same "
                    "--rdzv-id=NAME, a new one for each run."
                ]
            )
        given = f"{boot_id()} {os.getppid()} {_began(os.getppid())}"
    return Torchrun(here.rank, here.world, hashlib.sha256(given.encode()).hexdigest())


def _began(pid: int) -> str:
    """When a process began, where the system says so: another one may get its id later."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
    except OSError:
        return ""


class InPlace(LocalRunner):
    """Launches a run whose worker is this very process, by `serve_in_place`; all else is as `LocalRunner` does it."""

    def _start_worker(self, folder: LifeFolder) -> None:
        """It is here already."""


def serve_in_place(folder: LifeFolder, torchrun: Torchrun) -> int:
    """Be the worker of a run that `InPlace` has launched, and compute rank 0; returns the exit code of that.

    Ctrl-C, which torchrun passes on, stops the run as a person's Stop does.

    Raises:
        CifarCoreError: of the queue or the disk.
    """
    termination = TerminationSignal()
    signal.signal(signal.SIGINT, lambda *_: folder.stop_file.touch())
    end_with_parent(os.getppid(), signal.SIGTERM, lambda: os.kill(os.getpid(), signal.SIGTERM))
    os.environ.update(child_environment())
    with _announced(folder, torchrun.key):
        return serve_run(folder, OwnProcess(lambda run: _rank_command(run, os.getpid())), termination)


def become_rank(folder: LifeFolder, torchrun: Torchrun) -> NoReturn:
    """Wait until rank 0 has launched the run, and become the training process of this rank.

    Raises:
        RunError: rank 0 did not launch it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank 0 stops the run
    _wait_for_announcement(folder, torchrun.key)
    command = _rank_command(folder, os.getppid())
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os.execve(command[0], command, child_environment())


def _rank_command(folder: LifeFolder, parent: int) -> list[str]:
    """The command of a rank of torchrun, which ends when the process `parent` does."""
    return command_of(Program.RANK, f"--run-dir={folder.path}", f"--parent={parent}")


@contextlib.contextmanager
def _announced(folder: LifeFolder, key: str) -> Iterator[None]:
    """While in the block, the other ranks find in the run's folder that rank 0 of this very start has launched it."""
    write_atomic(folder.torchrun, key.encode())
    try:
        yield
    finally:
        if folder.path.is_dir():
            remove(folder.torchrun)


def _wait_for_announcement(folder: LifeFolder, key: str) -> None:
    """Wait until rank 0 has launched the run and it trains; while it waits for its turn, the heartbeat goes on."""
    seen: tuple[int, ...] = ()
    changed = time.monotonic()
    while True:
        now = tuple(map(_stamp, (folder.torchrun, folder.heartbeat, folder.status)))
        if now != seen:
            seen, changed = now, time.monotonic()
        if _is_launched(folder, key):
            return
        if time.monotonic() - changed > ARRIVAL_SECONDS:
            raise RunError(
                f"The first process of this training did not start run {folder.run_id} within {ARRIVAL_SECONDS:.0f} s: "
                "see what it says, and that all machines have the same workspace."
            )
        time.sleep(_LOOK_SECONDS)


def _is_launched(folder: LifeFolder, key: str) -> bool:
    """Whether rank 0 of this start has launched the run, and it is the run's turn; RunError where it has ended."""
    try:
        if folder.torchrun.read_text() != key:
            return False
        state = read_state(folder)
    except (OSError, RunError):  # it is being made
        return False
    if state.status not in ACTIVE:
        raise RunError(f"Run {folder.run_id} has ended before this process of it began. {state.error}".strip())
    return state.status is Status.RUNNING


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
