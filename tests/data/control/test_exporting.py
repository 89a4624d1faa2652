"""Exporting a dataset, and reading it back."""

import re
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from cifar_core.data import (
    Dataset,
    Split,
    delete_dataset,
    export_dataset,
    export_job,
    export_path,
    parts_of,
    save_dataset,
    start_export,
)
from cifar_core.data.sources.own.class_table import class_folders
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.errors import CifarCoreError, DataError, StorageError
from cifar_core.jobs.progress import CancelledError
from cifar_core.limits import LIMITS_FILE
from cifar_core.storage.json_types import MAX_CLASS_NAME
from cifar_core.text import can_be_shown, is_device_name
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.data.conftest import picture_bytes
from tests.jobs.support import wait_for_end

ODD = ["a/b", "CON", "con.txt", "train", "A", "a", " x", "x.", "images", ".hid", "e\u0301", "é", "class-2", "ﬁ", "🧑‍🚀"]
odd_names = some.lists(
    some.one_of(
        some.sampled_from(ODD),
        some.text(some.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_CLASS_NAME).filter(can_be_shown),
    ),
    min_size=2,
    max_size=8,
    unique=True,
)


def content(dataset: Dataset) -> dict[str, list[tuple[int, bytes]]]:
    """The pictures of each part with their labels, in any order."""
    return {
        part: sorted((int(split.labels[row]), split.images[row].tobytes()) for row in rows)
        for part, (split, rows) in parts_of(dataset).items()
    }


@settings(max_examples=10, deadline=None)
@given(odd_names, some.integers(0, 2**32 - 1))
def test_an_export_reads_back_as_the_same_dataset(names: list[str], seed: int) -> None:
    """Whatever the classes are called; some have pictures in one part only, or none."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:  # `tmp_path` is one for all examples
        workspace = open_workspace(folder)
        parts = [
            Split(
                rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8),
                rng.integers(0, len(names), count),
                np.array([f"{part}/{number}" for number in range(count)]),
            )
            for part, count in (("train", 14), ("test", 4))
        ]
        labels = parts[0].labels
        held = [row for row in range(3) if (labels[:3] == labels[row]).sum() < (labels == labels[row]).sum()]
        held = np.array([row for row in held if (labels[3:] == labels[row]).any()], np.int64)
        facts = {"title": "Odd", "class_names": tuple(names), "source": "Made by the tests."}
        odd = save_dataset(workspace, "odd", *parts, **facts, validation=held if len(held) else None)
        back, findings = import_pictures(workspace, export_dataset(workspace, "odd"), "back")
        assert back.class_names == odd.class_names
        assert content(back) == content(odd)
        assert findings.problem_count == 0


@given(odd_names)
def test_folders_are_safe_on_every_system(names: list[str]) -> None:
    folders = class_folders(names)
    assert len({folder.casefold() for folder in folders}) == len(names)
    for folder in folders:
        assert not re.search(r'[<>:"/\\|?*]', folder) and not is_device_name(folder)
        assert folder.strip(" .") == folder and not folder.startswith(".") and len(folder.encode()) < 255


def test_an_unpacked_export_can_be_changed(workspace: Workspace, tmp_path: Path) -> None:
    """A folder around it, another class, and a class that was taken out; a table that makes no sense is ignored."""
    save_tiny(workspace)
    with zipfile.ZipFile(export_dataset(workspace, "tiny")) as archive:
        archive.extractall(tmp_path / "top" / "tiny")
    here = tmp_path / "top" / "tiny"
    for part in ("train", "test"):
        (here / part / "Zebra").mkdir()
        (here / part / "Zebra" / "1.png").write_bytes(picture_bytes())
        for file in (here / part / "ship").iterdir():
            file.unlink()
        (here / part / "ship").rmdir()
    (here / "train" / "cat" / "notes.txt").write_text("mine")
    dataset, findings = import_pictures(workspace, here.parent, "changed")
    assert dataset.class_names[-3:] == ("horse", "truck", "Zebra") and len(dataset.class_names) == 10
    assert "1 other file was passed over" in " ".join(findings.report)
    (here / "class-folders.json").write_text('{"schema_version": 1, "folders": ["a"], "class_names": ["a", "b"]}')
    assert "Zebra" in import_pictures(workspace, here, "plain")[0].class_names


def test_the_same_pictures_are_exported_once(workspace: Workspace, tmp_path: Path) -> None:
    dataset = save_tiny(workspace)
    first = export_dataset(workspace, "tiny")
    assert first == export_path(workspace, "tiny", dataset.fingerprint)
    written = first.stat().st_mtime_ns
    assert export_dataset(workspace, "tiny") == first and first.stat().st_mtime_ns == written
    again = export_dataset(workspace, "tiny", tmp_path / "again.zip")
    assert again.read_bytes() == first.read_bytes()
    with pytest.raises(DataError, match=r"again\.zip exists already"):
        export_dataset(workspace, "tiny", again)
    with pytest.raises(StorageError, match="There is no folder"):
        export_dataset(workspace, "tiny", tmp_path / "nowhere" / "a.zip")


def test_what_cannot_be_exported_leaves_no_file(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, arm: Callable[[str], None]
) -> None:
    save_tiny(workspace)
    reported: list[tuple[str, int, int, str]] = []

    def cancel(*progress: object) -> None:
        reported.append(progress)  # type: ignore[arg-type]
        if len(reported) == 30:
            raise CancelledError("The person cancelled it.")

    with pytest.raises(CancelledError):
        export_dataset(workspace, "tiny", progress=cancel)
    assert reported[-1] == ("Writing pictures", 29, 400, "pictures")
    (workspace.root / LIMITS_FILE).write_text('{"export_mb": 1}')
    with pytest.raises(DataError, match=r"more than the 1\.0 MB that one export may have"):
        export_dataset(workspace, "tiny")
    (workspace.root / LIMITS_FILE).unlink()
    for plan in ("write:20:enospc", "fsync:1:eio", "replace:1:eacces"):
        arm(plan)
        with pytest.raises(StorageError, match="while writing tiny-"):
            export_dataset(workspace, "tiny")
    arm("")
    images = workspace.data / "tiny" / "train_images.npy"
    changed = bytearray(images.read_bytes())
    changed[-1] ^= 1
    images.write_bytes(changed)
    with pytest.raises(DataError, match="their SHA-256 differs"):
        export_dataset(workspace, "tiny")
    assert list(workspace.exports.iterdir()) == []


def test_a_job_exports_it(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = save_tiny(workspace)
    start_export(workspace, "tiny")
    state = wait_for_end(export_job(workspace, "tiny"))
    assert (state.state, state.report) == ("done", [str(export_path(workspace, "tiny", dataset.fingerprint))])
    delete_dataset(workspace, "tiny")
    with pytest.raises(CifarCoreError, match="was deleted"):
        start_export(workspace, "tiny")
    monkeypatch.setattr("cifar_core.data.control.export_job.open_dataset", lambda *_: None)
    monkeypatch.setattr("cifar_core.data.control.export_job.start_job", lambda *_: False)
    start_export(workspace, "tiny")
    with pytest.raises(DataError, match="being exported to another place"):
        start_export(workspace, "tiny", Path("other.zip"))
