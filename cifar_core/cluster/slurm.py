"""The worker of a run on Slurm: `python -m cifar_core.cluster.slurm --run-dir=DIR`, whose disk the nodes share.

It hands the run to Slurm as a job, by submitit, waits until the job begins, and follows it in the run's own folder:
there the job's training process writes, and finds what people ask. `slurm/ID/` in that folder is of the job with that
id, so that a new worker finds the job of a killed one: submitit's files, and `begun`. The job makes `begun`, and trains
as long as that is there. What else sbatch should know comes from its own variables, such as SBATCH_PARTITION,
SBATCH_ACCOUNT and SBATCH_TIMELIMIT. Tried with submitit's local executor, not with Slurm itself.
"""

import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Iterator
from typing import Any

import submitit

from cifar_core.errors import CifarCoreError, ClusterError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.place import read_place
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import read_state
from cifar_core.lifecycle.worker import be_worker, computation_here
from cifar_core.storage.atomic import make_folder, remove, remove_folder, write_atomic
from cifar_core.text import one_line

_PYTHON = f"{shlex.quote(sys.executable)} -P"  # a run's folder is no place to search for modules
_MINUTES = 24 * 60  # that a job may take, where SBATCH_TIMELIMIT does not say it; a run that needs more is resumed
_PATIENCE = 120.0  # seconds without a heartbeat of the worker, after which the job ends its training
_LOOK_SECONDS = 0.5  # between two looks at what the other has written, on another machine
_END_SECONDS = 30.0  # after a training was told to end it is killed; after a job was killed it counts as ended


class SlurmJob:
    """The turn and the computation of one run: a job of Slurm."""

    code = -signal.SIGKILL  # exit code of its training process; of a killed one where the job did not tell it

    def __init__(self, folder: LifeFolder) -> None:
        self._folder, self._files = folder, folder.path / "slurm"
        self._job: Any = None
        self._is_own = False  # this worker has submitted it
        self._gone_at = 0.0  # when a killed job counts as ended, of the monotonic clock; 0: nobody has killed it

    def take(self, folder: LifeFolder, held: object, heartbeat: object) -> bool:
        """Whether the job has begun; it is found or submitted first. ClusterError: Slurm refused or ended it."""
        if self._job is None and not self._find():
            self._submit()
        if not self.has_ended(0.0):
            return (self._job.paths.folder / "begun").exists()
        if self._is_own:
            how = f"job {self._job.job_id} before it began ({one_line(self._job.state)})"
            raise ClusterError(f"Slurm ended {how}; resume it to try again.")
        self._forget()  # the next call submits another
        return False

    def give_up(self, folder: LifeFolder) -> None:
        """Take the job back from Slurm."""
        if self._job is not None or self._find():
            self.kill()
        self._forget()

    def start(self, folder: LifeFolder) -> None:
        """Nothing is left to do: the job begins to train once it sees that the run is running."""

    def has_ended(self, seconds: float) -> bool:
        """Whether the job ends within so many seconds, or a little more: each look may go to another machine."""
        time.sleep(max(seconds, _LOOK_SECONDS))
        return self._job.done() or 0 < self._gone_at <= time.monotonic()

    def terminate(self) -> None:
        """Have the job send SIGTERM to its training process, as far as the disk allows."""
        with contextlib.suppress(CifarCoreError):
            remove(self._job.paths.folder / "begun")

    def kill(self) -> None:
        """Have Slurm end the job."""
        if not self._gone_at:
            self._gone_at = time.monotonic() + _END_SECONDS
            with contextlib.suppress(OSError):
                self._job.cancel(check=False)

    def finish_log(self, seconds: float) -> None:
        """The job has written its output into the run's log by itself; its files have done their work."""
        with contextlib.suppress(OSError, RuntimeError):
            if self._job.paths.result_pickle.exists():
                self.code = 1 if self._job.exception() else self._job.result()
        self._forget()

    def _find(self) -> bool:
        """Whether there is the job of a killed worker; it waits still, or is told to end its training."""
        for folder in self._files.glob("*"):
            if folder.name.isdecimal():  # beside it lie files of a submission that a kill cut short
                self._job = submitit.SlurmExecutor.job_class(folder, folder.name)
                self.terminate()
        return self._job is not None

    def _submit(self) -> None:
        place, name = read_place(self._folder), self._folder.run_id
        make_folder(self._files)
        try:
            executor = submitit.SlurmExecutor(self._files / "%j", python=_PYTHON)
            asked = {"cpus_per_task": place.cpus or 1, "gpus_per_node": place.gpus or None}
            executor.update_parameters(job_name=name, time=_MINUTES, **asked)
            self._job, self._is_own = executor.submit(_train, self._folder, _PATIENCE), True
        except (OSError, RuntimeError) as error:
            raise ClusterError(f"Slurm did not take run {name} ({one_line(error)[:300]}).") from error

    def _forget(self) -> None:
        self._job = None
        with contextlib.suppress(CifarCoreError):
            remove_folder(self._files, "removing the files of a job")


def _train(folder: LifeFolder, patience: float) -> int:
    """Train a run in child processes of this job, which outlive neither it nor its worker; returns their exit code."""
    process, looks = computation_here(folder), _looks(folder, patience)
    os.environ["OMP_NUM_THREADS"] = str(read_place(folder).cpus or 1)
    if not any(read_state(folder).status is Status.RUNNING for _ in looks):
        return 1
    process.start(folder)
    for number in (signal.SIGTERM, signal.SIGUSR2):  # by which Slurm says that the time of the job is over
        signal.signal(number, lambda *_: process.terminate())
    if not any(process.has_ended(0.0) for _ in looks):
        process.terminate()
        while not process.has_ended(_END_SECONDS):
            process.kill()
    process.finish_log(_END_SECONDS)
    return process.code


def _looks(folder: LifeFolder, patience: float) -> Iterator[None]:
    """Say that this job has begun, and go on as long as its worker lives, by its heartbeat, and wants it."""
    begun = submitit.JobEnvironment().paths.folder / "begun"
    write_atomic(begun)
    beat, changed_at = 0, time.monotonic()  # the worker's clock is another machine's, so only changes count
    while begun.exists() and time.monotonic() - changed_at < patience:
        yield
        time.sleep(_LOOK_SECONDS)
        with contextlib.suppress(OSError):
            if beat != (beat := folder.heartbeat.stat().st_mtime_ns):
                changed_at = time.monotonic()


if __name__ == "__main__":
    be_worker(__doc__, lambda folder: (job := SlurmJob(folder), job))
