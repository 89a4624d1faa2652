"""The official data: believed by its hashes alone, and no pickle opened before them. Small files stand in for the 170 MB."""

import hashlib
import io
import json
import pickle
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torchvision

from cifar_core.data import list_datasets
from cifar_core.data.preparation import sweep_earlier
from cifar_core.data.sources import cifar10, official_reader
from cifar_core.data.sources.cifar10 import CIFAR10, OfficialFiles, get_cifar10, import_official, is_official
from cifar_core.data.sources.download import Line, Remote
from cifar_core.errors import DataError, DownloadError
from cifar_core.jobs.progress import CancelledError
from cifar_core.workspace import Workspace
from tests.conftest import ROOT
from tests.data.conftest import snapshot, write_folder, write_tar

CLASSES = ["airplane", "cat", "dog"]


class Evil:
    """Unpickling it makes a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def batch(count: int, seed: int) -> tuple[bytes, np.ndarray, list[int]]:
    """A pickle like the official ones, its pictures and labels."""
    rng = np.random.default_rng(seed)
    data, labels = rng.integers(0, 256, (count, 3072), dtype=np.uint8), [number % 3 for number in range(count)]
    return pickle.dumps({"data": data, "labels": labels}), data.reshape(count, 3, 32, 32), labels


@pytest.fixture
def contents() -> dict[str, bytes]:
    """Two training batches, one test batch and the names, by path."""
    files = {
        "data_batch_1": batch(6, 1)[0],
        "data_batch_2": batch(6, 2)[0],
        "test_batch": batch(4, 3)[0],
        "batches.meta": pickle.dumps({"label_names": CLASSES}),
        "readme.html": b"<p>not read",
    }
    return {f"batches/{name}": content for name, content in files.items()}


@pytest.fixture
def archive(contents: dict[str, bytes], tmp_path: Path) -> Path:
    return write_tar(contents, tmp_path / "small.tar.gz")


@pytest.fixture
def files(contents: dict[str, bytes], archive: Path) -> OfficialFiles:
    """What is official in these tests."""

    def known(name: str) -> tuple[str, str]:
        return name, md5(contents[f"batches/{name}"])

    return OfficialFiles(
        url="http://nowhere.invalid/small.tar.gz",
        filename="small.tar.gz",
        length=archive.stat().st_size,
        sha256=hashlib.sha256(archive.read_bytes()).hexdigest(),
        folder="batches",
        train=(known("data_batch_1"), known("data_batch_2")),
        test=(known("test_batch"),),
        meta=known("batches.meta"),
    )


@pytest.fixture
def reader_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by torchvision here, where it is loaded already: a process of its own takes seconds to load it."""

    def read(root: Path, files: OfficialFiles, progress: object) -> None:
        (root / "files.json").write_text(json.dumps(asdict(files)))
        official_reader.read(root)

    monkeypatch.setattr(cifar10, "_read_in_own_process", read)


@pytest.fixture
def reader_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where a pickle would be opened."""
    monkeypatch.setattr(cifar10, "_read_in_own_process", lambda *arguments: pytest.fail("a pickle would be opened"))


def refused(workspace: Workspace, path: Path, files: OfficialFiles, words: str) -> None:
    before = snapshot(workspace.root)
    with pytest.raises(DataError, match=words):
        import_official(workspace, path, "cifar10", files=files)
    assert snapshot(workspace.root) == before


def test_the_hashes_are_torchvisions() -> None:
    """File by file; the archive's SHA-256 and length stand only here."""
    theirs = torchvision.datasets.CIFAR10
    assert CIFAR10.url == theirs.url
    assert CIFAR10.filename == theirs.filename
    assert CIFAR10.folder == theirs.base_folder
    assert [list(pair) for pair in CIFAR10.train] == theirs.train_list
    assert [list(pair) for pair in CIFAR10.test] == theirs.test_list
    assert CIFAR10.meta == (theirs.meta["filename"], theirs.meta["md5"])


