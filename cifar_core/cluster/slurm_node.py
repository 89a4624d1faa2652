"""What a job of Slurm does on its node: it trains the run in its folder, as long as a worker follows it."""

import contextlib
import math
import os
import secrets
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.ranks.launcher import several_ranks
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import read_state
from cifar_core.lifecycle.supervise import KILL_SECONDS
from cifar_core.lifecycle.worker import OwnProcess
from cifar_core.storage.atomic import make_folder, remove_folder, write_atomic

_FOLDER = "slurm"  # in the run's folder
_LOOK_SECONDS = 0.2
_LOG_SECONDS = 5.0


@dataclass(frozen=True)
class JobFiles:
    """The files by which a worker and the job of its run know of each other.

    Each job has a folder of its own in `slurm/` of the run: one that is given up may still be about to end.
    """

    folder: Path

    @classmethod
    def of(cls, run: LifeFolder) -> "JobFiles":
        """Those of the job that an earlier worker of the run has submitted, else new ones, not made yet."""
        known = sorted((run.path / _FOLDER).glob("*/job"))
        return cls(known[0].parent if known else run.path / _FOLDER / secrets.token_hex(4))

    @classmethod
    def made(cls, run: LifeFolder) -> "JobFiles":
        """Those of a new job; StorageError where the disk refuses."""
        files = cls.of(run)
        make_folder(files.folder.parent)
        make_folder(files.folder)
        return files

    @property
    def run(self) -> LifeFolder:
        """The folder of the run."""
        return LifeFolder(self.folder.parent.parent)

    @property
    def job(self) -> Path:
        """The job's id; a job without it is one that no worker knows."""
        return self.folder / "job"

    def keep_id(self, job_id: str) -> None:
        """Keep the job's id; StorageError where the disk refuses."""
        write_atomic(self.job, job_id.encode())

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

    @property
    def are_given_up(self) -> bool:
        """Whether the job is to end."""
        return self.terminate.exists() or not self.folder.exists()

    def ask_to_terminate(self) -> None:
        """Ask the job to end, by SIGTERM to its training process, as far as the disk allows."""
        with contextlib.suppress(CifarCoreError):
            write_atomic(self.terminate)

    def remove(self) -> None:
        """Remove those of all jobs of the run, as far as the disk allows."""
        with contextlib.suppress(CifarCoreError):
            remove_folder(self.folder.parent, "removing the files of a job")


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
        path: the folder of the job's files, on a disk that this node shares with the worker.
        cpus: as many threads it trains with.
        patience: seconds without a heartbeat of the worker, after which the training ends.
    """
    files = JobFiles(Path(path))
    folder = files.run
    worker = _Worker(folder, patience)
    write_atomic(files.begun)
    code = 1
    try:
        while not files.job.exists() or read_state(folder).status is not Status.RUNNING:
            if worker.is_gone() or files.are_given_up:
                return
            time.sleep(_LOOK_SECONDS)
        os.environ["OMP_NUM_THREADS"] = str(cpus)
        code = _train(folder, files, worker)
    finally:
        with contextlib.suppress(CifarCoreError):  # the run's folder may be gone
            write_atomic(files.ended, str(code).encode())


def _train(folder: LifeFolder, files: JobFiles, worker: _Worker) -> int:
    """Train to the end in child processes, which outlive neither this process nor its worker; returns the exit code."""
    process = several_ranks(folder) or OwnProcess()
    process.start(folder)
    for number in (signal.SIGTERM, signal.SIGUSR2):  # by which Slurm says that the time of the job is over
        signal.signal(number, lambda *_: process.terminate())
    kill_at = math.inf
    while not process.has_ended(_LOOK_SECONDS):
        if kill_at == math.inf and (worker.is_gone() or files.are_given_up):
            kill_at = time.monotonic() + KILL_SECONDS
            process.terminate()
        elif time.monotonic() >= kill_at:
            process.kill()
    process.finish_log(_LOG_SECONDS)
    return process.code
