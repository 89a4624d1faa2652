"""A worker of a run on Slurm, with submitit's local executor in its place: `slurm_worker.py SECONDS --run-dir=DIR`."""

import sys

import submitit

from cifar_core.cluster import slurm
from cifar_core.lifecycle.worker import be_worker


class LocalExecutor(submitit.LocalExecutor):
    """Takes what is asked of Slurm, and needs none of it."""

    def update_parameters(self, **asked: object) -> None:
        super().update_parameters(timeout_min=asked["time"])


if __name__ == "__main__":
    slurm._PATIENCE = float(sys.argv.pop(1))
    submitit.SlurmExecutor = LocalExecutor
    be_worker(slurm.__doc__, lambda folder: (job := slurm.SlurmJob(folder), job))
