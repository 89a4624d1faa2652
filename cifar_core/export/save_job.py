"""Saves pictures of a run into a folder under `exports/` as a job (`save_process.py`), whose folder is that of the run.

One save of a run is made at a time; the report of its job is how many pictures were saved, and where.
"""

from dataclasses import dataclass

import pandas as pd

from cifar_core.errors import ConfigError, RunError
from cifar_core.export.pictures import count_problems
from cifar_core.jobs.job import JobFolder, Request, read_request
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class SaveRequest(Request):
    """Which pictures are to be saved, and how."""

    epoch: int  # whose predictions are saved with them
    indices: list[int]  # of the pictures in the test part, in rank order
    label: str  # part of the name of the folder
    enlarge: int  # each pixel becomes a square of this width
    against: str = ""  # run and epoch, as `RUN@3`, whose answers stand beside them in the table; empty for none


def save_job(workspace: Workspace, run_id: str) -> JobFolder:
    """The job that saves pictures of a run; RunError without such a run."""
    return run_folder(workspace, run_id).job("save")


def start_save(
    workspace: Workspace,
    run_id: str,
    epoch: int,
    selection: pd.DataFrame,
    *,
    label: str,
    enlarge: int = 1,
    against: str = "",
) -> None:
    """Start to save pictures of a run; if the same save is in progress already, nothing is done.

    Args:
        workspace: where the run is, and the folder will be.
        run_id: of the run.
        epoch: whose predictions are saved with the pictures.
        selection: rows of the run's sample table in rank order.
        label, enlarge: as `save_samples`.
        against: run and epoch, as `RUN@3`, whose answers stand beside them in the table; empty for none.

    Raises:
        ConfigError: no pictures are selected, or too many.
        RunError: no such run, or other pictures of it are being saved.
        StorageError: the process could not be started.
    """
    if problems := count_problems(len(selection)):
        raise ConfigError(problems)
    job, indices = save_job(workspace, run_id), selection["index"].tolist()
    request = SaveRequest("save", epoch, indices, label, enlarge, against)
    if not start_job(job, Program.SAVE_PICTURES, request) and read_request(job, SaveRequest) != request:
        raise RunError(f"Other pictures of run {run_id} are being saved: wait until that is done, or cancel it.")
