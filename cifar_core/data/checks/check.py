"""The check of a dataset: made once, in seconds, and kept with it.

Reads the pictures; writes `check.json`, `check_groups.npy` and `check_properties.npy` into the dataset's folder.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from cifar_core.data.array_files import map_array, write_array
from cifar_core.data.checks.duplicates import (
    DuplicateCounts,
    Groups,
    count_duplicates,
    duplicate_sentences,
    find_groups,
)
from cifar_core.data.checks.properties import PIXEL_PROPERTIES, picture_properties
from cifar_core.data.checks.shortcuts import shortcuts
from cifar_core.data.dataset import Dataset
from cifar_core.data.store import dataset_folder, open_dataset
from cifar_core.errors import MALFORMED_ARRAY, DataError, StorageError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.storage.atomic import remove
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Count, Sentences, Sha256
from cifar_core.storage.parse import parse
from cifar_core.text import MB
from cifar_core.workspace import Workspace

CHECK_VERSION = 1  # raised when what is computed changes: the check is then made again
_RECORD, _GROUPS, _PROPERTIES = "check.json", "check_groups.npy", "check_properties.npy"


@dataclass(frozen=True)
class DatasetCheck:
    """What was found in a dataset."""

    groups: Groups
    duplicates: DuplicateCounts
    train_properties: np.ndarray  # float32 [N, P], in the order of `PIXEL_PROPERTIES`
    test_properties: np.ndarray  # float32 [M, P]
    shortcuts: tuple[str, ...] = ()  # sentences on properties that tell the class so well that accuracies are doubtful


@dataclass(frozen=True)
class _Record:
    """What `check.json` says."""

    version: Count
    fingerprint: Sha256  # of the dataset that was checked
    duplicates: DuplicateCounts
    shortcuts: Sentences


def check_dataset(workspace: Workspace, dataset: Dataset, progress: OnProgress = no_progress) -> DatasetCheck:
    """The check of a dataset: the one that is kept with it, else a new one, which is kept where the disk allows.

    Raises:
        DataError: the pictures cannot be read, or are no longer those of the dataset that has its name.
        CancelledError: from `progress`.
    """
    kept = read_check(workspace, dataset)
    if kept is not None:
        return kept
    groups = find_groups(dataset, progress)
    train, test = (picture_properties(split.images, progress) for split in (dataset.train, dataset.test))
    strong = tuple(shortcut.sentence for shortcut in shortcuts(dataset, train, test) if shortcut.strong)
    check = DatasetCheck(groups, count_duplicates(dataset, groups), train, test, strong)
    # The pictures are read from files with these names, which may be those of another dataset by now.
    if open_dataset(workspace, dataset.name).fingerprint != dataset.fingerprint:
        raise DataError(f"The dataset {dataset.name} was replaced while it was checked: check it again.")
    with contextlib.suppress(StorageError):  # a disk that is full or may only be read: it is made again next time
        _keep(dataset_folder(workspace, dataset.name), dataset, check)
    return check


def read_check(workspace: Workspace, dataset: Dataset) -> DatasetCheck | None:
    """The check that is kept with a dataset; None where there is none of this dataset and version."""
    folder = dataset_folder(workspace, dataset.name)
    record = _read_record(workspace, dataset.name, dataset.fingerprint)
    if record is None:
        return None
    try:
        numbers, properties = map_array(folder / _GROUPS), map_array(folder / _PROPERTIES)
    except (*MALFORMED_ARRAY, DataError):
        return None
    train, test = len(dataset.train.labels), len(dataset.test.labels)
    fits = numbers.dtype == np.int32 and numbers.shape == (train + test,)
    if not fits or not _are_groups(numbers, record.duplicates):
        return None
    fits = properties.dtype == np.float32 and properties.shape == (train + test, len(PIXEL_PROPERTIES))
    if not fits or not np.isfinite(properties).all():
        return None
    groups = Groups(numbers[:train], numbers[train:])
    return DatasetCheck(groups, record.duplicates, properties[:train], properties[train:], record.shortcuts)


def _are_groups(numbers: np.ndarray, duplicates: DuplicateCounts) -> bool:
    """Whether int32 [N] are numbers as `Groups` has them, of which some occur twice where there are duplicates."""
    highest = np.maximum.accumulate(numbers)
    in_order = numbers[0] == 0 and numbers.min() >= 0 and (np.diff(highest) <= 1).all()
    return bool(in_order) and (highest[-1] + 1 < len(numbers)) == duplicates.any


def read_warnings(workspace: Workspace, name: str, fingerprint: str, test: int, validation: int) -> list[str] | None:
    """What makes the numbers of a dataset untrue, a sentence each; None where it has not been checked yet.

    Args:
        workspace: where it is.
        name: its name.
        fingerprint: of the dataset that has this name now.
        test: pictures of its test part.
        validation: its own validation pictures.
    """
    record = _read_record(workspace, name, fingerprint)
    return None if record is None else warning_sentences(record.duplicates, record.shortcuts, test, validation)


def warning_sentences(duplicates: DuplicateCounts, strong: Sequence[str], test: int, validation: int) -> list[str]:
    """As `read_warnings`, of the duplicates and the strong shortcuts of a check."""
    return [*duplicate_sentences(duplicates, test, validation), *map(shortcut_warning, strong)]


def shortcut_warning(sentence: str) -> str:
    """The sentence of a strong shortcut, and what follows from it."""
    return f"{sentence} A network may learn that instead of what the pictures show."


def _read_record(workspace: Workspace, name: str, fingerprint: str) -> _Record | None:
    try:
        record = parse(_Record, read_json(dataset_folder(workspace, name) / _RECORD, max_bytes=MB), exact=False)
    except (OSError, ValueError):
        return None
    current = record.version == CHECK_VERSION and record.fingerprint == fingerprint
    return record if current else None


def _keep(folder: Path, dataset: Dataset, check: DatasetCheck) -> None:
    """Write the check; its record goes first and comes last, so that where it is, the arrays are there and are its own.

    The record that goes may be of another dataset, which took the name while this one was checked.
    """
    remove(folder / _RECORD)
    write_array(folder / _GROUPS, np.concatenate([check.groups.train, check.groups.test]), durable=False)
    properties = np.concatenate([check.train_properties, check.test_properties])
    write_array(folder / _PROPERTIES, properties, durable=False)
    record = _Record(CHECK_VERSION, dataset.fingerprint, check.duplicates, check.shortcuts)
    write_json(folder / _RECORD, asdict(record), durable=False)
