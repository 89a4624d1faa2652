"""Where the worker of a run lives, and how to reach it: an interface, and this machine as its one implementation.

Pages and commands ask and order through the interface; only what runs on this machine knows of locks, control files and
processes.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Protocol

from cifar_core.errors import StorageError
from cifar_core.jobs.log import begin_session, take_back_session
from cifar_core.lifecycle.force_stop import kill_left_over_worker
from cifar_core.lifecycle.heartbeat import has_worker
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.lock_holders import can_find_holders
from cifar_core.lifecycle.place import Backend, read_place
from cifar_core.lifecycle.queue import join, leave
from cifar_core.lifecycle.requests import control_files
from cifar_core.lifecycle.states import EndRequest, Status
from cifar_core.lifecycle.status import State, move, read_state, state_by_liveness, write_queued
from cifar_core.processes import Program, spawn
from cifar_core.storage.atomic import remove, write_atomic
from cifar_core.storage.locks import hold_lock

# The program that is the worker of a run, for each place where runs are computed.
_WORKERS: dict[Backend, Program] = {
    "local": Program.WORKER,
    "ray": Program.RAY_WORKER,
    "slurm": Program.SLURM_WORKER,
}


class Runner(Protocol):
    """Runs the workers of runs somewhere. Every method may raise StorageError where the place cannot be reached."""

    def launch(self, folder: LifeFolder) -> None:
        """Queue a run, start its worker, and last write its status; the caller holds the run by `hold_idle`.

        Raises:
            StorageError: the status is as it was, and nothing was started.
        """

    def is_alive(self, folder: LifeFolder) -> bool:
        """Whether the worker of a run lives; a caller that holds the run by `hold_idle` gets a wrong answer."""

    def hold_idle(self, folder: LifeFolder, *, timeout: float = 0.0) -> AbstractContextManager[bool]:
        """Keep every process of a run from starting in the block; it gets False where one still lives.

        Args:
            folder: of the run.
            timeout: seconds to wait for one that is just ending.
        """

    def request(self, folder: LifeFolder, request: EndRequest | None) -> None:
        """Ask a run to stop or to pause, or withdraw both; a run that no worker has yet ends at once."""

    def enforce(self, folders: Sequence[LifeFolder]) -> None:
        """See to it that those of these runs end which were asked to and do not respond; returns at once."""

    def fetch(self, folder: LifeFolder) -> None:
        """Bring the folder up to date before it is read: a remote runner copies what its worker has written since."""


class LocalRunner:
    """Workers are processes of this machine, which share the folder of the run with those who ask.

    The worker of a run that is computed on a cluster is here too: it follows that computation and brings the run's
    files. It needs no ticket of the queue, because the cluster decides when the run begins.
    """

    def launch(self, folder: LifeFolder) -> None:
        """The worker waits for the lock that the caller holds, and exits silently where the run is not queued then."""
        is_local = read_place(folder).backend == "local"
        before = begin_session(folder.log)
        try:
            self._start_worker(folder)
            leave(folder)  # a ticket of its dead process is void: the run queues behind those that wait
            if is_local:
                join(folder)
            write_queued(folder)
        except StorageError:
            with contextlib.suppress(StorageError):
                leave(folder)
            take_back_session(folder.log, before)
            raise
        # A second time, because a process that read the queue before the status was written has removed the ticket as
        # void. The worker takes a ticket itself where this fails.
        if is_local:
            with contextlib.suppress(StorageError):
                join(folder, timeout=0.0)

    def _start_worker(self, folder: LifeFolder) -> None:
        """Start the process that becomes the worker of a run; raises StorageError."""
        spawn(_WORKERS[read_place(folder).backend], [f"--run-dir={folder.path}"], folder.log)

    def is_alive(self, folder: LifeFolder) -> bool:
        """Its lock is held: the system frees it when the worker dies for any reason."""
        return has_worker(folder)

    @contextlib.contextmanager
    def hold_idle(self, folder: LifeFolder, *, timeout: float = 0.0) -> Iterator[bool]:
        """Holds the locks of the worker and of the training process, which may outlive a killed worker."""
        kill_left_over_worker(folder)
        with ExitStack() as held:
            locks = (folder.lock, folder.training_lock)
            idle = all(held.enter_context(hold_lock(lock, timeout=timeout)) for lock in locks)
            if not idle:
                held.close()  # so that it can be asked whether the worker lives
            yield idle

    def request(self, folder: LifeFolder, request: EndRequest | None) -> None:
        """Writes or removes the control files, which the worker and the training process look for."""
        if request is None:
            for file in control_files(folder).values():
                remove(file)
            return
        write_atomic(control_files(folder)[request])
        if read_state(folder).status is Status.QUEUED and not has_worker(folder):
            with hold_lock(folder.lock) as held:  # its worker has not begun yet; when it does, it finds the new status
                if held and read_state(folder).status is Status.QUEUED:
                    leave(folder)
                    move(folder, request.leads_to)

    def enforce(self, folders: Sequence[LifeFolder]) -> None:
        """One process watches all of them; a worker that responds obeys without it."""
        options = [f"--run={folder.path}" for folder in folders if has_worker(folder)]
        if options and can_find_holders():
            with contextlib.suppress(StorageError):
                spawn(Program.FORCE_STOP, options, Path(os.devnull))  # its output must not go into the log of a run

    def fetch(self, folder: LifeFolder) -> None:
        """Nothing to do: the worker writes into this very folder."""


_LOCAL = LocalRunner()


def runner_of(_folder: LifeFolder) -> Runner:
    """The runner of a run: the one place that chooses it."""
    return _LOCAL


def state_now(folder: LifeFolder) -> State:
    """The state of a run as it is, not as a dead process left it; for a process that does not hold the run.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    runner = runner_of(folder)
    runner.fetch(folder)
    return state_by_liveness(folder, runner.is_alive)
