"""Looking into a source, then importing it: an upload is kept until it is imported or given up."""

import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.data import (
    ImportOptions,
    continue_import,
    dataset_job,
    forget_import,
    free_dataset_name,
    list_datasets,
    open_dataset,
    open_import,
    pasted_path,
    read_findings,
    start_import,
    start_look,
    suggested_name,
)
from cifar_core.data.import_findings import spool_folder
from cifar_core.data.sources.own.reading import Reading
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs import start
from cifar_core.jobs.progress import CancelledError
from cifar_core.text import is_folder_name
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.data.conftest import small_set, write_folder, write_zip
from tests.jobs.support import do_imports_at_once


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    do_imports_at_once(monkeypatch)


def state_of(workspace: Workspace, name: str = "mine") -> str:
    """Its state in the list; empty where it is not listed."""
    return next((item.state for item in list_datasets(workspace) if item.name == name), "")


def kept_upload(workspace: Workspace) -> Path:
    return dataset_job(workspace, "mine").path / "upload"


def test_a_look_imports_nothing_and_says_what_an_import_would_do(workspace: Workspace, tmp_path: Path) -> None:
    files = {name: content for name, content in small_set().items() if name.startswith("train")}
    start_look(workspace, write_zip(files, tmp_path / "a.zip"), "mine")
    findings = read_findings(dataset_job(workspace, "mine"))
    assert (findings.flat, findings.classes, findings.train) == (True, ["cat", "dog"], [3, 3])
    assert findings.sentences == ["train holds 2 classes (6 files) in one part: a test part is drawn from them."]
    assert state_of(workspace) == "found"
    continue_import(workspace, "mine", ImportOptions(test_share=0.5, seed=3))
    assert state_of(workspace) == "ready"
    dataset = open_dataset(workspace, "mine")
    assert (len(dataset.train.labels), len(dataset.test.labels)) == (3, 3)


@pytest.mark.fault(83)
def test_the_rest_of_an_upload_is_imported_without_another_upload(workspace: Workspace, tmp_path: Path) -> None:
    upload = write_zip({**small_set(), "train/cat/x.png": b"x"}, tmp_path / "upload")
    start_look(workspace, upload, "mine", upload=True, shown="pets.zip")
    assert not upload.exists() and kept_upload(workspace).exists()
    continue_import(workspace, "mine", ImportOptions())
    findings = read_findings(dataset_job(workspace, "mine"))
    assert (findings.problem_count, findings.usable, findings.imported) == (1, 10, False)
    assert state_of(workspace) == "absent" and kept_upload(workspace).exists()
    continue_import(workspace, "mine", ImportOptions(leave_out=True))
    assert open_dataset(workspace, "mine").source == "Imported from pets.zip."
    assert read_findings(dataset_job(workspace, "mine")).imported
    assert not kept_upload(workspace).exists()


