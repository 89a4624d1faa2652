"""The official data: no pickle is opened before its hash is checked. Small files stand in for the 170 MB."""

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
from cifar_core.data.preparation import remove_leftovers
from cifar_core.data.sources import cifar10, official_reader
from cifar_core.data.sources.archive_limits import ArchiveLimits
from cifar_core.data.sources.cifar10 import (
    CIFAR10,
    CIFAR10_ARCHIVE,
    CIFAR100,
    OfficialFiles,
    get_cifar10,
    import_official,
    is_official,
    official_files,
)
from cifar_core.data.sources.download import Connection, Remote
from cifar_core.errors import DataError, DownloadError
from cifar_core.jobs.progress import CancelledError
from cifar_core.workspace import Workspace
from tests.conftest import ROOT
from tests.data.conftest import snapshot, write_folder, write_tar, write_zip

CLASSES = ["airplane", "cat", "dog"]


class Malicious:
    """An object that creates a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (self.mark,))


def md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def batch(count: int, seed: int) -> tuple[bytes, np.ndarray, list[int]]:
    """A pickle like the official ones, with its pictures and labels."""
    rng = np.random.default_rng(seed)
    data, labels = rng.integers(0, 256, (count, 3072), dtype=np.uint8), [number % 3 for number in range(count)]
    return pickle.dumps({"data": data, "labels": labels}), data.reshape(count, 3, 32, 32), labels


@pytest.fixture
def contents() -> dict[str, bytes]:
    """Two training batches, one test batch and the class names, by path."""
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
    """The official files of these tests."""

    def with_md5(name: str) -> tuple[str, str]:
        return name, md5(contents[f"batches/{name}"])

    return OfficialFiles(
        name="cifar10",
        title="CIFAR-10",
        filename="small.tar.gz",
        folder="batches",
        train=(with_md5("data_batch_1"), with_md5("data_batch_2")),
        test=(with_md5("test_batch"),),
        meta=with_md5("batches.meta"),
        class_names="label_names",
    )


@pytest.fixture
def remote(archive: Path) -> Remote:
    """Where the archive of these tests is downloaded from."""
    content = archive.read_bytes()
    return Remote("http://nowhere.invalid/small.tar.gz", len(content), hashlib.sha256(content).hexdigest(), "")


@pytest.fixture
def reader_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let torchvision read in this process, which has loaded it already: a new process takes seconds to load it."""

    def read(root: Path, files: OfficialFiles, progress: object) -> None:
        (root / "files.json").write_text(json.dumps(asdict(files)))
        official_reader.read(root)

    monkeypatch.setattr(cifar10, "_read_in_subprocess", read)


