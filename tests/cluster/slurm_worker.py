"""The worker of a run on Slurm, with submitit's local executor in its place: `python slurm_worker.py DIR SECONDS`."""

import sys
from pathlib import Path

from cifar_core.cluster.slurm import SlurmJob
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import TerminationSignal
from cifar_core.lifecycle.worker import serve_run

if __name__ == "__main__":
    job = SlurmJob("local", patience=float(sys.argv[2]))
    sys.exit(serve_run(LifeFolder(Path(sys.argv[1])), job, TerminationSignal(), job))
