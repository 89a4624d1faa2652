"""The binary forms of CIFAR-10 and CIFAR-100, from any container and shortened; whatever is odd is one sentence."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cifar_core.data.preparation import DataRequest, start_import
from cifar_core.data.prepare_process import prepare
from cifar_core.data.sources import cifar_binary
from cifar_core.data.sources.archive_limits import ArchiveLimits
from cifar_core.data.sources.cifar_binary import import_binary, is_binary_cifar
from cifar_core.data.sources.first_members import first_members
from cifar_core.data.store import dataset_job, open_dataset
from cifar_core.errors import DataError
from cifar_core.jobs import start
from cifar_core.jobs.process import do_job
from cifar_core.text import MB
from cifar_core.workspace import Workspace
from tests.data.conftest import Packer, small_set, snapshot, write_folder, write_tar, write_zip

TEN = b"truck\ncat\nairplane\n\n"
HUNDRED = b"bee\nmaple_tree\ncloud\nfox"


def records(labels: list[int], seed: int = 0, *, coarse: bool = False) -> tuple[bytes, np.ndarray]:
    """A file of these labels, and its pictures."""
    pixels = np.random.default_rng(seed).integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    columns = [np.array(labels, np.uint8)[:, None], pixels]
    if coarse:
        columns.insert(0, np.full((len(labels), 1), 19, np.uint8))
    return np.hstack(columns).tobytes(), pixels.reshape(-1, 3, 32, 32)


def ten(folder: str = "cifar-10-batches-bin/") -> dict[str, bytes]:
    files = {
        "batches.meta.txt": TEN,
        "data_batch_1.bin": records([0, 1, 2], 1)[0],
        "data_batch_2.bin": records([2, 1], 2)[0],
        "readme.html": b"<p>not read",
        "test_batch.bin": records([1, 0], 3)[0],
    }
    return {folder + name: content for name, content in files.items()}


def hundred(folder: str = "cifar-100-binary/") -> dict[str, bytes]:
    files = {
        "coarse_label_names.txt": b"insects\ntrees",
        "fine_label_names.txt": HUNDRED,
        "test.bin": records([3, 0], 5, coarse=True)[0],
        "train.bin": records([1, 3, 2, 0], 4, coarse=True)[0],
    }
    return {folder + name: content for name, content in files.items()}


CONTAINERS: dict[str, Packer] = {
    "folder": write_folder,
    "zip": write_zip,
    "tar.gz": write_tar,
    "tar": lambda files, target: write_tar(files, target, mode="w"),
    "tar.xz": lambda files, target: write_tar(files, target, mode="w:xz"),
    "tar.bz2": lambda files, target: write_tar(files, target, mode="w:bz2"),
}


def refused(workspace: Workspace, files: dict[str, bytes], place: Path, message: str) -> None:
    """Check that the import fails with this message, and changes nothing."""
    packed = write_zip(files, place / "some.zip")
    assert is_binary_cifar(packed)
    before = snapshot(workspace.root)
    with pytest.raises(DataError, match=message):
        import_binary(workspace, packed, "mine")
    assert snapshot(workspace.root) == before


@pytest.mark.parametrize("container", CONTAINERS)
def test_cifar10(workspace: Workspace, tmp_path: Path, container: str) -> None:
    """The batches in their order; the classes in that of their file."""
    packed = CONTAINERS[container](ten(), tmp_path / "upload")
    assert is_binary_cifar(packed)
    dataset = import_binary(workspace, packed, "mine", shown="my\ncifar.bin")
    assert dataset.class_names == ("truck", "cat", "airplane")
    assert dataset.source == "Imported from my cifar.bin, in the binary form of CIFAR."
    assert dataset.train.labels.tolist() == [0, 1, 2, 2, 1]
    assert np.array_equal(dataset.train.images, np.concatenate([records([0] * 3, 1)[1], records([0] * 2, 2)[1]]))
    assert dataset.test.ids.tolist() == ["test/cat/00000", "test/truck/00001"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_cifar100(workspace: Workspace, tmp_path: Path, container: str) -> None:
    """The fine label counts; the coarse one is passed over."""
    packed = CONTAINERS[container](hundred(), tmp_path / "upload")
    assert is_binary_cifar(packed)
    dataset = import_binary(workspace, packed, "mine")
    assert dataset.class_names == ("bee", "maple_tree", "cloud", "fox")
    assert dataset.train.labels.tolist() == [1, 3, 2, 0]
    assert np.array_equal(dataset.test.images, records([0] * 2, 5)[1])


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("folder", ["", "my/copy/of/it/"])
@pytest.mark.parametrize("files", [ten, hundred])
def test_the_folder_does_not_matter(workspace: Workspace, tmp_path: Path, container: str, folder: str, files) -> None:
    """Nor do capitals, nor what operating systems put there."""
    inside = {f"{folder}{name.upper()}": content for name, content in files("").items()}
    packed = CONTAINERS[container]({f"{folder}._X": b"", **inside}, tmp_path / "upload")
    assert is_binary_cifar(packed)
    reference = import_binary(workspace, write_folder(files(), tmp_path / "plain"), "plain")
    assert import_binary(workspace, packed, "mine").fingerprint == reference.fingerprint


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"data_batch_2.bin": records([2, 1])[0][:-1]}, r"data_batch_2\.bin has 6,145 bytes, not a whole number .* 3,073"),
        ({"test_batch.bin": records([0, 3])[0]}, r"Record 2 of .*test_batch\.bin has the label 3, but only 3 classes"),
        ({"test_batch.bin": b""}, r"test_batch\.bin holds no pictures"),
        ({"test_batch.bin": None}, r"test_batch\.bin is missing in some\.zip: a binary CIFAR needs"),
        ({"batches.meta.txt": None}, r"batches\.meta\.txt is missing in some\.zip"),
        ({"data_batch_1.bin": None}, r"data_batch_1\.bin is missing in some\.zip"),
        ({"data_batch_1.bin": None, "data_batch_2.bin": None}, r"data_batch_1\.bin is missing in some\.zip"),
        ({"batches.meta.txt": b"\xff\xfe\x00"}, r"batches\.meta\.txt is not a text in UTF-8"),
        ({"batches.meta.txt": b"x" * 2_000_000}, r"batches\.meta\.txt is too large for a list of class names"),
        ({"batches.meta.txt": b"cat\ncat\ndog"}, "2 to 1,000 different classes; these are 3"),
        ({"batches.meta.txt": b"a\x07\nb\nc"}, "cannot be a class"),
        ({"TEST_BATCH.BIN": b""}, r"two sets of files \(.*TEST_BATCH\.BIN and .*test_batch\.bin\)"),
        ({"deeper/test_batch.bin": b""}, r"two sets of files \(.*: import them one at a time"),
        ({"train.bin": b""}, "it holds the files of both CIFAR-10 and CIFAR-100"),
    ],
)  # fmt: skip
def test_what_is_odd_is_one_sentence(
    workspace: Workspace, tmp_path: Path, change: dict[str, bytes | None], message: str
) -> None:
    files: dict[str, bytes | None] = {**ten(""), **change}
    kept = {name: files[name] for name in sorted(files)}
    refused(workspace, {name: content for name, content in kept.items() if content is not None}, tmp_path, message)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"train.bin": records([1, 4], coarse=True)[0]}, r"Record 2 of train\.bin has the label 4"),
        ({"train.bin": records([1, 3])[0]}, r"train\.bin has 6,146 bytes, not a whole number of records of 3,074"),
        ({"test.bin": None, "fine_label_names.txt": None}, r"fine_label_names\.txt is missing"),
        ({"train.bin": None}, r"train\.bin is missing"),
    ],
)
def test_what_is_odd_in_cifar100(
    workspace: Workspace, tmp_path: Path, change: dict[str, bytes | None], message: str
) -> None:
    files: dict[str, bytes | None] = {**hundred(""), **change}
    refused(workspace, {name: content for name, content in files.items() if content is not None}, tmp_path, message)


@pytest.mark.fault(57)
@pytest.mark.parametrize("container", CONTAINERS)
def test_all_files_together_are_limited(
    workspace: Workspace, tmp_path: Path, container: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in memory at the same time. What is not read of a folder or zip does not count."""
    monkeypatch.setattr(cifar_binary, "CIFAR_LIMITS", ArchiveLimits(file_bytes=2 * MB, total_bytes=3 * MB))
    files = {"data_batch_1.bin": bytes(3073 * 600), "data_batch_2.bin": bytes(3073 * 600)}
    packed = CONTAINERS[container](
        ten() | {f"cifar-10-batches-bin/{name}": files[name] for name in files}, tmp_path / "a"
    )
    with pytest.raises(DataError, match="a holds more than the 3 MB allowed: it was refused"):
        import_binary(workspace, packed, "mine")
    if container in ("folder", "zip"):
        packed = CONTAINERS[container](ten() | {"readme": bytes(4 * MB)}, tmp_path / "b")
        assert len(import_binary(workspace, packed, "mine").train.labels) == 5


