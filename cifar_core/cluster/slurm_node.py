"""What a job of Slurm does on its node: it trains the run in its folder, as long as a worker follows it."""

import contextlib
import math
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import CifarCoreError
from cifar_core.jobs.log import LogKeeper
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import read_state
from cifar_core.lifecycle.supervise import KILL_SECONDS, kill_group, start_computing
from cifar_core.lifecycle.worker import computing_command
from cifar_core.storage.atomic import remove_folder, write_atomic

_LOOK_SECONDS = 0.2
_LOG_SECONDS = 5.0


@dataclass(frozen=True)
class JobFiles:
    """The files by which a worker and the job of its run know of each other: `slurm/` in the run's folder."""

    run: LifeFolder

    @property
    def folder(self) -> Path:
        return self.run.path / "slurm"

    @property
    def job(self) -> Path:
        """The job's id."""
        return self.folder / "job"

    @property
    def begun(self) -> Path:
        return self.folder / "begun"

    @property
    def ended(self) -> Path:
        """The exit code of the training process."""
        return self.folder / "ended"

    @property
    def exit_code(self) -> int:
        """Of the training process of a job that is over; that of a killed one where the job could not write it."""
        with contextlib.suppress(OSError, ValueError):
            return int(self.ended.read_text())
        return -signal.SIGKILL

    @property
    def terminate(self) -> Path:
        """Its presence asks the job to send SIGTERM to the training process."""
        return self.folder / "terminate"

    def ask_to_terminate(self) -> None:
        """Ask the job to send SIGTERM to its training process, as far as the disk allows."""
        with contextlib.suppress(CifarCoreError):
            write_atomic(self.terminate)

    def remove(self) -> None:
        """Remove them all, as far as the disk allows."""
        with contextlib.suppress(CifarCoreError):
            remove_folder(self.folder, "removing the files of a job")


class _Worker:
    """Whether the worker of a run lives, by its heartbeat: its clock is another machine's, so only changes count."""

    def __init__(self, folder: LifeFolder, patience: float) -> None:
        self._file, self._patience = folder.heartbeat, patience
        self._seen, self._changed_at = 0, time.monotonic()

    def is_gone(self) -> bool:
        beat = 0
        with contextlib.suppress(OSError):
            beat = self._file.stat().st_mtime_ns
        if beat != self._seen:
            self._seen, self._changed_at = beat, time.monotonic()
        return time.monotonic() - self._changed_at > self._patience


def compute_on_node(path: str, cpus: int, patience: float) -> None:
    """Train a run, once its worker has seen that the job has begun.

    Args:
        path: the run's folder, on a disk that this node shares with the worker.
        cpus: as many threads it trains with.
        patience: seconds without a heartbeat of the worker, after which the training ends.
    """
    folder = LifeFolder(Path(path))
    files, worker = JobFiles(folder), _Worker(folder, patience)
    write_atomic(files.begun)
    code = 1
    try:
        while read_state(folder).status is not Status.RUNNING:
            if worker.is_gone():
                return
            time.sleep(_LOOK_SECONDS)
        os.environ["OMP_NUM_THREADS"] = str(cpus)
        code = _train(folder, files, worker)
    finally:
        with contextlib.suppress(CifarCoreError):  # the run's folder may be gone
            write_atomic(files.ended, str(code).encode())


def _train(folder: LifeFolder, files: JobFiles, worker: _Worker) -> int:
    """Train in a child process to its end; returns its exit code. It outlives neither this process nor its worker."""
    child = start_computing(computing_command(folder))
    assert child.stdout is not None
    output = LogKeeper(child.stdout, folder.log)
    for number in (signal.SIGTERM, signal.SIGUSR2):  # by which Slurm says that the time of the job is over
        signal.signal(number, lambda *_: child.terminate())
    kill_at = math.inf
    try:
        while child.poll() is None and time.monotonic() < kill_at:
            if kill_at == math.inf and (worker.is_gone() or files.terminate.exists()):
                kill_at = time.monotonic() + KILL_SECONDS
                child.terminate()
            time.sleep(_LOOK_SECONDS)
    finally:
        if child.poll() is None:
            kill_group(child)
            child.wait()
        output.finish(_LOG_SECONDS)
    return child.returncode
