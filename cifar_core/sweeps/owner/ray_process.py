"""The process that owns a sweep whose runs are computed on a Ray cluster; as `process.py`, which loads no Ray."""

import os
import sys

from cifar_core.cluster.ray.pool import ray_pool
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.sweeps.control import SweepRequest
from cifar_core.sweeps.owner.process import own


def _own(job: JobFolder, _request: SweepRequest, reporter: Reporter) -> None:
    own(job, reporter, lambda sweep, plan: ray_pool(sweep.workspace, plan.options.place, plan.id, plan.options.runs))


if __name__ == "__main__":
    try:
        run_job_process(SweepRequest, _own)
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        sys.stdout.flush()
        # Ray would wait a minute for a cluster that is gone, and for threads that still follow a run.
        os._exit(end.code if isinstance(end.code, int) else bool(end.code))