def test_a_truncated_archive(workspace: Workspace, tmp_path: Path) -> None:
    packed = write_tar(ten(), tmp_path / "cifar-10-binary.tar.gz")
    packed.write_bytes(packed.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"^cifar-10-binary\.tar\.gz is damaged or incomplete"):
        import_binary(workspace, packed, "mine")


@pytest.mark.parametrize("container", CONTAINERS)
def test_pictures_are_not_taken_for_it(tmp_path: Path, container: str) -> None:
    """Even with a stray file of such a name."""
    files = {"train.bin": b"", **small_set()}
    assert not is_binary_cifar(CONTAINERS[container](files, tmp_path / "upload"))
    assert not is_binary_cifar(tmp_path / "absent")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([b"", b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"BZh9", b"\xfd7zXZ\x00"]), st.binary(max_size=300))
def test_any_file_has_some_first_names_or_none(tmp_path: Path, head: bytes, rest: bytes) -> None:
    path = tmp_path / "any"
    path.write_bytes(head + rest)
    assert all(isinstance(part, str) for parts in first_members(path) for part in parts)


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:xz", "w:bz2"])
def test_the_first_names_of_a_tar_end_with_the_first_megabyte(tmp_path: Path, mode: str) -> None:
    large = np.random.default_rng(0).bytes(2_000_000)
    packed = write_tar({"a/1.bin": b"x", "a/2.bin": large, "a/3.bin": b"x"}, tmp_path / "a", mode=mode)
    assert first_members(packed)[:2] == [("a", "1.bin"), ("a", "2.bin")]
    assert ("a", "3.bin") not in first_members(packed)


def test_an_import_takes_each_for_what_it_is(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "spawn", lambda *_: None)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    sources = {"ten": write_tar(ten(), tmp_path / "a"), "mine": write_zip(small_set(), tmp_path / "b")}
    for name, source in sources.items():
        start_import(workspace, source, name)
        assert do_job(dataset_job(workspace, name), DataRequest, prepare) == 0
    assert open_dataset(workspace, "ten").class_names == ("truck", "cat", "airplane")
    assert open_dataset(workspace, "mine").class_names == ("cat", "dog")
