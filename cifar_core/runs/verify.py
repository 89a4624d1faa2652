"""Is a run whole? Checks that its files are there, readable and agree with one another."""

import hashlib

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError

from cifar_core.errors import CifarCoreError
from cifar_core.runs.folder import RunFolder, run_folder
from cifar_core.runs.results import read_lines, read_predictions
from cifar_core.runs.store import read_run
from cifar_core.train import EpochLine
from cifar_core.workspace import Workspace

_TOLERANCE = 1e-6


def verify_run(workspace: Workspace, run_id: str) -> list[str]:
    """Every fault of a run, a sentence each; an empty list means whole.

    Raises:
        RunError: no such run.
    """
    folder = run_folder(workspace, run_id)
    try:
        run = read_run(workspace, run_id)
    except CifarCoreError as error:
        return [str(error)]
    lines, problems = read_lines(folder)
    for number, line in enumerate(lines, start=1):
        if line.epoch != number:
            problems.append(f"metrics.jsonl names epoch {line.epoch} where epoch {number} belongs.")
        problems += _history_problems(folder, line)
    if run.active:
        return problems
    problems += _checkpoint_problems(folder)
    return problems if run.best is None else problems + _best_problems(workspace, folder, run.best)


def _history_problems(folder: RunFolder, line: EpochLine) -> list[str]:
    try:
        probs = np.load(folder.history(line.epoch), allow_pickle=False)
    except FileNotFoundError:
        return [f"The predictions of epoch {line.epoch} are missing."]
    except (OSError, ValueError, EOFError) as error:
        return [f"The predictions of epoch {line.epoch} cannot be read ({error})."]
    return [] if np.isfinite(probs).all() else [f"The predictions of epoch {line.epoch} are not all numbers."]


def _checkpoint_problems(folder: RunFolder) -> list[str]:
    if not folder.checkpoint.exists():
        return []
    content = folder.checkpoint.read_bytes()
    whole = hashlib.sha256(content[32:]).digest() == content[:32]
    return [] if whole else ["The checkpoint is damaged (its hash does not match), so the run cannot be resumed."]


def _best_problems(workspace: Workspace, folder: RunFolder, best: EpochLine) -> list[str]:
    problems = []
    try:
        weights = safetensors.numpy.load_file(folder.weights)
        if not all(np.isfinite(values).all() for values in weights.values()):
            problems.append("The best weights are not all numbers.")
    except FileNotFoundError:
        problems.append("The best weights (best.safetensors) are missing.")
    except (OSError, SafetensorError) as error:
        problems.append(f"The best weights (best.safetensors) cannot be read ({error}).")
    try:
        found = read_predictions(workspace, folder.path.name)
    except CifarCoreError as error:
        return [*problems, str(error)]
    accuracy = float(np.mean(found.probs.argmax(1) == found.labels))
    if found.epoch != best.epoch:
        problems.append(f"The saved predictions are of epoch {found.epoch}, but the best epoch is {best.epoch}.")
    elif abs(accuracy - best.test_accuracy) > _TOLERANCE:
        problems.append(
            f"The saved predictions give {accuracy:.4f} test accuracy, the metrics say {best.test_accuracy:.4f}."
        )
    return problems
