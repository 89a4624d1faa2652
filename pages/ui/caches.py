"""Caches that reruns and sessions share: opened datasets, predictions and tables, keyed by the files they come from.

Everything returned is shared and must not be changed in place. Few entries are kept, since
10,000 predictions of ten classes take 2 MB, and of large predictions only two. Datasets are memory maps.
"""

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.config import RunConfig
from cifar_core.data import Dataset, Split, open_dataset
from cifar_core.errors import RunError
from cifar_core.evaluate import ConfusionMatrix, Normalisation, averages, class_report, confusion_matrix
from cifar_core.figures import largest_value
from cifar_core.runs import (
    Predictions,
    Run,
    list_runs,
    open_run_dataset,
    read_metrics,
    read_predictions,
    repeats_of,
    wrong_counts,
)
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples import SampleFilter, prediction_table, select_samples
from cifar_core.text import MB
from cifar_core.train import training_parts, unvalidated_classes
from cifar_core.workspace import Workspace

T = TypeVar("T")
_LARGE_FILE_BYTES = 2 * MB  # of probabilities; the tables made of it take several times as much


@dataclass(frozen=True)
class Findings:
    """Predictions of one run at one epoch, with the tables that the pages under Look show."""

    predictions: Predictions
    table: pd.DataFrame  # of `prediction_table`
    matrix: ConfusionMatrix
    classes: pd.DataFrame  # of `class_report`
    averages: pd.DataFrame


@dataclass(frozen=True)
class WorstMistakes:
    """A few pictures that a run gets most wrong, small enough to be kept for many runs."""

    rows: list[dict[Hashable, Any]]  # of `prediction_table`, the highest loss first
    images: np.ndarray  # uint8 [rows, 3, 32, 32]


def load_findings(workspace: Workspace, run: Run, epoch: int | None = None) -> Findings:
    """Return the predictions of a run with the tables made from them; without `epoch`, those of its best epoch.

    Raises:
        RunError: there are none yet, or they cannot be read.
    """
    wanted = epoch or (run.best.epoch if run.best else None)
    load = _load_large_findings if _are_large(workspace, run, wanted) else _load_findings
    return load(workspace, run.id, wanted, findings_identity(workspace, run, wanted))


def load_best_table(workspace: Workspace, run: Run) -> pd.DataFrame:
    """Return the table of `load_findings` at a run's best epoch, for who asks many runs: large ones are not kept.

    Raises:
        RunError: its predictions cannot be read.
    """
    if _are_large(workspace, run, run.best.epoch if run.best else None):
        return prediction_table(read_predictions(workspace, run.id))
    return load_findings(workspace, run).table


def findings_identity(workspace: Workspace, run: Run, epoch: int | None) -> tuple[object, ...]:
    """Return what distinguishes the predictions of an epoch: resuming a run elsewhere may compute it again."""
    folder = as_stored(RunFolder(workspace.runs / run.id))
    return run.created, *map(file_identity, (folder.samples("test"), folder.probs("test", epoch or 0)))


def load_wrong_counts(workspace: Workspace, run: Run) -> pd.DataFrame | None:
    """Return `wrong_counts` of a run and its repeats with other seeds; None where fewer than two can be read."""
    repeats = repeats_of(list_runs(workspace), run)
    if not repeats:
        return None
    folders = [as_stored(RunFolder(workspace.runs / each.id)) for each in repeats]
    probs = [folder.probs("test", each.best.epoch) for folder, each in zip(folders, repeats, strict=True) if each.best]
    return _load_wrong_counts(workspace, repeats, tuple(map(file_identity, probs)))


def largest_cell(
    workspace: Workspace, run: Run, epochs: Collection[int], by: Normalisation, hide_diagonal: bool
) -> float:
    """Return the largest value that the confusion matrices of these epochs show; epochs that cannot be read count 0."""
    folder = as_stored(RunFolder(workspace.runs / run.id))
    return max(
        _load_largest_cells(workspace, run.id, epoch, (run.created, file_identity(folder.probs("test", epoch))))[
            by, hide_diagonal
        ]
        for epoch in epochs
    )


def finished_epochs(workspace: Workspace, run: Run) -> list[int]:
    """Return the epochs that a run has finished, ascending.

    Raises:
        RunError: no such run.
    """
    return [int(epoch) for epoch in read_metrics(workspace, run.id)["epoch"]]


def load_metrics(workspace: Workspace, run: Run) -> pd.DataFrame:
    """Return one row for each finished epoch of a run, read again only when its file has changed.

    Raises:
        RunError: no such run.
    """
    folder = RunFolder(workspace.runs / run.id)
    return _load_metrics(workspace, run.id, (run.created, file_identity(folder.metrics)))


def load_worst_mistakes(workspace: Workspace, run: Run, count: int) -> WorstMistakes:
    """Return the mistakes with the highest loss at a run's best epoch, one of each pair of classes; they are kept.

    Raises:
        RunError: its predictions cannot be read.
        DataError: its pictures cannot be read, or are others now.
    """
    epoch = run.best.epoch if run.best else 0
    folder = as_stored(RunFolder(workspace.runs / run.id))
    files = (folder.samples("test"), folder.probs("test", epoch))
    identity = (epoch, *map(file_identity, files), *_pictures_identity(workspace, run))
    return _load_worst_mistakes(workspace, run, count, identity)


def load_dataset(workspace: Workspace, name: str) -> Dataset:
    """Return an opened dataset.

    Raises:
        DataError: it is absent or broken.
    """
    return _load_dataset(workspace, name, file_identity(workspace.data / name))


