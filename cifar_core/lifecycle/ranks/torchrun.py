"""A run whose processes torchrun has started, on one machine or on several that share the workspace.

Rank 0 is the run's worker in place. Each process starts the training process of its rank, and kills it where it
freezes; they meet through torchrun's own store, and end with their agent.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import ConfigError, RunError
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.environment import PULSE, rank_here
from cifar_core.lifecycle.ranks.guard import end_with_parent
from cifar_core.lifecycle.ranks.pulse import start_with_pulse
from cifar_core.lifecycle.ranks.rank import rank_command
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.runner import LocalRunner
from cifar_core.lifecycle.states import ACTIVE, Status
from cifar_core.lifecycle.status import read_state
from cifar_core.lifecycle.supervise import start_computing
from cifar_core.lifecycle.worker import OwnProcess, serve_run
from cifar_core.machine import boot_id
from cifar_core.processes import child_environment, kill_own_group
from cifar_core.storage.atomic import remove, write_atomic

ARRIVAL_SECONDS = 60.0  # that a rank waits for rank 0 while nothing of the run changes
_LOOK_SECONDS = 0.2
_KILLED_SECONDS = 5.0  # until a process that was killed is gone
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
        return serve_run(folder, _FirstRank(), termination)


class _FirstRank(OwnProcess):
    """The training process of rank 0. Where it freezes it is killed, since torchrun would wait for ever."""

    def _begin(self, folder: LifeFolder) -> "subprocess.Popen[bytes]":
        self._log, command = folder.log, rank_command(folder)
        child, self._pulse = start_with_pulse(
            lambda pulse: start_computing(command, environment=_with_pulse(pulse), inherited=(pulse,))
        )
        return child

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        if super().has_ended(seconds):
            return True
        frozen = self._pulse.complaint()
        if not frozen:
            return False
        why = f"{frozen} (rank 0), so it was killed; resume it to go on."
        append_bounded(self._log, f"\n{end_line(Status.FAILED, why)}\n".encode())
        self.kill()
        return super().has_ended(_KILLED_SECONDS)


def compute_rank(folder: LifeFolder, torchrun: Torchrun) -> int:
    """Wait until rank 0 has launched the run, and compute another rank of it; returns the exit code of that.

    Raises:
        RunError: rank 0 did not launch it.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # rank 0 stops the run
    end_with_parent(os.getppid(), signal.SIGKILL, kill_own_group)
    _wait_for_announcement(folder, torchrun.key)
    command = rank_command(folder)
    child, pulse = start_with_pulse(
        lambda handle: subprocess.Popen(command, env=_with_pulse(handle), pass_fds=(handle,))
    )
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while child.poll() is None:
        if frozen := pulse.complaint():
            print(f"{frozen} (rank {torchrun.rank}), so it is killed.", file=sys.stderr, flush=True)
            child.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(_LOOK_SECONDS)
    return child.returncode


def _with_pulse(handle: int) -> dict[str, str]:
    """The environment of a rank of torchrun, with what torchrun says to it."""
    return child_environment() | {PULSE: str(handle)}


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
