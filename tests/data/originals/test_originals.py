"""Reduced originals: kept by an import beside the dataset, whole or not at all, and read one at a time."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cifar_core.data import Dataset, dataset_state, open_dataset, read_original, save_dataset
from cifar_core.data.originals import keeping
from cifar_core.data.originals.file import ORIGINALS
from cifar_core.data.originals.keeping import KeptOriginals, reduced
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.data.sources.own.options import ImportOptions
from cifar_core.errors import DataError, StorageError
from cifar_core.workspace import Workspace
from tests.data.conftest import picture_bytes, small_set, snapshot, write_tar, write_zip


def encoded(image: Image.Image, **more: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **more)
    return stream.getvalue()


def large_set() -> dict[str, bytes]:
    """A small dataset whose first picture of each class and part is 600 x 300, and whose second is 20 x 40."""
    files = small_set()
    for name in files:
        kind, colour = int(name[-5]), 60 + 20 * (hash_of(name) % 9)
        if kind < 2:
            files[name] = encoded(Image.new("RGB", ((600, 300), (20, 40))[kind], (colour, 10, 200)))
    return files


def hash_of(name: str) -> int:
    return sum(name.encode())


@pytest.fixture
def dataset(workspace: Workspace, tmp_path: Path) -> Dataset:
    return import_pictures(workspace, write_zip(large_set(), tmp_path / "a.zip"), "mine")[0]


def test_larger_pictures_come_back_and_others_have_none(workspace: Workspace, dataset: Dataset) -> None:
    """Each its own, as it looked; the file is a part of the dataset in every other way."""
    for split in (dataset.train, dataset.test):
        assert split.originals is not None and split.sizes is not None
        for row, name in enumerate(split.ids.tolist()):
            found = read_original(workspace, "mine", split, row)
            size = {0: (256, 128), 1: (20, 40)}.get(int(name[-5]))
            assert (found.size if found else None) == size
            if found is not None:
                colour = np.asarray(found).mean(axis=(0, 1))
                assert np.abs(colour - (60 + 20 * (hash_of(name) % 9), 10, 200)).max() < 3
    folder = workspace.data / "mine"
    size = (folder / ORIGINALS).stat().st_size
    assert json.loads((folder / "meta.json").read_text())["files"][ORIGINALS] == size > 0
    assert dataset_state(workspace, "mine").bytes == sum(file.stat().st_size for file in folder.iterdir())


def test_the_order_in_the_source_does_not_matter(workspace: Workspace, dataset: Dataset, tmp_path: Path) -> None:
    packed = write_tar(dict(reversed(large_set().items())), tmp_path / "b.tar")
    import_pictures(workspace, packed, "other")
    assert (workspace.data / "other" / ORIGINALS).read_bytes() == (workspace.data / "mine" / ORIGINALS).read_bytes()


def test_pictures_of_32_x_32_cost_nothing(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.data.originals.keeping.open_originals", lambda *_: pytest.fail("a file was made"))
    found, _ = import_pictures(workspace, write_zip(small_set(), tmp_path / "a.zip"), "mine")
    assert (found.train.originals, found.test.originals) == (None, None)
    assert read_original(workspace, "mine", found.train, 0) is None
    assert not [file.name for file in (workspace.data / "mine").iterdir() if "originals" in file.name]


def test_a_copy_of_some_pictures_takes_their_originals_along(workspace: Workspace, dataset: Dataset) -> None:
    """And no others."""
    rows = np.array([5, 3, 0])
    with open(workspace.data / "mine" / ORIGINALS, "rb") as source:
        copy = save_dataset(
            workspace,
            "copy",
            dataset.train.take(rows),
            dataset.test,
            title="Copy",
            class_names=dataset.class_names,
            source="A copy.",
            originals=source,
        )
    before, after = (
        [read_original(workspace, name, split, row) for row in places]
        for name, split, places in (("mine", dataset.train, rows), ("copy", copy.train, range(3)))
    )
    assert before == after and None in after and any(after)
    assert (workspace.data / "copy" / ORIGINALS).stat().st_size < (workspace.data / "mine" / ORIGINALS).stat().st_size


def test_grey_of_12_bits_is_as_bright_as_in_the_dataset(workspace: Workspace, tmp_path: Path) -> None:
    """Which of two readings is right is known only at the end of the import."""
    grey = encoded(Image.fromarray(np.full((40, 60), 4095, np.uint16)))
    found, _ = import_pictures(workspace, write_zip(dict.fromkeys(small_set(), grey), tmp_path / "a.zip"), "mine")
    original = read_original(workspace, "mine", found.train, 0)
    assert found.grey_bits == 12 and original is not None
    assert np.asarray(original).min() > 250


def test_grey_of_16_bits_that_is_not_kept_is_counted_once(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though an import tries to keep both readings of it."""
    monkeypatch.setattr(keeping, "MAX_ORIGINALS", 0)
    grey = encoded(Image.fromarray(np.full((40, 60), 4095, np.uint16)))
    _, findings = import_pictures(workspace, write_zip(dict.fromkeys(small_set(), grey), tmp_path / "a.zip"), "mine")
    assert findings.sentences[-1].startswith(f"The originals of {len(small_set())} pictures are not kept")