def test_an_import_that_is_given_up_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    start_look(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine", upload=True)
    forget_import(workspace, "mine")
    assert state_of(workspace) == "" and open_import(workspace, "mine") is None
    assert not kept_upload(workspace).exists()
    with pytest.raises(DataError, match="not there any more: choose it again"):
        continue_import(workspace, "mine", ImportOptions())


@pytest.mark.fault(72)
def test_uploads_that_nobody_decides_on_go_after_a_week(workspace: Workspace, tmp_path: Path) -> None:
    for name, days in (("old", 8), ("new", 6)):
        start_look(workspace, write_zip(small_set(), tmp_path / f"{name}.zip"), name, upload=True)
        moment = time.time() - days * 24 * 3600
        os.utime(dataset_job(workspace, name).path / "upload", (moment, moment))
    folder = write_folder(small_set(), tmp_path / "folder")
    start_look(workspace, folder, "third")
    assert [state_of(workspace, name) for name in ("old", "new", "third")] == ["", "found", "found"]
    assert not (dataset_job(workspace, "old").path / "upload").exists()
    assert folder.exists()


@pytest.mark.fault(72)
def test_what_unfinished_imports_have_read_does_not_stay_for_ever(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes after a week, unless that import goes on, and once its dataset is stored (killed just then)."""
    source = write_zip({**small_set(), "train/cat/x.png": b"x"}, tmp_path / "a.zip")
    folders = {name: spool_folder(dataset_job(workspace, name)) for name in ("old", "new", "stored", "mine")}
    for name, folder in folders.items():
        start_import(workspace, source, name)  # it is refused, and what it has read stays
        moment = time.time() - (8 if name in ("old", "mine") else 6) * 24 * 3600
        os.utime(folder / "facts.bin", (moment, moment))
    save_tiny(workspace, "stored")
    monkeypatch.setattr(Reading, "read", lambda *_: pytest.fail("a file was read again"))
    start_import(workspace, source, "mine", options=ImportOptions(leave_out=True))
    assert {name for name, folder in folders.items() if folder.exists()} == {"new"}
    assert [state_of(workspace, name) for name in ("stored", "mine")] == ["ready", "ready"]


@pytest.mark.fault(61)
def test_what_waits_for_a_decision_keeps_its_name(workspace: Workspace, tmp_path: Path) -> None:
    """Another person's upload is not replaced, and their Import imports what they saw."""
    start_look(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine", upload=True)
    other = write_zip(small_set(("x", "y")), tmp_path / "b.zip")
    sentence = "An import named mine waits for a decision on the Data page"
    with pytest.raises(DataError, match=sentence):
        start_look(workspace, other, "mine", upload=True)
    with pytest.raises(DataError, match=sentence):
        start_import(workspace, other, "mine")
    assert other.exists() and kept_upload(workspace).exists()
    continue_import(workspace, "mine", ImportOptions())
    assert open_dataset(workspace, "mine").class_names == ("cat", "dog")


def test_an_upload_is_kept_until_the_person_gives_it_up(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the machine ends the import, it waits for another try; where the start fails, nothing is left."""
    start_look(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine", upload=True)

    def end(*_: object, **__: object) -> None:
        raise CancelledError("It was told to end.")

    with monkeypatch.context() as ending:
        ending.setattr("cifar_core.data.prepare_process.import_pictures", end)
        continue_import(workspace, "mine", ImportOptions())
    assert state_of(workspace) == "found" and kept_upload(workspace).exists()
    continue_import(workspace, "mine", ImportOptions())
    assert state_of(workspace) == "ready"

    def fail(*_: object) -> None:
        raise StorageError("No process can be started.")

    monkeypatch.setattr(start, "spawn", fail)
    with pytest.raises(StorageError):
        start_look(workspace, write_zip(small_set(), tmp_path / "b.zip"), "other", upload=True)
    assert state_of(workspace, "other") == ""
    assert not (dataset_job(workspace, "other").path / "upload").exists()


def test_a_look_that_fails_leaves_no_findings_of_an_earlier_one(workspace: Workspace, tmp_path: Path) -> None:
    folder = write_folder(small_set(("cat", "dog", "fox")), tmp_path / "b")
    start_look(workspace, folder, "mine")
    assert read_findings(dataset_job(workspace, "mine")).classes == ["cat", "dog", "fox"]
    for file in sorted(folder.rglob("*.png")):
        file.rename(folder / f"{file.parent.name}-{file.parent.parent.name}-{file.name}")
    continue_import(workspace, "mine", ImportOptions(), look=True)
    assert read_findings(dataset_job(workspace, "mine")).classes == []
    assert state_of(workspace) == "absent"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/a/b.zip", "/a/b.zip"),
        ("  /a/b c  ", "/a/b c"),
        ("'/a/b c'", "/a/b c"),
        ('"C:\\pictures\\a.zip"', "C:\\pictures\\a.zip"),
        ("“/a/b”", "/a/b"),
        ("file:///a/b%20c.zip", "/a/b c.zip"),
        ("'file:///a/caf%C3%A9'", "/a/café"),
        ("FILE:///a", "/a"),
        ("~/a", "~/a"),
        ("'", "'"),
        ("", ""),
        ('""', ""),
        ("file://[x", "file://[x"),
    ],
)
def test_pasted_paths(text: str, path: str) -> None:
    assert pasted_path(text) == path


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("My Shapes", "my-shapes"),
        ("/a/My_Shapes (1).tar.gz", "my-shapes-1"),
        ("C:\\pets\\Cats.ZIP", "cats"),
        ("/a/café/", "cafe"),
        ("猫.zip", "my-pictures"),
        ("drawn10", "my-drawn10"),
        ("CON.zip", "my-con"),
        ("cifar-10-python.tar.gz", "cifar10"),
        ("'file:///a/b%20c.zip'", "b-c"),
        ("x" * 300, "x" * 50),
    ],
)
def test_suggested_names(source: str, name: str) -> None:
    assert suggested_name(source) == name


@given(st.text(max_size=80))
def test_every_suggested_name_is_allowed(source: str) -> None:
    assert is_folder_name(suggested_name(source))


def test_a_free_name(workspace: Workspace, tmp_path: Path) -> None:
    """Neither a dataset nor an import has it."""
    save_tiny(workspace, "pets")
    start_look(workspace, write_zip(small_set(), tmp_path / "a.zip"), "pets-2")
    assert free_dataset_name(workspace, "pets") == "pets-3"
    assert free_dataset_name(workspace, "cats") == "cats"
