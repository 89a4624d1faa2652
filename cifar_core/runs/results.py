"""What a run has to show: its metrics and its predictions, read without torch."""

import contextlib
import json
import lzma
import zipfile
import zlib
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from cifar_core.config import spec_of
from cifar_core.data import Dataset, open_dataset
from cifar_core.errors import MALFORMED_ARRAY, RunError
from cifar_core.files import read_start
from cifar_core.runs.facts import Facts, read_facts
from cifar_core.runs.folder import METRICS, MOST_BYTES, RunFolder, run_folder
from cifar_core.runs.schema import Predictions, Run
from cifar_core.text import one_line
from cifar_core.train import EpochLine, best_line, epoch_line
from cifar_core.workspace import Workspace

MALFORMED = (*MALFORMED_ARRAY, zipfile.BadZipFile, zlib.error, lzma.LZMAError)  # an .npz is a zip of arrays
_MOST_LINES = int(spec_of("epochs").high)
_COLUMNS = [item.name for item in fields(EpochLine)]


def read_lines(folder: RunFolder) -> tuple[list[EpochLine], list[str]]:
    """The epochs logged so far and a sentence for what cannot be read (a torn last line is no fault).

    A file that is longer than that of any run costs no more than the longest.
    """
    try:
        texts = read_start(folder.text_of(METRICS), MOST_BYTES[METRICS]).split(b"\n")[:-1]
    except FileNotFoundError:
        return [], []
    except OSError as error:
        return [], [f"{METRICS} cannot be read ({error.strerror})."]
    lines: list[EpochLine] = []
    problems: list[str] = []
    for number, content in enumerate(_decoded(texts[:_MOST_LINES]), start=1):
        try:
            if isinstance(content, Exception):
                raise content
            lines.append(epoch_line(content))
        except (ValueError, RecursionError) as error:
            problems.append(f"Line {number} of {METRICS} cannot be read ({error}).")
    if len(texts) > _MOST_LINES:
        problems.append(f"{METRICS} has more than {_MOST_LINES:,} lines: the rest is not read.")
    return lines, problems


def _decoded(texts: list[bytes]) -> list[Any]:
    """What each line says, or the error that it is; all at once where they are good, for lists of runs are long."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(b"[" + b",".join(texts) + b"]")
        if len(found) == len(texts):  # a line with a comma of its own would be two
            return list(found)
    return [_decode(text) for text in texts]


def _decode(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return error


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
    """Probabilities for the whole test set after one epoch; without `epoch` those of the best one that is logged.

    Raises:
        RunError: no such run, no predictions yet, no such epoch, a damaged file, or one of another dataset.
    """
    folder = run_folder(workspace, run_id)
    best = best_line(read_lines(folder)[0])
    try:
        with np.load(folder.predictions, allow_pickle=False) as stored:
            labels, probs, ids = stored["labels"], stored["probs"], stored["ids"]
            names, at = tuple(str(name) for name in stored["class_names"]), int(stored["epoch"])
        wanted = (best.epoch if best else at) if epoch is None else epoch
        if wanted != at:  # also where a crash came between the file of a new best epoch and the line that announces it
            probs = _history(folder, wanted)
    except FileNotFoundError as error:
        if best is None:
            raise RunError(f"Run {run_id} has no predictions yet: they come with its first finished epoch.") from error
        raise RunError(f"The predictions of run {run_id} are missing{_way_out(run_id)}") from error
    except MALFORMED as error:
        raise RunError(
            f"The predictions of run {run_id} cannot be read ({one_line(error)}){_way_out(run_id)}"
        ) from error
    _check_predictions(run_id, read_facts(folder), Predictions(labels, probs, ids, names, "test", wanted))
    return Predictions(labels, probs, ids, names, "test", wanted)


def _check_predictions(run_id: str, facts: Facts | None, found: Predictions) -> None:
    shapes = f"{list(found.labels.shape)} labels, {list(found.probs.shape)} probs, {len(found.class_names)} classes"
    count = len(found.labels)
    fits = found.labels.shape == found.ids.shape == (count,) and found.probs.shape == (count, len(found.class_names))
    if not fits or found.labels.dtype != np.int64 or found.probs.dtype != np.float32:
        raise RunError(f"The predictions of run {run_id} do not fit together: {shapes}{_way_out(run_id)}")
    if count and not (found.labels.min() >= 0 and found.labels.max() < len(found.class_names)):
        raise RunError(f"The predictions of run {run_id} have labels that are none of their classes{_way_out(run_id)}")
    if not np.isfinite(found.probs).all():
        raise RunError(f"The predictions of run {run_id} are not all numbers{_way_out(run_id)}")
    known = facts.dataset.test if facts else count
    if known != count:
        raise RunError(
            f"The predictions of run {run_id} are of another dataset: {count:,} pictures, not {known:,}{_way_out(run_id)}"
        )


def _way_out(run_id: str) -> str:
    """The end of every sentence on damaged predictions."""
    return f": `runs recompute {run_id}` makes them anew, and so does the Confusion page."


def open_run_dataset(workspace: Workspace, run: Run) -> Dataset:
    """The very dataset a run was trained on.

    Raises:
        DataError: it is absent or broken.
        RunError: the run cannot be read, has not opened its data yet, or the dataset of that name is another one now.
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


def _history(folder: RunFolder, epoch: int) -> np.ndarray:
    path = folder.history(epoch)
    if not path.exists():
        raise RunError(f"Run {folder.path.name} has no predictions of epoch {epoch}: choose one that it has finished.")
    return np.load(path, allow_pickle=False)
