"""A worker of a run on Slurm, with submitit's local executor in its place: `slurm_worker.py SECONDS --run-dir=DIR`."""

import runpy
import sys
from typing import Any

import submitit


class LocalExecutor(submitit.LocalExecutor):
    """Takes what is asked of Slurm, and needs none of it; its jobs have the patience of the command line."""

    def update_parameters(self, **asked: object) -> None:
        super().update_parameters(timeout_min=asked["time"])

    def submit(self, train: Any, folder: Any, _patience: float) -> Any:
        return super().submit(train, folder, patience)


if __name__ == "__main__":
    patience = float(sys.argv.pop(1))
    submitit.SlurmExecutor = LocalExecutor
    runpy.run_module("cifar_core.cluster.slurm", run_name="__main__", alter_sys=True)  # as `python -m` does