def test_the_archive_is_read_in_a_process_of_its_own(workspace: Workspace, archive: Path, files: OfficialFiles) -> None:
    """By torchvision; nothing but the dataset is left."""
    dataset = import_official(workspace, archive, "cifar10", files=files)
    assert dataset.class_names == tuple(CLASSES)
    assert dataset.title == "CIFAR-10"
    _, pictures, labels = batch(6, 2)
    assert np.array_equal(dataset.train.images[6:], pictures)
    assert dataset.train.labels[6:].tolist() == labels
    assert np.array_equal(dataset.test.images, batch(4, 3)[1])
    assert dataset.test.ids.tolist() == [
        "test/airplane/00000",
        "test/cat/00001",
        "test/dog/00002",
        "test/airplane/00003",
    ]
    assert [item.name for item in workspace.data.iterdir()] == ["cifar10"]


@pytest.mark.usefixtures("reader_in_this_process")
def test_archive_and_folder_give_the_same_dataset(
    workspace: Workspace, archive: Path, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path
) -> None:
    """A torchvision root, and the folder in it."""
    root = write_folder(contents, tmp_path / "root")
    datasets = [
        import_official(workspace, path, name, files=files)
        for name, path in (("one", archive), ("two", root), ("three", root / "batches"))
    ]
    assert len({dataset.fingerprint for dataset in datasets}) == 1
    assert datasets[0].title == "one"


def test_a_reader_that_fails(
    workspace: Workspace, archive: Path, files: OfficialFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Says its last words and the way out, and leaves nothing."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    refused(workspace, archive, files, "torchvision could not read them .it ended with code 1.: check that")
    reader = tmp_path / "reader"
    reader.write_text("#!/bin/sh\necho Traceback\necho 'ImportError: no torch' >&2\nexit 1\n")
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))
    refused(workspace, archive, files, "its last words: ImportError: no torch.: check .* then try again")


@pytest.mark.fault(64)
@pytest.mark.usefixtures("reader_never_called")
def test_a_changed_archive_is_not_opened(
    workspace: Workspace, archive: Path, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path
) -> None:
    """One with a poisoned pickle, of any length, and one that is cut off."""
    mark = tmp_path / "mark"
    poisoned = {**contents, "batches/data_batch_2": pickle.dumps(Evil(mark))}
    refused(workspace, write_tar(poisoned, tmp_path / "short.tar.gz"), files, "cut off|not the official archive")
    padded = {**poisoned, "batches/readme.html": np.random.default_rng(0).bytes(200_000)}
    refused(
        workspace, write_tar(padded, tmp_path / "long.tar.gz"), files, "not the official archive .its SHA-256 differs"
    )
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(workspace, archive, files, "not the official archive")
    archive.write_bytes(content[:-1])
    refused(workspace, archive, files, "it is cut off, get it again")
    with pytest.raises(DataError, match=r"^my upload\.tar\.gz has .* it is cut off"):
        import_official(workspace, archive, "cifar10", files=files, shown="my upload.tar.gz")
    assert not mark.exists()


@pytest.mark.fault(64)
@pytest.mark.usefixtures("reader_never_called")
@pytest.mark.parametrize("victim", ["data_batch_1", "test_batch", "batches.meta"])
def test_a_poisoned_folder_is_not_opened(
    workspace: Workspace, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path, victim: str
) -> None:
    """The file is named; none of the others was opened either."""
    mark = tmp_path / "mark"
    root = write_folder({**contents, f"batches/{victim}": pickle.dumps(Evil(mark))}, tmp_path / "root")
    assert is_official(root, files)
    refused(workspace, root, files, f"{victim} of root is not the official file")
    assert not mark.exists()


@pytest.mark.fault(64)
@pytest.mark.usefixtures("reader_never_called")
def test_a_missing_batch(
    workspace: Workspace, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path
) -> None:
    """Counts as wrong."""
    del contents["batches/data_batch_2"]
    refused(
        workspace, write_folder(contents, tmp_path / "root"), files, "data_batch_2 of root is not the official file"
    )


def test_what_claims_to_be_official(
    archive: Path, files: OfficialFiles, contents: dict[str, bytes], tmp_path: Path
) -> None:
    """By name or length; a folder by its files, also from inside."""
    root = write_folder(contents, tmp_path / "root")
    assert is_official(root, files)
    assert is_official(root / "batches", files)
    assert not is_official(tmp_path / "nothing", files)
    renamed = archive.rename(tmp_path / "upload.tmp")
    assert is_official(renamed, files)
    assert not is_official(renamed, CIFAR10)
    (tmp_path / CIFAR10.filename).write_bytes(b"short")
    assert is_official(tmp_path / CIFAR10.filename)


