"""Datasets on disk: plain `.npy` arrays, memory-mapped when opened, and a description in `meta.json`.

Reads and writes `workspace.data/<name>/`: `meta.json`, `{train,test}_{images,labels,ids}.npy` and, since schema 2,
`{train,test}_{sizes,formats,originals}.npy`, `originals.bin` and `validation.npy` where the dataset has them.
"""

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.data.array_files import map_array, write_array
from cifar_core.data.dataset import Dataset, Fit, Split, channel_statistics, fingerprint
from cifar_core.data.dataset_limits import check_arrays, check_classes, check_split, check_validation
from cifar_core.data.originals.file import (
    ORIGINALS,
    originals_bytes,
    pack_originals,
    without_originals,
    write_originals,
)
from cifar_core.data.picture_reader import mapped
from cifar_core.errors import MALFORMED_ARRAY, DataError
from cifar_core.jobs.job import JobFolder
from cifar_core.limits import require_room
from cifar_core.storage.atomic import new_folder, replace, subfolders
from cifar_core.storage.disk_errors import ALLOW, storage_errors
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Amount, ClassNames, Count, GreyBits, PictureCount, Sha256
from cifar_core.storage.parse import parse
from cifar_core.storage.trash import Trash
from cifar_core.text import FOLDER_NAME_RULE, MB, did_you_mean, is_folder_name, one_line
from cifar_core.workspace import Workspace

DATASET_SCHEMA = 2
BUILT_IN_NAMES = ("drawn10", "cifar10")  # listed also while they are absent
META = "meta.json"
_MAX_META = 4 * MB  # the names of a thousand classes take a quarter of it
_ARRAY_KINDS = tuple(field.name for field in dataclasses.fields(Split))
_OPTIONAL = ("sizes", "formats", "originals")
_VALIDATION = "validation.npy"  # where the dataset has validation pictures of its own
_MAX_REASON = 300  # characters of a reason in an error message


@dataclass(frozen=True)
class DatasetRecord:
    """What `meta.json` says, checked against the files beside it."""

    title: str
    class_names: ClassNames
    mean: tuple[Amount, Amount, Amount]
    std: tuple[Amount, Amount, Amount]
    fingerprint: Sha256
    source: str
    train: PictureCount
    test: PictureCount
    files: Mapping[str, Count]  # the files of the folder with their sizes in bytes
    validation: PictureCount = 0  # of the training pictures
    grey_bits: GreyBits = 16
    fit: Fit = "crop"
    notes: tuple[str, ...] = ()

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return sum(self.files.values())


def checked_dataset_name(name: str) -> str:
    """The name itself, if a dataset may have it.

    Raises:
        DataError: a dataset may not have it; the message says the rule.
    """
    if not isinstance(name, str) or not is_folder_name(name):
        problem = "A dataset needs a name" if name == "" else f"{str(name)[:80]!r} cannot be the name of a dataset"
        raise DataError(f"{problem}: use {FOLDER_NAME_RULE}.")
    return name


def dataset_folder(workspace: Workspace, name: str) -> Path:
    """The folder of the dataset, whether it exists or not; DataError for a name that no dataset may have."""
    return workspace.data / checked_dataset_name(name)


def dataset_job(workspace: Workspace, name: str) -> JobFolder:
    """The job that prepares this dataset; DataError for a name that no dataset may have."""
    return JobFolder(workspace.jobs / checked_dataset_name(name))


def dataset_lock(workspace: Workspace, name: str) -> Path:
    """The lock that must be held while this dataset is prepared or deleted; the folder of the lock is created here."""
    job = dataset_job(workspace, name)
    job.make()
    return job.lock


def is_saved(workspace: Workspace, name: str) -> bool:
    """Whether anything is stored under this name, whole or broken."""
    return os.path.lexists(dataset_folder(workspace, name))


def refuse_taken(workspace: Workspace, name: str) -> None:
    """Raise DataError if the name is taken."""
    if is_saved(workspace, name):
        raise DataError(f"There is already a dataset named {name}: delete it first or choose another name.")