@pytest.fixture
def reader_never_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if a pickle would be opened."""
    monkeypatch.setattr(cifar10, "_read_in_subprocess", lambda *arguments: pytest.fail("a pickle would be opened"))


def refused(workspace: Workspace, path: Path, files: OfficialFiles, message: str) -> None:
    before = snapshot(workspace.root)
    with pytest.raises(DataError, match=message):
        import_official(workspace, path, "cifar10", files)
    assert snapshot(workspace.root) == before


@pytest.mark.parametrize(
    ("ours", "theirs"), [(CIFAR10, torchvision.datasets.CIFAR10), (CIFAR100, torchvision.datasets.CIFAR100)]
)
def test_the_hashes_are_torchvisions(ours: OfficialFiles, theirs: type[torchvision.datasets.CIFAR10]) -> None:
    """They are equal file by file; torchvision has no SHA-256 and length of the archive."""
    assert ours.filename == theirs.filename
    assert ours.folder == theirs.base_folder
    assert [list(pair) for pair in ours.train] == theirs.train_list
    assert [list(pair) for pair in ours.test] == theirs.test_list
    assert (*ours.meta, ours.class_names) == (theirs.meta["filename"], theirs.meta["md5"], theirs.meta["key"])
    assert CIFAR10_ARCHIVE.url == torchvision.datasets.CIFAR10.url


def test_the_archive_is_read_in_a_process_of_its_own(workspace: Workspace, archive: Path, files: OfficialFiles) -> None:
    """torchvision reads it there; nothing but the dataset is left."""
    dataset = import_official(workspace, archive, "cifar10", files)
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
    """So do a torchvision root, the folder in it, and the same files packed again."""
    root = write_folder(contents, tmp_path / "root")
    again = write_zip({f"my/copy/{name}": content for name, content in contents.items()}, tmp_path / "again.zip")
    datasets = [
        import_official(workspace, path, name, files)
        for name, path in (("one", archive), ("two", root), ("three", root / "batches"), ("four", again))
    ]
    assert len({dataset.fingerprint for dataset in datasets}) == 1
    assert datasets[0].title == "one"


@pytest.mark.usefixtures("reader_in_this_process")
def test_cifar100(workspace: Workspace, tmp_path: Path) -> None:
    """It has the fine labels and their names, and its title where it has its name."""
    data = np.random.default_rng(1).integers(0, 256, (6, 3072), dtype=np.uint8)
    labels = {"fine_labels": [0, 1, 2, 0, 1, 2], "coarse_labels": [1, 0, 0, 1, 0, 0]}
    inside = {
        "file.txt~": b"",
        "train": pickle.dumps({"data": data, **labels}),
        "test": pickle.dumps({"data": data[:3], "fine_labels": [2, 1, 0]}),
        "meta": pickle.dumps({"fine_label_names": ["apple", "bear", "cup"], "coarse_label_names": ["food", "thing"]}),
    }
    files = replace(
        CIFAR100,
        train=(("train", md5(inside["train"])),),
        test=(("test", md5(inside["test"])),),
        meta=("meta", md5(inside["meta"])),
    )
    packed = write_tar({f"cifar-100-python/{name}": content for name, content in inside.items()}, tmp_path / "upload")
    assert official_files(packed) is CIFAR100
    dataset = import_official(workspace, packed, "cifar100", files)
    assert (dataset.title, dataset.class_names) == ("CIFAR-100", ("apple", "bear", "cup"))
    assert dataset.train.labels.tolist() == labels["fine_labels"]
    assert np.array_equal(dataset.train.images, data.reshape(6, 3, 32, 32))
    assert dataset.test.ids.tolist() == ["test/cup/00000", "test/bear/00001", "test/apple/00002"]
    assert dataset.source.startswith("The official CIFAR-100 of")
    assert import_official(workspace, packed, "c100", files).title == "c100"
    with pytest.raises(DataError, match=r"train of upload is not the official file .its MD5 is"):
        import_official(workspace, packed, "changed", CIFAR100)


def test_a_reader_that_fails(
    workspace: Workspace, archive: Path, files: OfficialFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message has its last output and what to do, and nothing is left."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    refused(workspace, archive, files, "torchvision could not read them .it ended with code 1.: check that")
    reader = tmp_path / "reader"
    reader.write_text("#!/bin/sh\necho Traceback\necho 'ImportError: no torch' >&2\nexit 1\n")
    reader.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(reader))
    refused(workspace, archive, files, "it said: ImportError: no torch.: check .* then try again")


@pytest.mark.fault(64)
@pytest.mark.usefixtures("reader_never_called")
def test_a_changed_archive_is_not_opened(
    workspace: Workspace, archive: Path, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path
) -> None:
    """Neither one with a malicious pickle nor an incomplete one."""
    mark = tmp_path / "mark"
    malicious = {**contents, "batches/data_batch_2": pickle.dumps(Malicious(mark))}
    changed = write_tar(malicious, tmp_path / "changed.tar.gz")
    assert is_official(changed, files)
    refused(workspace, changed, files, r"^data_batch_2 of changed\.tar\.gz is not the official file .its MD5 is")
    content = archive.read_bytes()
    archive.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    refused(workspace, archive, files, "is damaged or incomplete")
    archive.write_bytes(content[:-1])
    refused(workspace, archive, files, "is damaged or incomplete")
    with pytest.raises(DataError, match=r"^my upload\.tar\.gz is damaged or incomplete"):
        import_official(workspace, archive, "cifar10", files, shown="my upload.tar.gz")
    assert not mark.exists()


@pytest.mark.fault(64)
@pytest.mark.usefixtures("reader_never_called")
@pytest.mark.parametrize("victim", ["data_batch_1", "test_batch", "batches.meta"])
def test_a_malicious_folder_is_not_opened(
    workspace: Workspace, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path, victim: str
) -> None:
    """The file is named, and no other file is opened."""
    mark = tmp_path / "mark"
    root = write_folder({**contents, f"batches/{victim}": pickle.dumps(Malicious(mark))}, tmp_path / "root")
    assert is_official(root, files)
    refused(workspace, root, files, f"{victim} of root is not the official file")
    assert not mark.exists()


@pytest.mark.fault(64)
@pytest.mark.usefixtures("reader_never_called")
def test_a_missing_batch(
    workspace: Workspace, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path
) -> None:
    """It is named, and no other is opened."""
    del contents["batches/test_batch"]
    root = write_folder(contents, tmp_path / "root")
    assert is_official(root, files)
    refused(workspace, root, files, r"^test_batch is missing in root: get the archive small\.tar\.gz again")


def test_what_looks_official(archive: Path, files: OfficialFiles, contents: dict[str, bytes], tmp_path: Path) -> None:
    """An archive by its name or its files; a folder by its files, also from inside it."""
    root = write_folder(contents, tmp_path / "root")
    assert is_official(root, files)
    assert is_official(root / "batches", files)
    assert not is_official(tmp_path / "nothing", files)
    renamed = archive.rename(tmp_path / "upload.tmp")
    assert is_official(renamed, files)
    assert not is_official(renamed, CIFAR10)
    (tmp_path / CIFAR10.filename).write_bytes(b"short")
    assert is_official(tmp_path / CIFAR10.filename)
    pictures = write_zip({"batches/train/cat/1.png": b"", "batches/test/cat/1.png": b""}, tmp_path / "pictures.zip")
    assert not is_official(pictures, files)


@pytest.fixture
def served(archive: Path, monkeypatch: pytest.MonkeyPatch) -> list[Remote]:
    """Downloads that succeed at once; the list has the requested files."""
    requested = []

    def fetch(remote: Remote, target: Path, on_progress: object, connection: Connection | None) -> None:
        requested.append(remote)
        target.write_bytes(archive.read_bytes())

    monkeypatch.setattr(cifar10, "fetch", fetch)
    return requested


@pytest.mark.usefixtures("reader_in_this_process")
def test_getting_it_leaves_only_the_dataset(
    workspace: Workspace, files: OfficialFiles, remote: Remote, served: list[Remote]
) -> None:
    """It is fetched with the official length and hash; the archive is removed once its pictures are stored."""
    dataset = get_cifar10(workspace, files=files, archive=remote)
    assert len(dataset.train.labels) == 12
    assert [replace(asked, help="") for asked in served] == [remote]
    assert str(workspace.data / "small.tar.gz") in served[0].help
    assert "data import FILE --name cifar10" in served[0].help
    assert [item.name for item in workspace.data.iterdir()] == ["cifar10"]


def test_an_archive_put_there_by_hand_is_imported(
    workspace: Workspace, archive: Path, files: OfficialFiles, served: list[Remote], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is downloaded, and the file is not removed."""
    imported = []
    monkeypatch.setattr(cifar10, "import_official", lambda workspace, path, *rest, **more: imported.append(path))
    placed = workspace.data / "small.tar.gz"
    placed.write_bytes(archive.read_bytes())
    get_cifar10(workspace, files=files)
    assert (imported, served) == ([placed], [])