def test_what_is_beyond_the_limit_is_not_kept_and_counted(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 2 * len(reduced(Image.new("RGB", (600, 300)))) + 500
    monkeypatch.setattr(keeping, "MAX_ORIGINALS", limit)
    found, findings = import_pictures(workspace, write_zip(large_set(), tmp_path / "a.zip"), "mine")
    assert found.train.originals is not None and found.test.originals is not None
    kept = int((found.train.originals[:, 1] > 0).sum() + (found.test.originals[:, 1] > 0).sum())
    assert 0 < kept < 8
    assert findings.sentences[-1].startswith(f"The originals of {8 - kept} pictures are not kept to be looked at")
    assert (workspace.data / "mine" / ORIGINALS).stat().st_size <= limit


@given(st.integers(1, 700), st.integers(1, 700))
def test_an_original_keeps_its_shape_and_is_never_enlarged(width: int, height: int) -> None:
    with Image.open(io.BytesIO(reduced(Image.new("RGB", (width, height))))) as found:
        longest = max(width, height)
        assert max(found.size) == min(longest, 256)
        for side, whole in zip(found.size, (width, height), strict=True):
            assert side == whole if longest <= 256 else abs(side - max(1, whole * 256 / longest)) <= 0.5


def cut_short(folder: Path) -> None:
    (folder / ORIGINALS).write_bytes((folder / ORIGINALS).read_bytes()[:100])


def lose(folder: Path) -> None:
    (folder / ORIGINALS).unlink()


def spoil(folder: Path) -> None:
    (folder / ORIGINALS).write_bytes(bytes((folder / ORIGINALS).stat().st_size))


def no_file(folder: Path) -> None:
    lose(folder)
    (folder / ORIGINALS).mkdir()


def place_at(start: int, length: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        places = np.load(folder / "train_originals.npy")
        places[0] = start, length
        np.save(folder / "train_originals.npy", places)

    return change


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (cut_short, "originals.bin is cut short: it ends before byte"),
        (lose, "originals.bin: No such file or directory"),
        (no_file, "originals.bin is not a file"),
        (spoil, "Its place in originals.bin is not a PNG"),
        (place_at(10**9, 50), "it ends before byte 1,000,000,050"),
        (place_at(2**63 - 1, 50), "has no place of 50 bytes"),
        (place_at(0, 2**62), "has no place of"),
        (place_at(3, 40), "Its place in originals.bin is not a PNG"),
    ],
)
def test_a_damaged_original_is_a_sentence_and_the_dataset_still_opens(
    workspace: Workspace, dataset: Dataset, damage: Callable[[Path], None], reason: str
) -> None:
    damage(workspace.data / "mine")
    train = open_dataset(workspace, "mine").train
    with pytest.raises(
        DataError, match=r"The original of train/cat/000.png cannot be shown.* import the pictures"
    ) as e:
        read_original(workspace, "mine", train, 0)
    assert reason in str(e.value)


@pytest.mark.fault(64)
def test_places_that_cannot_be_are_refused_when_the_dataset_is_opened(workspace: Workspace, dataset: Dataset) -> None:
    place_at(-1, 5)(workspace.data / "mine")
    with pytest.raises(DataError, match=r"train originals are int64 .* not starts and lengths from 0"):
        open_dataset(workspace, "mine")


@pytest.mark.fault(14)
@pytest.mark.parametrize("plan", ["write:1:enospc", "write:2:half", "write:3:enospc"])
def test_a_full_disk_while_reading_leaves_nothing(
    workspace: Workspace, tmp_path: Path, arm: Callable[[str], None], plan: str
) -> None:
    """At the unnamed file itself and at its first pictures."""
    source, before = write_zip(large_set(), tmp_path / "a.zip"), snapshot(workspace.root)
    arm(plan)
    with pytest.raises(StorageError, match="The disk is full while"):
        import_pictures(workspace, source, "mine")
    arm("")
    assert snapshot(workspace.root) == before


def test_the_room_of_the_originals_is_asked_for(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr("cifar_core.data.store.require_room", lambda _workspace, needed, _what: asked.append(needed))
    import_pictures(workspace, write_zip(large_set(), tmp_path / "a.zip"), "mine")
    # The pictures themselves were asked for before they were read, and are written already.
    arrays = [np.load(file).nbytes for file in (workspace.data / "mine").glob("*.npy") if "images" not in file.name]
    assert asked == [sum(arrays) + (workspace.data / "mine" / ORIGINALS).stat().st_size]


def test_keeping_goes_on_after_what_was_kept_before(tmp_path: Path) -> None:
    """What a killed import has written beyond that is cut off; once one did not fit, no later one is kept."""
    picture = Image.new("RGB", (64, 20))
    first = KeptOriginals(tmp_path)
    assert first.keep(picture) == (0, len(reduced(picture)))
    assert first.keep(Image.new("RGB", (32, 32))) == (0, 0)
    first.close()
    before = (tmp_path / ORIGINALS).read_bytes()
    (tmp_path / ORIGINALS).write_bytes(before + b"torn")
    second = KeptOriginals(tmp_path, len(before))
    assert second.keep(picture) == (len(before), len(before))
    second.close()
    assert (tmp_path / ORIGINALS).read_bytes() == 2 * before
    assert KeptOriginals(tmp_path, len(before), full=True).keep(picture) == (0, 0)


def test_an_excluded_class_leaves_no_bytes(workspace: Workspace, tmp_path: Path) -> None:
    """Its pictures were read before it was known that there is nothing to learn it from."""
    files = {**small_set(), "test/eel/0.png": encoded(Image.new("RGB", (100, 50)))}
    files["train/cat/000.png"] = picture_bytes(size=40)
    options = ImportOptions(leave_out=True)
    import_pictures(workspace, write_zip(files, tmp_path / "a.zip"), "mine", options=options)
    expected = len(reduced(Image.open(io.BytesIO(files["train/cat/000.png"]))))
    assert (workspace.data / "mine" / ORIGINALS).stat().st_size == expected
