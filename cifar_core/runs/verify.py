"""Is a run whole? Checks that its files are there, readable and agree with one another."""

import numpy as np

from cifar_core.errors import CifarCoreError
from cifar_core.runs.folder import run_folder
from cifar_core.runs.results import read_lines, read_predictions
from cifar_core.runs.store import read_run
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
        if not folder.history(line.epoch).exists():
            problems.append(f"The predictions of epoch {line.epoch} are missing.")
    if run.best is None or run.active:
        return problems
    if not folder.weights.exists():
        problems.append("The best weights (best.safetensors) are missing.")
    try:
        best = read_predictions(workspace, run_id)
        accuracy = float(np.mean(best.probs.argmax(1) == best.labels))
    except CifarCoreError as error:
        return [*problems, str(error)]
    if best.epoch != run.best.epoch:
        problems.append(f"The saved predictions are of epoch {best.epoch}, but the best epoch is {run.best.epoch}.")
    elif abs(accuracy - run.best.test_accuracy) > _TOLERANCE:
        problems.append(
            f"The saved predictions give {accuracy:.4f} test accuracy, the metrics say {run.best.test_accuracy:.4f}."
        )
    return problems
