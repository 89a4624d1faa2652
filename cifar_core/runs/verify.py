"""Is a run whole? Checks that its files are there, readable and agree with one another."""

import hashlib
from pathlib import Path

import numpy as np
import safetensors.numpy

from cifar_core.errors import CifarCoreError
from cifar_core.runs.facts import require_unedited
from cifar_core.runs.folder import RunFolder, checkpoint_files, run_folder
from cifar_core.runs.results import MALFORMED, read_lines, read_predictions
from cifar_core.runs.schema import Run
from cifar_core.runs.sealed import DamagedError, read_sealed
from cifar_core.runs.store import read_run
from cifar_core.text import one_line
from cifar_core.train import EpochLine
from cifar_core.workspace import Workspace

_TOLERANCE = 1e-6
_ROUNDING = 1e-3  # of the sum of a picture's probabilities
_HASH = 32  # bytes of SHA-256 in front of a checkpoint of schema 1


def verify_run(workspace: Workspace, run_id: str) -> list[str]:
    """Every fault of a run, a sentence each; an empty list means whole.

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
            problems.append(f"metrics.jsonl names epoch {line.epoch} where epoch {number} belongs.")
    problems += _predictions_problems(workspace, folder, run, lines)
    if run.active:
        return problems
    problems += [problem for path in checkpoint_files(folder) if (problem := _checkpoint_problem(path))]
    return problems if run.best is None else problems + _weights_problems(folder.weights(run.best.epoch))


def _predictions_problems(workspace: Workspace, folder: RunFolder, run: Run, lines: list[EpochLine]) -> list[str]:
    """Of each epoch, against what its line says; the best one's with all that belongs to them."""
    labels = None
    problems = []
    if run.best is not None:
        try:
            found = read_predictions(workspace, folder.path.name)
            labels = found.labels
            problems += _probs_problem(found.probs, run.best, labels)
        except CifarCoreError as error:
            problems.append(str(error))
    for line in lines:
        if run.best is not None and line.epoch == run.best.epoch and problems:
            continue
        try:
            probs = np.load(folder.history(line.epoch), allow_pickle=False)
        except FileNotFoundError:
            problems.append(f"The predictions of epoch {line.epoch} are missing.")
        except MALFORMED as error:
            problems.append(f"The predictions of epoch {line.epoch} cannot be read ({one_line(error)}).")
        else:
            problems += _probs_problem(probs, line, labels)
    return problems


def _probs_problem(probs: np.ndarray, line: EpochLine, labels: np.ndarray | None) -> list[str]:
    if probs.ndim != 2 or probs.dtype != np.float32:
        return [f"The predictions of epoch {line.epoch} are {probs.dtype} {list(probs.shape)}, not float32 [N, K]."]
    if not np.isfinite(probs).all() or np.abs(probs.sum(1) - 1).max(initial=0.0) > _ROUNDING:
        return [f"The predictions of epoch {line.epoch} are not all probabilities."]
    if labels is None:
        return []
    if len(probs) != len(labels):
        return [f"The predictions of epoch {line.epoch} are of {len(probs):,} pictures, not of {len(labels):,}."]
    accuracy = float(np.mean(probs.argmax(1) == labels))
    if abs(accuracy - line.test_accuracy) <= _TOLERANCE:
        return []
    return [
        f"The predictions of epoch {line.epoch} give {accuracy:.4f} test accuracy, the metrics say "
        f"{line.test_accuracy:.4f}."
    ]


def _checkpoint_problem(path: Path) -> str:
    try:
        if path.suffix != ".pt":
            read_sealed(path)
        else:
            content = path.read_bytes()
            if hashlib.sha256(content[_HASH:]).digest() != content[:_HASH]:
                raise DamagedError("its SHA-256 does not match")
    except DamagedError as error:
        return f"The checkpoint {path.name} is damaged: {error}. Resuming passes it over."
    return ""


def _weights_problems(path: Path) -> list[str]:
    try:
        content, _ = read_sealed(path, required=False)
        weights = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, *MALFORMED) as error:
        return [f"The best weights ({path.name}) cannot be used: {one_line(error)}."]
    finite = all(np.isfinite(values).all() for values in weights.values())
    return [] if finite else [f"The best weights ({path.name}) are not all numbers."]
