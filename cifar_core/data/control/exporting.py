"""Exports the pictures of a dataset as one .zip of class folders, which `data import` reads again.

Inside are `train/CLASS/*.png`, `validation/CLASS/*.png`, `test/CLASS/*.png`, and `class-folders.json`, which says the
name of the class of each folder and the order of the classes.
"""

import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.data.dataset import Dataset, Split, parts_of
from cifar_core.data.picture_reader import read_pictures
from cifar_core.data.pictures import to_png
from cifar_core.data.sources.own.class_table import CLASS_TABLE, PART_FOLDERS, class_folders, table_content
from cifar_core.data.store import open_dataset, require_unchanged
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.limits import LIMITS_FILE, read_limits, require_room
from cifar_core.storage.atomic import new_file
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace

_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same pictures give the same bytes
_CHUNK = 500  # pictures read at once
_MEASURED = 64  # pictures of each part from which the size is estimated
_ENTRY_BYTES = 250  # of the zip for each picture: its two heads with its name
_FOLDERS = {"train": PART_FOLDERS["train"], "validation": PART_FOLDERS["valid"], "test": PART_FOLDERS["test"]}


def export_path(workspace: Workspace, name: str, fingerprint: str) -> Path:
    """Where an export goes by default: the same pictures have the same file, whole once it is there."""
    return workspace.exports / f"{name}-{fingerprint[:8]}.zip"


def export_dataset(
    workspace: Workspace, name: str, out: Path | None = None, *, progress: OnProgress = no_progress
) -> Path:
    """Write the pictures of a dataset into one new .zip, picture by picture, whole or not at all.

    An import of it has the same pixels, labels, class names and parts; each class stands together, and the ids are
    other ones (`train/cat/000012.png`), so runs on the one dataset do not know the pictures of the other.

    Args:
        workspace: where the dataset is.
        name: of the dataset.
        out: the file to make; `export_path` by default, and where that is there already, nothing is written.
        progress: is told each picture.

    Raises:
        CancelledError: `progress` raised it; no file is left.
        ConfigError: the server's `settings.json` breaks a rule.
        DataError: it is absent, broken or changed, larger than `export_mb`, or `out` exists.
        StorageError: there is no room, or the disk refused; no file is left.
    """
    dataset = open_dataset(workspace, name)
    target = out or export_path(workspace, name, dataset.fingerprint)
    if os.path.lexists(target):
        if out is None:
            return target
        raise DataError(f"{target} exists already: give another name with --out or remove it.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder {target.parent}: create it first, or choose another with --out.")
    size, limit = dataset_export_bytes(dataset), read_limits(workspace).export_mb * MB
    if size > limit:
        raise DataError(
            f"The pictures of {name} take about {size_text(size)}, more than the {size_text(limit)} that one export "
            f"may have (export_mb in {LIMITS_FILE})."
        )
    require_room(workspace, size, "The export", place=target.parent)
    require_unchanged(dataset)
    with storage_errors(f"writing {target.name}"), new_file(target) as handle:
        _write_zip(handle, dataset, progress)
    return target


def dataset_export_bytes(dataset: Dataset) -> int:
    """About how many bytes the export of a dataset has, from the size of some of its pictures."""
    total = 0
    for split, rows in parts_of(dataset).values():
        some = rows[:: max(1, len(rows) // _MEASURED)][:_MEASURED]
        sizes = [len(to_png(picture)) + _ENTRY_BYTES for picture in read_pictures(split.images, some)]
        total += int(len(rows) * sum(sizes) / max(1, len(sizes)))
    return total


def _write_zip(handle: BinaryIO, dataset: Dataset, progress: OnProgress) -> None:
    folders, parts = class_folders(dataset.class_names), parts_of(dataset)
    total, done = sum(len(rows) for _, rows in parts.values()), 0
    # Packing PNG files again would save nothing.
    with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_entry(CLASS_TABLE), table_content(dataset.class_names))
        for label in _labels_without_pictures(dataset):
            archive.writestr(_entry(f"{_FOLDERS['train']}/{folders[label]}/"), b"")
        for part, (split, rows) in parts.items():
            for row, picture in _pictures(split, rows):
                progress("Writing pictures", done, total, "pictures")
                folder = folders[split.labels[row]]
                archive.writestr(_entry(f"{_FOLDERS[part]}/{folder}/{row:06d}.png"), to_png(picture))
                done += 1


def _pictures(split: Split, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, len(rows), _CHUNK):
        some = rows[start : start + _CHUNK]
        yield from zip(some.tolist(), read_pictures(split.images, some), strict=True)


def _labels_without_pictures(dataset: Dataset) -> list[int]:
    used = np.concatenate([dataset.train.labels, dataset.test.labels])
    return np.flatnonzero(np.bincount(used, minlength=len(dataset.class_names)) == 0).tolist()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = (0o40755 << 16) | 0x10 if name.endswith("/") else 0o644 << 16
    return entry
