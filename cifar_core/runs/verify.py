"""Verifies a run (`runs verify`): its files are there, can be read, keep their hashes, and agree with one another."""

from pathlib import Path

import numpy as np

from cifar_core.data.array_files import Shape
from cifar_core.errors import CifarCoreError, RunError
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed, check_old
from cifar_core.runs.listing import read_run
from cifar_core.runs.records import require_unedited
from cifar_core.runs.results import UNREADABLE, read_history, read_lines, read_predictions, reason_of
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.runs.tensor_limits import most_checkpoint
from cifar_core.runs.transfer.audit import check_weights
from cifar_core.storage.json_types import MAX_CLASSES, MAX_PICTURES
from cifar_core.train import EpochLine
from cifar_core.workspace import Workspace

_TOLERANCE = 1e-6
_ROUNDING = 1e-3  # of the sum of a picture's probabilities


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
    lines, problems = read_lines(folder)
    for number, line in enumerate(lines, start=1):
        if line.epoch != number:
            problems.append(f"metrics.jsonl has epoch {line.epoch} where epoch {number} is expected.")
    problems += _predictions_problems(workspace, folder, run, lines)
    if run.active:
        return problems
    return problems + _network_problems(folder, run)


def _predictions_problems(workspace: Workspace, folder: RunFolder, run: Run, lines: list[EpochLine]) -> list[str]:
    """Compares the predictions of each epoch with its line of metrics, and checks labels and ids of the best epoch."""
    labels: np.ndarray | None = None
    shape: Shape = (run.dataset.test, len(run.dataset.class_names)) if run.dataset else (None, None)
    problems = []
    if run.best is not None:
        try:
            found = read_predictions(workspace, folder.path.name)
            labels, shape = found.labels, found.probs.shape
            problems += _probs_problem(found.probs, run.best, labels)
        except CifarCoreError as error:
            problems.append(str(error))
    for line in lines:
        if run.best is not None and line.epoch == run.best.epoch and problems:
            continue
        try:
            probs = read_history(folder, line.epoch, shape)
        except RunError:
            problems.append(f"The predictions of epoch {line.epoch} are missing.")
        except UNREADABLE as error:
            problems.append(f"The predictions of epoch {line.epoch} cannot be read ({reason_of(error)}).")
        else:
            problems += _probs_problem(probs, line, labels)
    return problems


def _probs_problem(probs: np.ndarray, line: EpochLine, labels: np.ndarray | None) -> list[str]:
    if not np.isfinite(probs).all() or np.abs(probs.sum(1) - 1).max(initial=0.0) > _ROUNDING:
        return [f"The predictions of epoch {line.epoch} hold values that are not probabilities."]
    if labels is None:
        return []
    accuracy = float(np.mean(probs.argmax(1) == labels))
    if abs(accuracy - line.test_accuracy) <= _TOLERANCE:
        return []
    return [
        f"The predictions of epoch {line.epoch} give {accuracy:.4f} test accuracy, the metrics say "
        f"{line.test_accuracy:.4f}."
    ]


def _network_problems(folder: RunFolder, run: Run) -> list[str]:
    """Checks the checkpoints and the best weights; without a known dataset, the largest allowed sizes are the limit."""
    classes, train = (len(run.dataset.class_names), run.dataset.train) if run.dataset else (MAX_CLASSES, MAX_PICTURES)
    try:
        most = most_checkpoint(run.config.model, classes, train)
    except CifarCoreError as error:
        return [str(error)]
    problems = [problem for path in checkpoint_files(folder) if (problem := _checkpoint_problem(path, most))]
    if run.best is not None:
        try:
            check_weights(folder, run.best.epoch, run.config.model, classes)
        except ValueError as error:
            problems.append(f"The best weights are damaged: {error}.")
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
