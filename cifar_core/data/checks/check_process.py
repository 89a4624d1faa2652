"""The process that checks one dataset, started by `check_job.py`: `python -m cifar_core.data.checks.check_process`."""

from cifar_core.data.checks.check import check_dataset
from cifar_core.data.checks.check_job import checked_by
from cifar_core.data.store import open_dataset
from cifar_core.jobs.job import JobFolder, Request
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.workspace import Workspace


def check(job: JobFolder, _request: Request, reporter: Reporter) -> None:
    """Check the dataset, and keep what was found with it."""
    reporter.check_cancel()
    workspace = Workspace(job.path.parents[2])  # of data/.jobs/NAME.check, which `check_job` named
    check_dataset(workspace, open_dataset(workspace, checked_by(job)), reporter)


if __name__ == "__main__":
    run_job_process(Request, check)
