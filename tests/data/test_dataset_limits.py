"""The limits on datasets hold on import, saving and opening; what a file claims allocates no memory."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cifar_core.data import Split, open_dataset, save_dataset
from cifar_core.data.dataset_limits import MAX_FILE_NAME, MAX_ID, check_arrays
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.errors import DataError
from cifar_core.machine import peak_memory
from cifar_core.text import MB
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny, tiny_pictures
from tests.data.conftest import small_set, snapshot, write_zip

pytestmark = pytest.mark.fault(92)
CLEAR = Path("/proc/self/clear_refs")
BIG = 512 * MB  # of a file, sparse: no disk is filled


def long_texts(folder: Path) -> None:
    """Ids of 9,999 characters, as many as there are pictures."""
    np.save(folder / "train_ids.npy", np.arange(20).astype("<U9999"))


def long_header(folder: Path) -> None:
    """A header of half a gigabyte, as a later version of the format may have."""
    path = folder / "train_ids.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + struct.pack("<I", BIG))
    with open(path, "ab") as handle:
        handle.truncate(BIG)


def long_file(folder: Path) -> None:
    with open(folder / "train_labels.npy", "ab") as handle:
        handle.truncate(BIG)


def many_classes(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    meta["class_names"] = [f"class {number}" for number in range(100_000)]
    (folder / "meta.json").write_text(json.dumps(meta))


def wide_class(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    meta["class_names"][0] = "x" * 1_000_000
    (folder / "meta.json").write_text(json.dumps(meta))


@pytest.mark.skipif(not CLEAR.exists(), reason="only Linux can reset the peak memory of a process")
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (long_texts, r"train_ids\.npy holds texts of 9,999 characters, more than the \d+ allowed"),
        (long_header, r"train_ids\.npy is not an array file"),
        (long_file, r"train_labels\.npy is longer than its header says"),
        (many_classes, "2 to 1,000 different names"),
        (wide_class, "names of 1 to 64 visible characters"),
    ],
)
def test_opening_allocates_no_memory_for_a_claim(
    workspace: Workspace, damage: Callable[[Path], None], message: str
) -> None:
    save_tiny(workspace, train=20, test=10)
    folder = workspace.data / "tiny"
    damage(folder)
    meta = json.loads((folder / "meta.json").read_text())
    meta["files"] = {name: (folder / name).stat().st_size for name in meta["files"]}
    (folder / "meta.json").write_text(json.dumps(meta))
    CLEAR.write_text("5")
    before = peak_memory() or 0
    with pytest.raises(DataError, match=f"tiny is broken .*{message}"):
        open_dataset(workspace, "tiny")
    assert (peak_memory() or 0) - before < 48 * MB


def test_a_picture_whose_name_is_too_long_is_named(workspace: Workspace, tmp_path: Path) -> None:
    """A zip can hold longer names than any file system; the longest allowed name is imported."""
    files = small_set(train=1, test=1)
    name, content = next(iter(files.items()))
    above = name.rpartition("/")[0]
    longest = {**files, f"{above}/{'a' * (MAX_FILE_NAME - 4)}.png": content}
    dataset, _ = import_pictures(workspace, write_zip(longest, tmp_path / "a.zip"), "mine")
    assert max(map(len, dataset.train.ids)) <= MAX_ID
    before = snapshot(workspace.root)
    longer = {**files, f"{above}/{'a' * (MAX_FILE_NAME - 3)}.png": content}
    with pytest.raises(DataError, match=r"1 of \d+ files cannot be used. .* has a name of more than 255 characters"):
        import_pictures(workspace, write_zip(longer, tmp_path / "b.zip"), "other")
    assert snapshot(workspace.root) == before


def test_ids_wider_than_any_are_not_saved(workspace: Workspace) -> None:
    images, labels = tiny_pictures(20, classes=2)
    wide = Split(images, labels, np.arange(20).astype(f"<U{MAX_ID + 1}"))
    with pytest.raises(
        DataError, match=rf"train part has ids of {MAX_ID + 1} characters, more than the {MAX_ID} allowed"
    ):
        save_dataset(workspace, "wide", wide, wide, title="Wide", class_names=("a", "b"), source="Made by the tests.")
    assert list(workspace.data.iterdir()) == []


@pytest.mark.parametrize(
    ("part", "count", "classes", "width", "message"),
    [
        ("train", 10_000_001, 10, 1, "train part has 10,000,001 pictures, more than the 10,000,000 allowed"),
        ("test", 1_000_001, 10, 1, "test part has 1,000,001 pictures, more than the 1,000,000 allowed"),
        ("test", 70_000, 1000, 20, r"would take 272.9 MB an epoch, more than the 256.0 MB allowed: leave out test"),
        ("test", 50_000, 1000, 60, ""),
        ("test", 300_000, 10, 60, ""),
    ],
)
def test_parts_too_large_to_be_measured(part: str, count: int, classes: int, width: int, message: str) -> None:
    """Broadcast arrays have the full size and take no memory."""
    split = Split(
        np.broadcast_to(np.uint8(0), (count, 3, 32, 32)),
        np.broadcast_to(np.int64(0), (count,)),
        np.broadcast_to(np.array("x", f"<U{width}"), (count,)),
    )
    if message:
        with pytest.raises(DataError, match=message):
            check_arrays(part, split, classes)
    else:
        check_arrays(part, split, classes)