def find_unvalidated(workspace: Workspace, config: RunConfig) -> tuple[str, ...]:
    """Return the classes without a validation picture in a new run with these settings.

    Raises:
        DataError: the dataset is absent, broken or too small for its parts.
    """
    dataset, data, seed = load_dataset(workspace, config.data.dataset), config.data, config.machine.seed
    identity = (dataset.fingerprint, data.validation_share, data.own_validation, seed)
    return _find_unvalidated(dataset, config, identity)


def load_run_dataset(workspace: Workspace, run: Run) -> Dataset:
    """Return the dataset that shows the test pictures of a run: its own, or the one that is linked to it.

    Raises:
        DataError: the dataset is absent or broken.
        RunError: the dataset of that name is another one now, or the run has not opened its data yet.
    """
    return _load_run_dataset(workspace, run, _pictures_identity(workspace, run))


def load_test_split(workspace: Workspace, run: Run) -> Split:
    """Return the test pictures that a run was measured on; raises as `load_run_dataset`."""
    return load_run_dataset(workspace, run).test


def _pictures_identity(workspace: Workspace, run: Run) -> tuple[object, ...]:
    """Return what changes when the pictures of a run come, go or are others."""
    link = run.linked_dataset
    places = [run.config.data.dataset, *([link.name] if link else [])]
    known = run.dataset.fingerprint if run.dataset else ""
    return (run.id, known, link, *(file_identity(workspace.data / name) for name in places))


@st.cache_resource(max_entries=256, show_spinner=False)
def _load_metrics(_workspace: Workspace, run_id: str, identity: object) -> pd.DataFrame:
    return read_metrics(_workspace, run_id)


@st.cache_resource(max_entries=256, show_spinner=False)
def _load_worst_mistakes(_workspace: Workspace, _run: Run, count: int, identity: object) -> WorstMistakes:
    table = prediction_table(read_predictions(_workspace, _run.id))
    worst = select_samples(table, SampleFilter(per_pair=1), "loss").head(count)
    images = load_test_split(_workspace, _run).images[worst["index"].to_numpy()]
    return WorstMistakes(worst.to_dict("records"), images)


@st.cache_resource(max_entries=24, show_spinner=False)
def _load_findings(_workspace: Workspace, run_id: str, epoch: int | None, identity: object) -> Findings:
    return _compute_findings(_workspace, run_id, epoch)


@st.cache_resource(max_entries=2, show_spinner=False)  # the best epoch and one that a person chose
def _load_large_findings(_workspace: Workspace, run_id: str, epoch: int | None, identity: object) -> Findings:
    return _compute_findings(_workspace, run_id, epoch)


def _compute_findings(workspace: Workspace, run_id: str, epoch: int | None) -> Findings:
    predictions = read_predictions(workspace, run_id, epoch)
    matrix = confusion_matrix(predictions)
    classes = class_report(matrix)
    return Findings(predictions, prediction_table(predictions), matrix, classes, averages(classes))


@st.cache_resource(max_entries=24, show_spinner=False)
def _load_wrong_counts(_workspace: Workspace, _repeats: tuple[Run, ...], identity: object) -> pd.DataFrame | None:
    counts = wrong_counts(_workspace, _repeats)
    return None if counts.empty or counts["of"].iloc[0] < 2 else counts


@st.cache_data(max_entries=4096, show_spinner=False)
def _load_largest_cells(
    _workspace: Workspace, run_id: str, epoch: int, identity: object
) -> dict[tuple[Normalisation, bool], float]:
    """Return the largest value of each drawing of one epoch's matrix: a few numbers, where a matrix may have 8 MB."""
    drawings = list(product(get_args(Normalisation), (False, True)))
    try:
        matrix = confusion_matrix(read_predictions(_workspace, run_id, epoch))
    except RunError:
        return dict.fromkeys(drawings, 0.0)
    return {(by, hide): largest_value(matrix, by, hide) for by, hide in drawings}


@st.cache_data(max_entries=32, show_spinner=False)
def _find_unvalidated(_dataset: Dataset, _config: RunConfig, identity: object) -> tuple[str, ...]:
    return unvalidated_classes(_dataset, training_parts(_dataset, _config.data, _config.machine.seed)[1])


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_run_dataset(_workspace: Workspace, _run: Run, identity: object) -> Dataset:
    return open_run_dataset(_workspace, _run)


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_dataset(_workspace: Workspace, name: str, identity: object) -> Dataset:
    return open_dataset(_workspace, name)


def newest(kept: list[tuple[object, T]], identity: object, make: Callable[[], T]) -> T:
    """Return what was made of the present state of a file, and forget what was made of it before.

    For large values of files that change at every click: as entries of a cache, the older ones would be held too.

    Args:
        kept: identity and value, at most once; it is changed in place.
        identity: of the present state.
        make: makes the value of it.
    """
    found = kept[:]
    if not found or found[0][0] != identity:
        kept[:] = found = [(identity, make())]
    return found[0][1]


def file_identity(place: Path) -> tuple[str, int, int, int]:
    """Return what distinguishes a file or folder from one that later takes its place; zeros where there is none."""
    try:
        stat = place.stat()
    except OSError:
        return str(place), 0, 0, 0
    return str(place), stat.st_dev, stat.st_ino, stat.st_ctime_ns  # the time too, since inode numbers are reused


def _are_large(workspace: Workspace, run: Run, epoch: int | None) -> bool:
    """Return whether the predictions of an epoch are too large for tables of them to be kept for many runs."""
    try:
        size = as_stored(RunFolder(workspace.runs / run.id)).probs("test", epoch or 0).stat().st_size
    except OSError:
        return False
    return size > _LARGE_FILE_BYTES
