"""The results of a run: reads its metrics and its predictions, without torch."""

import contextlib
import json
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from cifar_core.config import spec_of
from cifar_core.data import Dataset, open_dataset
from cifar_core.data.array_files import Shape, open_npz, read_npy
from cifar_core.errors import DataError, RunError
from cifar_core.runs.records import read_training_record
from cifar_core.runs.run import DatasetFacts, Predictions, Run
from cifar_core.runs.run_folder import METRICS, MOST_BYTES, RunFolder, run_folder
from cifar_core.storage.json_files import read_start
from cifar_core.text import one_line
from cifar_core.train import EpochLine, best_line, epoch_line
from cifar_core.workspace import Workspace

UNREADABLE = (OSError, ValueError, DataError)  # what reading an array of unknown origin may raise
_MAX_LINES = int(spec_of("epochs").high)
_MAX_LINE = 2000  # bytes; a line that this program writes has about 300
_COLUMNS = [item.name for item in fields(EpochLine)]


def read_lines(folder: RunFolder) -> tuple[list[EpochLine], list[str]]:
    """The epochs logged so far, and a sentence for each line that cannot be read.

    A last line without its line break is still being written and is no fault. Of a file that is longer than that of any
    run only the beginning is read.
    """
    try:
        texts = read_start(folder.text_of(METRICS), MOST_BYTES[METRICS]).split(b"\n", _MAX_LINES + 1)[:-1]
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{METRICS} cannot be read ({error.strerror})."]
    lines: list[EpochLine] = []
    problems: list[str] = []
    for number, content in enumerate(_decoded(texts[:_MAX_LINES]), start=1):
        try:
            if isinstance(content, Exception):
                raise content
            lines.append(epoch_line(content))
        except (ValueError, RecursionError) as error:
            problems.append(f"Line {number} of {METRICS} cannot be read ({error}).")
    if len(texts) > _MAX_LINES:
        problems.append(f"{METRICS} has more than {_MAX_LINES:,} lines: the rest is not read.")
    return lines, problems


def _decoded(texts: list[bytes]) -> list[Any]:
    """The JSON value of each line, or the error of reading it; all are read at once where possible, which is faster."""
    with contextlib.suppress(ValueError, RecursionError):
        if max(map(len, texts), default=0) > _MAX_LINE:
            raise ValueError("one is too long")
        found = json.loads(b"[" + b",".join(texts) + b"]")
        if len(found) == len(texts):  # a damaged line such as `1, 2` gives two values
            return list(found)
    return [_decode(text) for text in texts]


def _decode(text: bytes) -> Any:
    if len(text) > _MAX_LINE:
        return ValueError(f"it has more than {_MAX_LINE:,} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return error


def read_metrics(workspace: Workspace, run_id: str) -> pd.DataFrame:
    """A row for each epoch, with the fields of `EpochLine` as columns; accuracies are fractions.

    Raises:
        RunError: no such run.
    """
    lines, _ = read_lines(run_folder(workspace, run_id))
    frame = pd.DataFrame([[getattr(line, name) for name in _COLUMNS] for line in lines], columns=_COLUMNS)
    return frame.astype({name: "float64" for name in _COLUMNS if name != "epoch"}).astype({"epoch": "int64"})


def epoch_ends(workspace: Workspace, run_id: str) -> list[float]:
    """When the results of each logged epoch were written to the disk, in seconds since 1970.

    Raises:
        RunError: no such run.
    """
    folder = run_folder(workspace, run_id)
    lines, _ = read_lines(folder)
    return [folder.history(line.epoch).stat().st_mtime for line in lines if folder.history(line.epoch).exists()]


def read_predictions(workspace: Workspace, run_id: str, epoch: int | None = None) -> Predictions:
    """Probabilities for the whole test set after one epoch; without `epoch` those of the best logged epoch.

    Raises:
        RunError: no such run, no predictions yet, no such epoch, or a file that is damaged or of another dataset.
    """
    folder = run_folder(workspace, run_id)
    best, record = best_line(read_lines(folder)[0]), read_training_record(folder)
    wanted = best.epoch if best and epoch is None else epoch
    try:
        return _read_predictions(folder, record.dataset if record else None, wanted)
    except FileNotFoundError as error:
        if best is None:
            raise RunError(f"Run {run_id} has no predictions yet: they come with its first finished epoch.") from error
        raise RunError(f"The predictions of run {run_id} are missing{_recompute_hint(run_id)}") from error
    except UNREADABLE as error:
        raise RunError(
            f"The predictions of run {run_id} cannot be read ({reason_of(error)}){_recompute_hint(run_id)}"
        ) from error


def _read_predictions(folder: RunFolder, data: DatasetFacts | None, wanted: int | None) -> Predictions:
    """The predictions of an epoch; None means that of predictions.npz. Refuses arrays of unexpected shapes."""
    with open_npz(folder.predictions) as arrays:
        stored = int(arrays.read("epoch.npy", "<i8", ()))
        labels = arrays.read("labels.npy", "<i8", (data.test if data else None,))
        ids = arrays.read("ids.npy", "<U", labels.shape)
        names = arrays.read("class_names.npy", "<U", (len(data.class_names) if data else None,))
        shape, epoch = (len(labels), len(names)), stored if wanted is None else wanted
        probs = arrays.read("probs.npy", "<f4", shape) if epoch == stored else None
    if probs is None:  # also after a crash between writing predictions.npz of a new best epoch and logging that epoch
        probs = read_history(folder, epoch, shape)
    return Predictions(labels, probs, names.tolist(), ids, "test", epoch)


def reason_of(error: Exception) -> str:
    """Why an array could not be read, as text; `error` is one of `UNREADABLE`."""
    return f"it {one_line(error)}" if isinstance(error, ValueError) else one_line(error).rstrip(".")


def read_history(folder: RunFolder, epoch: int, shape: Shape) -> np.ndarray:
    """Test probabilities float32 [N, K] after an epoch.

    Raises:
        UNREADABLE: the file cannot be read or its array has another shape.
        RunError: there is no such file.
    """
    path = folder.history(epoch)
    if not path.exists():
        raise RunError(f"Run {folder.path.name} has no predictions of epoch {epoch}: choose one that it has finished.")
    return read_npy(path, "<f4", shape)


def _recompute_hint(run_id: str) -> str:
    """The end of every sentence about damaged predictions: how to get them back."""
    return f": `runs recompute {run_id}` computes them again, and so does the Confusion page."


def open_run_dataset(workspace: Workspace, run: Run) -> Dataset:
    """The dataset that a run was trained on.

    Raises:
        DataError: it is absent or broken.
        RunError: the run cannot be read, has not opened its data yet, or the dataset's content has changed.
    """
    if run.problem:
        raise RunError(run.problem)
    if run.dataset is None:
        raise RunError(f"Run {run.id} has not opened its dataset yet: wait for its first epoch.")
    dataset = open_dataset(workspace, run.dataset.name)
    if dataset.fingerprint != run.dataset.fingerprint:
        raise RunError(
            f"The dataset {dataset.name} is not the one run {run.id} was trained on (its fingerprint differs): "
            "its pictures would not match the predictions. Train a new run on it."
        )
    return dataset
