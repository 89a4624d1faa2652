"""What a run has to show: its metrics and its predictions, read without torch."""

import json
import zipfile
from dataclasses import fields

import numpy as np
import pandas as pd

from cifar_core.data import Dataset, open_dataset
from cifar_core.errors import RunError
from cifar_core.files import whole_lines_end
from cifar_core.runs.folder import RunFolder, run_folder
from cifar_core.runs.schema import Predictions, Run
from cifar_core.train import EpochLine
from cifar_core.workspace import Workspace

_COLUMNS = [item.name for item in fields(EpochLine)]


def read_lines(folder: RunFolder) -> tuple[list[EpochLine], list[str]]:
    """The epochs logged so far and a sentence for every line that cannot be read (a torn last line is no fault)."""
    if not folder.metrics.exists():
        return [], []
    content = folder.metrics.read_bytes()[: whole_lines_end(folder.metrics)]
    lines, problems = [], []
    for number, text in enumerate(content.splitlines(), start=1):
        try:
            lines.append(EpochLine(**json.loads(text)))
        except (ValueError, TypeError) as error:
            problems.append(f"Line {number} of {folder.metrics.name} cannot be read ({error}).")
    return lines, problems


def read_metrics(workspace: Workspace, run_id: str) -> pd.DataFrame:
    """A row an epoch, columns as the fields of `EpochLine`; accuracies are fractions.

    Raises:
        RunError: no such run.
    """
    lines, _ = read_lines(run_folder(workspace, run_id))
    frame = pd.DataFrame([[getattr(line, name) for name in _COLUMNS] for line in lines], columns=_COLUMNS)
    return frame.astype({name: "float64" for name in _COLUMNS if name != "epoch"}).astype({"epoch": "int64"})


def epoch_ends(workspace: Workspace, run_id: str) -> list[float]:
    """When each logged epoch's results reached the disk, in seconds since 1970.

    Raises:
        RunError: no such run.
    """
    folder = run_folder(workspace, run_id)
    lines, _ = read_lines(folder)
    return [folder.history(line.epoch).stat().st_mtime for line in lines if folder.history(line.epoch).exists()]


def read_predictions(workspace: Workspace, run_id: str, epoch: int | None = None) -> Predictions:
    """Probabilities for the whole test set after one epoch; without `epoch` those of the best one.

    Raises:
        RunError: no such run, no predictions yet, no such epoch, or a damaged file.
    """
    folder = run_folder(workspace, run_id)
    try:
        with np.load(folder.predictions, allow_pickle=False) as stored:
            labels, probs, ids = stored["labels"], stored["probs"], stored["ids"]
            names, best = tuple(str(name) for name in stored["class_names"]), int(stored["epoch"])
        if epoch is not None and epoch != best:
            probs = _history(folder, epoch)
    except FileNotFoundError as error:
        raise RunError(f"Run {run_id} has no predictions yet: they come with its first finished epoch.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise RunError(f"The predictions of run {run_id} cannot be read ({error}).") from error
    if not len(labels) == len(probs) == len(ids) or probs.ndim != 2 or probs.shape[1] != len(names):
        raise RunError(
            f"The predictions of run {run_id} do not fit together: {len(labels)} labels, {probs.shape} probs."
        )
    return Predictions(labels, probs, ids, names, "test", best if epoch is None else epoch)


def open_run_dataset(workspace: Workspace, run: Run) -> Dataset:
    """The very dataset a run was trained on.

    Raises:
        DataError: it is absent or broken.
        RunError: the run has not opened its data yet, or the dataset of that name is another one now.
    """
    if run.dataset is None:
        raise RunError(f"Run {run.id} has not opened its dataset yet: wait for its first epoch.")
    dataset = open_dataset(workspace, run.dataset.name)
    if dataset.fingerprint != run.dataset.fingerprint:
        raise RunError(
            f"The dataset {dataset.name} is not the one run {run.id} was trained on (its fingerprint differs): "
            "its pictures would not match the predictions. Train a new run on it."
        )
    return dataset


def _history(folder: RunFolder, epoch: int) -> np.ndarray:
    path = folder.history(epoch)
    if not path.exists():
        raise RunError(f"Run {folder.path.name} has no predictions of epoch {epoch}: choose one that it has finished.")
    return np.load(path, allow_pickle=False)
