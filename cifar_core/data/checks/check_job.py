"""Starts the check of a dataset that was stored before there were checks, as a job (`check_process.py`)."""

from cifar_core.data.store import checked_dataset_name, open_dataset
from cifar_core.jobs.job import JobFolder, Request
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.workspace import Workspace

_ENDING = ".check"  # behind the name of the dataset; no dataset can have a name with a dot


def check_job(workspace: Workspace, name: str) -> JobFolder:
    """The job that checks this dataset; DataError for a name that no dataset may have."""
    return JobFolder(workspace.jobs / f"{checked_dataset_name(name)}{_ENDING}")


def checked_by(job: JobFolder) -> str:
    """The name of the dataset that a job checks."""
    return job.path.name.removesuffix(_ENDING)


def start_check(workspace: Workspace, name: str) -> None:
    """Check a stored dataset as a job; one that is in progress is not started again.

    Raises:
        DataError: it is absent or broken.
        StorageError: the process could not be started.
    """
    open_dataset(workspace, name)
    start_job(check_job(workspace, name), Program.CHECK_DATASET, Request("check"))