def save_dataset(  # noqa: PLR0913 - what a dataset is, each part by its name
    workspace: Workspace,
    name: str,
    train: Split,
    test: Split,
    *,
    title: str,
    class_names: tuple[str, ...],
    source: str,
    validation: np.ndarray | None = None,
    grey_bits: int = 16,
    fit: Fit = "crop",
    notes: tuple[str, ...] = (),
    originals: BinaryIO | None = None,
    files: Mapping[str, Path] | None = None,
) -> Dataset:
    """Store a dataset whole or not at all, and open it.

    Args:
        workspace: where to store it.
        name: a free name (`checked_dataset_name`).
        train: images uint8 [N, 3, 32, 32], labels int64 [N], ids str [N]; what else is known of them, or None.
        test: the same with its own N.
        title: the name that people see.
        class_names: at least two, in the order of the labels.
        source: one sentence on where it came from.
        validation: positions in `train` of validation pictures of its own, int64 [V], ascending; None without any.
        grey_bits, fit, notes: as in `Dataset`.
        originals: an open file in which the reduced originals lie where `originals` of the parts says; those are
            copied. None keeps none of them.
        files: of its arrays, those that are the whole of a `.npy` file on the disk of the datasets already, such as
            `train_images.npy`: these files become those of the dataset.

    Raises:
        ConfigError: the server's `settings.json` breaks a rule.
        DataError: the name is taken or not allowed, or the arrays do not fit together.
        StorageError: there is no room, or the disk refused; nothing is left behind.
    """
    refuse_taken(workspace, name)
    _check(train, test, validation, class_names)
    stored = pack_originals(train, test) if originals is not None else without_originals(train, test)
    arrays = _arrays_of(stored, validation)
    files = files or {}
    needed = sum(array.nbytes for file, array in arrays.items() if file not in files) + originals_bytes(*stored)
    require_room(workspace, needed, f"The dataset {name}")
    facts = {"title": title, "source": source, "grey_bits": grey_bits, "fit": fit, "notes": list(notes)}
    meta = {"schema_version": DATASET_SCHEMA, **facts, **_facts_of_pictures(train, test, validation, class_names)}
    folder = dataset_folder(workspace, name)
    try:
        with new_folder(folder) as temp:
            sizes = {
                file: _take_file(files[file], temp / file) if file in files else write_array(temp / file, array)
                for file, array in arrays.items()
            }
            if originals is not None:
                sizes[ORIGINALS] = write_originals(temp, originals, train, test)
            write_json(temp / META, {**meta, "files": sizes})
    except FileExistsError as error:
        raise DataError(f"There is already a dataset named {name}: choose another name.") from error
    return open_dataset(workspace, name)


def _take_file(made: Path, file: Path) -> int:
    """Give a file another place on its disk; returns its size in bytes."""
    with storage_errors(f"writing {file.name}"):
        replace(made, file)
        return file.stat().st_size


def open_dataset(workspace: Workspace, name: str) -> Dataset:
    """Open a stored dataset without reading its pictures.

    Raises:
        DataError: it is absent (the message says how to get it) or broken (the message says what is wrong).
    """
    if not is_saved(workspace, name):
        raise DataError(absent_sentence(workspace, name))
    folder = dataset_folder(workspace, name)
    try:
        record = read_dataset_record(folder)
        train, test = (_open_split(folder, part, record) for part in ("train", "test"))
        validation = _open_validation(folder, train, record)
    except (*MALFORMED_ARRAY, DataError) as error:
        raise DataError(broken_sentence(name, error)) from error
    return Dataset(
        name,
        record.title,
        record.class_names,
        train,
        test,
        record.mean,
        record.std,
        record.fingerprint,
        record.source,
        validation,
        record.grey_bits,
        record.fit,
        record.notes,
    )


def require_unchanged(dataset: Dataset) -> None:
    """Check that pictures, labels and class names have the fingerprint they were saved with (1 GB takes a second).

    Raises:
        DataError: they changed.
    """
    if fingerprint(dataset.train, dataset.test, dataset.class_names, dataset.validation) != dataset.fingerprint:
        changed = ValueError("its pictures or labels changed after they were saved: their SHA-256 differs")
        raise DataError(broken_sentence(dataset.name, changed))


def file_stamps(dataset: Dataset) -> tuple[object, ...] | None:
    """What changes when a file of an opened dataset does: path, times, size and inode of each; None of one in memory.

    Raises:
        DataError: a file is gone.
    """
    arrays = [*vars(dataset.train).values(), *vars(dataset.test).values(), dataset.validation]
    owners = [mapped(array) for array in arrays if array is not None]
    try:
        found = [(owner.filename, Path(str(owner.filename)).stat()) for owner in owners if owner is not None]
    except OSError as error:
        raise DataError(broken_sentence(dataset.name, error)) from error
    stamps = ((path, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino) for path, stat in found)
    return None if any(owner is None for owner in owners) else (dataset.fingerprint, *stamps)


