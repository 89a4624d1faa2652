"""Verifies a run (`runs verify`): its files are there, can be read, keep their hashes, and agree with one another."""

from pathlib import Path

from cifar_core.errors import CifarCoreError
from cifar_core.runs.analyses.files import kept_faults
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed, check_old
from cifar_core.runs.listing import read_run
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.records import read_creation, read_training_record, require_unedited
from cifar_core.runs.result_checks import ResultChecks
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.runs.tensor_limits import most_checkpoint
from cifar_core.storage.json_types import MAX_CLASSES, MAX_PICTURES
from cifar_core.workspace import Workspace


def verify_run(workspace: Workspace, run_id: str) -> list[str]:
    """A sentence for each fault of a run; an empty list means that the run is whole.

    Raises:
        RunError: no such run.
    """
    folder = run_folder(workspace, run_id)
    try:
        run = read_run(workspace, run_id)
        require_unedited(folder, run.config)
    except CifarCoreError as error:
        return [str(error)]
    checks = ResultChecks(as_stored(folder), read_creation(folder), run.config, read_training_record(folder))
    problems = [*(f"{fault}." for fault in checks.faults(weights=not run.active)), *kept_faults(folder)]
    return problems if run.active else problems + _checkpoint_problems(folder, run)


def _checkpoint_problems(folder: RunFolder, run: Run) -> list[str]:
    """Checks the checkpoints; without a known dataset, the largest allowed sizes are the limit."""
    classes, train = (len(run.dataset.class_names), run.dataset.train) if run.dataset else (MAX_CLASSES, MAX_PICTURES)
    try:
        most = most_checkpoint(run.config.model, classes, train)
    except CifarCoreError as error:
        return [str(error)]
    problems = [_checkpoint_problem(path, most) for path in checkpoint_files(folder)]
    return [*filter(None, problems), *_start_problems(folder)]


def _start_problems(folder: RunFolder) -> list[str]:
    """Checks what the run begins with, where it goes on from another run and has not finished."""
    problems = []
    for path in (folder.start_weights, folder.start_optimizer):
        if path.exists():
            try:
                check_hashed(path, path.stat().st_size, required=False)
            except DamagedError as error:
                problems.append(f"{path.relative_to(folder.path).as_posix()} is damaged: {error}.")
    return problems


def _checkpoint_problem(path: Path, most: int) -> str:
    try:
        if path.suffix != ".pt":
            check_hashed(path, most)
        else:
            check_old(path, most)
    except DamagedError as error:
        return f"The checkpoint {path.name} is damaged: {error}. Resuming passes it over."
    return ""
