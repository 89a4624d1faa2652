"""The worker of a run on Slurm: `python -m cifar_core.cluster.slurm --run-dir=DIR`, whose disk the nodes share.

It hands the run to Slurm as a job, by submitit, waits until the job begins, and follows it in the run's own folder:
there the job's training process writes, and finds what people ask. `slurm/` in that folder keeps the job's id, so that
a new worker finds the waiting job of a killed one. What else sbatch should know comes from its own variables, such as
SBATCH_PARTITION, SBATCH_ACCOUNT and SBATCH_TIMELIMIT. Tried with submitit's local executor, not with Slurm itself.
"""

import argparse
import contextlib
import shlex
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import submitit

from cifar_core.cluster.slurm_node import JobFiles, compute_on_node
from cifar_core.errors import CifarCoreError, ClusterError
from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.place import read_place
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.worker import serve_run
from cifar_core.text import one_line

_MINUTES = 24 * 60  # that a job may take, where SBATCH_TIMELIMIT does not say it; a run that needs more is resumed
_ASK_SECONDS = 5.0  # between two questions to Slurm; its files say sooner how a job is
_GONE_SECONDS = 30.0  # after a kill: then the job counts as ended, whatever Slurm says
_PATIENCE = 120.0  # seconds without a heartbeat of this worker, after which the job ends its training
# A run's folder is no place to search for modules.
_PYTHON = dict.fromkeys(("slurm_python", "local_python"), f"{shlex.quote(sys.executable)} -P")
_JOBS = {"slurm": submitit.SlurmJob, "local": submitit.LocalJob}


class SlurmJob:
    """The turn and the computation of one run: a job of Slurm."""

    def __init__(self, cluster: Literal["slurm", "local"] = "slurm", patience: float = _PATIENCE) -> None:
        self._cluster, self._patience = cluster, patience
        self._job: Any = None
        self._has_trained = False  # the job, for a worker that was killed
        self._asked_at = self._killed_at = 0.0

    def take(self, folder: LifeFolder, held: ExitStack, heartbeat: Heartbeat) -> bool:
        """Whether the job of the run has begun; it is found or submitted first.

        Raises:
            ClusterError: Slurm refused it, or ended it before it began.
            StorageError: the disk refused.
        """
        self._find(folder)
        if self._has_trained:
            if not self._is_over():
                return False
            self._forget()
        if self._job is None:
            self._submit(folder)
        if not self._files.begun.exists() and self._is_over():
            how = one_line(self._job.state)
            raise ClusterError(f"Slurm ended job {self._job.job_id} before it began ({how}); resume it to try again.")
        return self._files.begun.exists()

    def give_up(self, folder: LifeFolder) -> None:
        """Take the job back from Slurm."""
        self._find(folder)
        self.kill()
        self._forget()

    def start(self, folder: LifeFolder) -> None:
        """Nothing is left to do: the job begins to train once it sees that the run is running."""

    def has_ended(self, seconds: float) -> bool:
        """Whether the job ends within so many seconds."""
        time.sleep(seconds)
        return self._is_over() or 0 < self._killed_at < time.monotonic() - _GONE_SECONDS

    @property
    def code(self) -> int:
        """Exit code of the training process of the job."""
        return self._files.exit_code

    def terminate(self) -> None:
        """Have the job send SIGTERM to its training process."""
        self._files.ask_to_terminate()

    def kill(self) -> None:
        """Have Slurm end the job."""
        if self._job is not None and not self._killed_at:
            self._killed_at = time.monotonic()
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                self._job.cancel(check=False)

    def finish_log(self, seconds: float) -> None:
        """The job has written its output into the run's log by itself; its files have done their work."""
        self._forget()

    def _find(self, folder: LifeFolder) -> None:
        """Find the job that a killed worker followed: it waits still, or is asked to end its training."""
        if self._job is not None:
            return
        self._files = JobFiles.of(folder)
        if self._files.job.exists():
            self._job = _JOBS[self._cluster](self._files.folder, self._files.job.read_text())
            self._has_trained = self._files.begun.exists()
            if self._has_trained:
                self._files.ask_to_terminate()

    def _submit(self, folder: LifeFolder) -> None:
        place, self._files = read_place(folder), JobFiles.made(folder)
        asked: dict[str, Any] = {"name": folder.run_id, "timeout_min": _MINUTES, "cpus_per_task": place.cpus or 1}
        asked |= {"gpus_per_node": place.gpus} if place.gpus else {}
        try:
            executor = submitit.AutoExecutor(self._files.folder, self._cluster, **_PYTHON)
            executor.update_parameters(**asked)
            self._job = executor.submit(compute_on_node, str(self._files.folder), place.cpus or 1, self._patience)
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            raise ClusterError(f"Slurm did not take run {folder.run_id} ({one_line(error)[:300]}).") from error
        self._files.keep_id(str(self._job.job_id))

    def _is_over(self) -> bool:
        if self._files.ended.exists():
            return True
        if time.monotonic() - self._asked_at < _ASK_SECONDS:
            return False
        self._asked_at = time.monotonic()
        return bool(self._job.done())

    def _forget(self) -> None:
        self._job, self._has_trained = None, False
        self._files.remove()


def main() -> int:
    """Run the worker; returns the exit code of the training process, 0 where none was started."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run-dir", required=True, type=Path)
    folder, job = LifeFolder(parser.parse_args().run_dir.resolve()), SlurmJob()
    return serve_run(folder, job, TerminationSignal(), job)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CifarCoreError as error:
        sys.exit(str(error))
