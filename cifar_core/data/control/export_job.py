"""Starts the export of a dataset as a job (`export_process.py`), whose folder is `data/.jobs/<name>.export/`.

Its report is the path of the .zip.
"""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.store import checked_dataset_name, open_dataset
from cifar_core.errors import DataError
from cifar_core.jobs.job import JobFolder, Request, read_request
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.workspace import Workspace

_ENDING = ".export"  # behind the name of the dataset; no dataset can have a name with a dot


@dataclass(frozen=True)
class ExportRequest(Request):
    """Which dataset is to be exported, and where to."""

    dataset: str
    out: str = ""  # absolute path; empty = `export_path`


def export_job(workspace: Workspace, name: str) -> JobFolder:
    """The job that exports this dataset; DataError for a name that no dataset may have."""
    return JobFolder(workspace.jobs / f"{checked_dataset_name(name)}{_ENDING}")


def start_export(workspace: Workspace, name: str, out: Path | None = None) -> None:
    """Export a stored dataset as a job (`exporting.py: export_dataset`); the same export is not started twice.

    Raises:
        DataError: the dataset is absent or broken, or it is being exported to another place.
        StorageError: the process could not be started.
    """
    open_dataset(workspace, name)
    job = export_job(workspace, name)
    request = ExportRequest("export", name, str(out.absolute()) if out is not None else "")
    if not start_job(job, Program.EXPORT_DATASET, request) and read_request(job, ExportRequest) != request:
        raise DataError(f"The dataset {name} is being exported to another place: wait until that is done.")