@pytest.fixture
def served(archive: Path, monkeypatch: pytest.MonkeyPatch) -> list[Remote]:
    """Downloads that succeed at once; the list says what was asked for."""
    asked = []

    def fetch(remote: Remote, target: Path, tell: object, line: Line | None) -> None:
        asked.append(remote)
        target.write_bytes(archive.read_bytes())

    monkeypatch.setattr(cifar10, "fetch", fetch)
    return asked


@pytest.mark.usefixtures("reader_in_this_process")
def test_getting_it_leaves_only_the_dataset(workspace: Workspace, files: OfficialFiles, served: list[Remote]) -> None:
    """Fetched with the official length and hash; the archive is removed once its pictures are stored."""
    dataset = get_cifar10(workspace, files=files)
    assert len(dataset.train.labels) == 12
    assert [(remote.url, remote.length, remote.sha256) for remote in served] == [
        (files.url, files.length, files.sha256)
    ]
    assert str(workspace.data / "small.tar.gz") in served[0].help
    assert "data import FILE --name cifar10" in served[0].help
    assert [item.name for item in workspace.data.iterdir()] == ["cifar10"]


def test_a_file_put_there_by_hand_is_taken(
    workspace: Workspace, archive: Path, files: OfficialFiles, served: list[Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any download, and it stays the person's."""
    taken = []
    monkeypatch.setattr(cifar10, "import_official", lambda workspace, path, *rest, **more: taken.append(path))
    placed = workspace.data / "small.tar.gz"
    placed.write_bytes(archive.read_bytes())
    get_cifar10(workspace, files=files)
    assert (taken, served) == ([placed], [])


@pytest.mark.fault(62)
def test_no_network_says_both_ways_out(workspace: Workspace, files: OfficialFiles) -> None:
    """The real downloader with a name that nobody has."""
    files = replace(files, url="https://nowhere.invalid/small.tar.gz")
    with pytest.raises(DownloadError, match=r"Without a network: put the file small\.tar\.gz here"):
        get_cifar10(workspace, files=files, line=Line(stall=2))


def test_cancelling_removes_what_was_fetched(
    workspace: Workspace, files: OfficialFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `.part` as well."""

    def fetch(remote: Remote, target: Path, *rest: object) -> None:
        target.with_name(target.name + ".part").write_bytes(b"half")
        raise CancelledError("enough")

    monkeypatch.setattr(cifar10, "fetch", fetch)
    with pytest.raises(CancelledError):
        get_cifar10(workspace, files=files)
    assert not any(item.is_file() for item in workspace.data.rglob("*"))


DIE = """
import json, os, sys
from cifar_core.data.sources import cifar10
from cifar_core.workspace import open_workspace
told = json.loads(sys.argv[2])
pairs = {name: tuple(map(tuple, told[name])) for name in ("train", "test")}
cifar10._read_in_own_process = lambda *_: os._exit(9)
cifar10.get_cifar10(open_workspace(sys.argv[1]), files=cifar10.OfficialFiles(**told | pairs | {"meta": tuple(told["meta"])}))
"""


@pytest.mark.fault(63)
@pytest.mark.usefixtures("reader_in_this_process")
def test_killed_while_it_unpacks_it_begins_again_by_itself(
    workspace: Workspace, archive: Path, files: OfficialFiles, served: list[Remote]
) -> None:
    """With what was fetched; nothing half unpacked is seen or left."""
    target = workspace.data / ".downloads" / files.filename
    target.parent.mkdir()
    target.write_bytes(archive.read_bytes())
    command = [sys.executable, "-c", DIE, str(workspace.root), json.dumps(asdict(files))]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    assert {state.name: state.state for state in list_datasets(workspace)}["cifar10"] == "absent"
    assert target.exists()
    sweep_earlier(workspace, "cifar10")  # as every start does
    get_cifar10(workspace, files=files)
    assert served == []
    assert [item.name for item in workspace.data.iterdir() if item.name != ".jobs"] == ["cifar10"]


def test_evil_is_evil(tmp_path: Path) -> None:
    """The trap of these tests works: opened, it makes its file."""
    pickle.load(io.BytesIO(pickle.dumps(Evil(tmp_path / "mark"))))
    assert (tmp_path / "mark").exists()