def read_dataset_record(folder: Path) -> DatasetRecord:
    """Read `meta.json` and compare the sizes of the files it lists.

    Raises:
        OSError: a file is missing or unreadable.
        ValueError: a file does not have the size in `meta.json`, or `meta.json` itself breaks a rule.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise ValueError("it is a link or not a folder")
    meta = read_json(folder / META, max_bytes=_MAX_META)
    if not isinstance(meta, dict) or not isinstance(meta.get("schema_version"), int):
        raise ValueError(f"{META} has no schema version")
    if meta["schema_version"] > DATASET_SCHEMA:
        raise ValueError("a newer version of this program made it")
    record = parse(DatasetRecord, meta, exact=False)
    files = [f"{part}_{kind}.npy" for part in ("train", "test") for kind in _stored_kinds(part, record)]
    for file in [*files, _VALIDATION] if record.validation else files:
        if (folder / file).stat().st_size != record.files.get(file):
            raise ValueError(f"the size of {file} changed after it was saved")
    return dataclasses.replace(record, files={**record.files, META: (folder / META).stat().st_size})


def broken_sentence(name: str, error: Exception) -> str:
    """One sentence on what is wrong with a stored dataset."""
    if isinstance(error, PermissionError):
        return f"The dataset {name} cannot be read ({error.strerror}: {error.filename}): {ALLOW}."
    if isinstance(error, FileNotFoundError):
        reason = f"{Path(str(error.filename)).name} is missing"
    elif isinstance(error, OSError):
        reason = error.strerror or str(error)
    else:
        reason = one_line(error, _MAX_REASON).rstrip(".")
    return f"The dataset {name} is broken ({reason}): delete it and get it again."


def dataset_trash(workspace: Workspace) -> Trash:
    """The deleted datasets of a workspace."""
    return Trash(workspace.deleted_datasets, "dataset", is_folder_name)


def absent_sentence(workspace: Workspace, name: str) -> str:
    """One sentence on a dataset that is not stored, and how to get it."""
    if dataset_trash(workspace).find(name) is not None:
        return f"The dataset {name} was deleted: bring it back on the Data page or with `data restore {name}`."
    if name in BUILT_IN_NAMES:
        return f"The dataset {name} is not in this workspace yet: get it on the Data page or with `data get {name}`."
    existing = [*BUILT_IN_NAMES, *(name for name in subfolders(workspace.data) if is_folder_name(name))]
    hint = did_you_mean(name, existing)
    return f"There is no dataset named {name}{hint}: import it on the Data page or with `data import`."


def _check(train: Split, test: Split, validation: np.ndarray | None, class_names: tuple[str, ...]) -> None:
    check_classes(class_names)
    for part, split in (("train", train), ("test", test)):
        check_split(part, split, len(class_names))
    if validation is not None:
        check_validation(validation, train, class_names)


def _facts_of_pictures(
    train: Split, test: Split, validation: np.ndarray | None, class_names: tuple[str, ...]
) -> dict[str, object]:
    """What `meta.json` says that follows from the pictures and their labels."""
    mean, std = channel_statistics(train.images)
    return {
        "class_names": list(class_names),
        "mean": mean,
        "std": std,
        "fingerprint": fingerprint(train, test, class_names, validation),
        "train": len(train.labels),
        "test": len(test.labels),
        "validation": 0 if validation is None else len(validation),
    }


def _arrays_of(splits: list[Split], validation: np.ndarray | None) -> dict[str, np.ndarray]:
    """The array of each `.npy` file that a dataset of these parts, train and test, has."""
    parts = dict(zip(("train", "test"), splits, strict=True))
    arrays = {f"{part}_{kind}.npy": getattr(split, kind) for part, split in parts.items() for kind in _ARRAY_KINDS}
    return {file: array for file, array in {**arrays, _VALIDATION: validation}.items() if array is not None}


def _stored_kinds(part: str, record: DatasetRecord) -> list[str]:
    return [kind for kind in _ARRAY_KINDS if kind not in _OPTIONAL or f"{part}_{kind}.npy" in record.files]


def _open_validation(folder: Path, train: Split, record: DatasetRecord) -> np.ndarray | None:
    if not record.validation:
        return None
    validation = _mapped(folder / _VALIDATION)
    check_validation(validation, train, record.class_names)
    if len(validation) != record.validation:
        raise ValueError(f"{_VALIDATION} names {len(validation)} pictures, not {record.validation}")
    return validation


def _open_split(folder: Path, part: str, record: DatasetRecord) -> Split:
    count = record.train if part == "train" else record.test
    split = Split(**{kind: _mapped(folder / f"{part}_{kind}.npy") for kind in _stored_kinds(part, record)})
    check_arrays(part, split, len(record.class_names))
    if len(split.labels) != count:
        raise ValueError(f"the {part} part has {len(split.labels)} pictures, not {count}")
    return split


def _mapped(file: Path) -> np.ndarray:
    try:
        return map_array(file)
    except ValueError as error:
        raise ValueError(f"{file.name} {error}") from error