@pytest.mark.fault(62)
def test_no_network_says_both_ways_out(workspace: Workspace, files: OfficialFiles, remote: Remote) -> None:
    """The real downloader with a host that does not exist."""
    remote = replace(remote, url="https://nowhere.invalid/small.tar.gz")
    with pytest.raises(DownloadError, match=r"Without a network: put the file small\.tar\.gz here"):
        get_cifar10(workspace, files=files, archive=remote, connection=Connection(timeout=2))


def test_cancelling_removes_what_was_fetched(
    workspace: Workspace, files: OfficialFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the `.part` file."""

    def fetch(remote: Remote, target: Path, *rest: object) -> None:
        target.with_name(target.name + ".part").write_bytes(b"half")
        raise CancelledError("enough")

    monkeypatch.setattr(cifar10, "fetch", fetch)
    with pytest.raises(CancelledError):
        get_cifar10(workspace, files=files)
    assert not any(item.is_file() for item in workspace.data.rglob("*"))


KILL_WHILE_READING = """
import json, os, sys
from cifar_core.data.sources import cifar10
from cifar_core.workspace import open_workspace
files = json.loads(sys.argv[2])
files |= {name: tuple(map(tuple, files[name])) for name in ("train", "test")} | {"meta": tuple(files["meta"])}
cifar10._read_in_subprocess = lambda *_: os._exit(9)
cifar10.get_cifar10(open_workspace(sys.argv[1]), files=cifar10.OfficialFiles(**files))
"""


@pytest.mark.fault(63)
@pytest.mark.usefixtures("reader_in_this_process")
def test_an_import_killed_while_unpacking_can_be_repeated(
    workspace: Workspace, archive: Path, files: OfficialFiles, served: list[Remote]
) -> None:
    """It uses the downloaded archive; no partial dataset is listed or left."""
    target = workspace.data / ".downloads" / files.filename
    target.parent.mkdir()
    target.write_bytes(archive.read_bytes())
    command = [sys.executable, "-c", KILL_WHILE_READING, str(workspace.root), json.dumps(asdict(files))]
    assert subprocess.run(command, cwd=ROOT).returncode == 9
    assert {state.name: state.state for state in list_datasets(workspace)}["cifar10"] == "absent"
    assert target.exists()
    remove_leftovers(workspace, "cifar10")  # as every start does
    get_cifar10(workspace, files=files)
    assert served == []
    assert [item.name for item in workspace.data.iterdir() if item.name != ".jobs"] == ["cifar10"]


@pytest.mark.fault(57)
@pytest.mark.usefixtures("reader_never_called")
def test_the_first_wrong_file_ends_the_import(
    workspace: Workspace, contents: dict[str, bytes], files: OfficialFiles, tmp_path: Path
) -> None:
    """The rest of the archive, here damaged, is not read."""
    changed = write_tar({**contents, "batches/data_batch_1": b"wrong"}, tmp_path / "changed.tar", mode="w")
    changed.write_bytes(changed.read_bytes()[:2000])
    refused(workspace, changed, files, r"^data_batch_1 of changed\.tar is not the official file")


@pytest.mark.fault(57)
@pytest.mark.usefixtures("reader_in_this_process")
def test_all_official_files_together_are_limited(
    workspace: Workspace,
    contents: dict[str, bytes],
    files: OfficialFiles,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also the same one again and again; what is not read of a zip does not count."""
    monkeypatch.setattr(cifar10, "CIFAR_LIMITS", ArchiveLimits(total_bytes=2 * sum(map(len, contents.values()))))
    again = {f"{folder}/{name}": content for folder in "abc" for name, content in contents.items()}
    refused(workspace, write_zip(again, tmp_path / "again.zip"), files, "again.zip holds more than the 0 MB allowed")
    more = write_zip({**contents, "batches/readme.html": bytes(1_000_000)}, tmp_path / "more.zip")
    assert len(import_official(workspace, more, "mine", files).train.labels) == 12


def test_the_malicious_object_works(tmp_path: Path) -> None:
    """Unpickled, it does create its file: so these tests can fail."""
    pickle.load(io.BytesIO(pickle.dumps(Malicious(tmp_path / "mark"))))
    assert (tmp_path / "mark").exists()
