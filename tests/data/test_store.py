"""Datasets on disk: what is saved is read back, nothing partial is listed, and what is broken is named."""

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.data import (
    Dataset,
    Split,
    checked_dataset_name,
    class_counts,
    dataset_state,
    delete_dataset,
    list_datasets,
    open_dataset,
    parts_of,
    require_unchanged,
    save_dataset,
)
from cifar_core.data.dataset import channel_statistics, fingerprint
from cifar_core.data.dataset_limits import check_validation
from cifar_core.data.store import dataset_lock
from cifar_core.errors import DataError, StorageError
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace

SCHEMA_1 = Path(__file__).parents[1] / "fixtures/dataset-1/old"


def split(count: int, part: str, *, classes: int = 3, seed: int = 0) -> Split:
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8)
    return Split(images, np.arange(count) % classes, np.array([f"{part}/{number}" for number in range(count)]))


def save(workspace: Workspace, name: str = "mine") -> Dataset:
    return save_dataset(
        workspace,
        name,
        split(20, "train"),
        split(7, "test", seed=1),
        title="Mine",
        class_names=("a", "b", "ü"),
        source="Here.",
    )


def test_what_is_saved_comes_back(workspace: Workspace) -> None:
    """Arrays, names, ids and statistics are equal after opening, and the arrays are read-only memory maps."""
    save(workspace)
    dataset = open_dataset(workspace, "mine")
    for found, given_split in ((dataset.train, split(20, "train")), (dataset.test, split(7, "test", seed=1))):
        for kind in ("images", "labels", "ids"):
            array = getattr(found, kind)
            assert np.array_equal(array, getattr(given_split, kind))
            assert not array.flags.writeable
            assert isinstance(array.base, np.memmap)
    assert dataset.class_names == ("a", "b", "ü")
    pixels = dataset.train.images / 255
    assert dataset.mean == pytest.approx(pixels.mean(axis=(0, 2, 3)))
    assert dataset.std == pytest.approx(pixels.std(axis=(0, 2, 3)))
    assert class_counts(dataset).values.tolist() == [["a", 7, 3], ["b", 7, 2], ["ü", 6, 2]]


def with_sizes(part: Split) -> Split:
    sizes = np.arange(2 * len(part.labels), dtype=np.int32).reshape(-1, 2) + 1
    return replace(part, sizes=sizes)


def save_with_validation(workspace: Workspace, *, validation: np.ndarray) -> Dataset:
    """The dataset of `save` with sizes, validation pictures of its own, and 12 bits of grey."""
    return save_dataset(
        workspace,
        "mine",
        with_sizes(split(20, "train")),
        with_sizes(split(7, "test", seed=1)),
        title="Mine",
        class_names=("a", "b", "ü"),
        source="Here.",
        validation=validation,
        grey_bits=12,
    )


def test_sizes_and_validation_pictures_come_back(workspace: Workspace) -> None:
    """The optional facts of a dataset; the list says how many of its training pictures validate."""
    save_with_validation(workspace, validation=np.array([2, 3, 19]))
    dataset = open_dataset(workspace, "mine")
    require_unchanged(dataset)
    assert dataset.validation is not None
    assert (dataset.validation.tolist(), dataset.grey_bits) == ([2, 3, 19], 12)
    for part, count in ((dataset.train, 20), (dataset.test, 7)):
        assert part.sizes is not None
        assert part.sizes.tolist() == [[2 * row + 1, 2 * row + 2] for row in range(count)]
    state = dataset_state(workspace, "mine")
    assert (state.train, state.validation, state.test) == (20, 3, 7)
    assert state.bytes == sum(file.stat().st_size for file in (workspace.data / "mine").iterdir())


def test_the_parts_of_a_dataset_have_no_picture_in_common(workspace: Workspace) -> None:
    """Its own validation pictures are no part of `train` for people; the class counts are those of the parts."""
    dataset = save_with_validation(workspace, validation=np.array([2, 3, 19]))
    parts = parts_of(dataset)
    assert list(parts) == ["train", "validation", "test"]
    assert parts["validation"][1].tolist() == [2, 3, 19]
    assert sorted([*parts["train"][1].tolist(), 2, 3, 19]) == list(range(20))
    counts = class_counts(dataset)
    assert list(counts.columns) == ["class", "train", "validation", "test"]
    assert counts.values.tolist() == [["a", 6, 1, 3], ["b", 6, 1, 2], ["ü", 5, 1, 2]]
    delete_dataset(workspace, "mine")
    assert list(parts_of(save(workspace))) == ["train", "test"]


def test_a_dataset_without_them_says_so(workspace: Workspace) -> None:
    save(workspace)
    dataset = open_dataset(workspace, "mine")
    assert (dataset.train.sizes, dataset.test.sizes, dataset.validation, dataset.grey_bits) == (None, None, None, 16)
    assert dataset_state(workspace, "mine").validation == 0


def test_a_dataset_of_schema_1_opens(workspace: Workspace) -> None:
    """It was made by the program of then, and says nothing of sizes, validation pictures and grey bits."""
    shutil.copytree(SCHEMA_1, workspace.data / "old")
    dataset = open_dataset(workspace, "old")
    require_unchanged(dataset)
    assert (dataset.train.sizes, dataset.test.sizes, dataset.validation, dataset.grey_bits) == (None, None, None, 16)
    assert class_counts(dataset).values.tolist() == [["a", 2, 1], ["b", 2, 1]]
    assert dataset.fingerprint == fingerprint(dataset.train, dataset.test, dataset.class_names)
    state = dataset_state(workspace, "old")
    assert (state.state, state.train, state.validation) == ("ready", 4, 0)


def test_validation_pictures_take_part_in_the_fingerprint_and_nothing_else_does(workspace: Workspace) -> None:
    """A dataset without them keeps the fingerprint it has had since schema 1: stored runs compare with it."""
    train, test, names = split(20, "train"), split(7, "test", seed=1), ("a", "b", "ü")
    assert save(workspace).fingerprint == "e7ee2b5af4cfdcffe3b8d57eb2a1dd1e66d30462b8816c6d307affd8573e811f"
    delete_dataset(workspace, "mine")
    prints = {fingerprint(train, test, names, index) for index in (None, np.array([1]), np.array([2]), np.arange(2))}
    assert len(prints) == 4
    assert save_with_validation(workspace, validation=np.array([1])).fingerprint in prints, "sizes take no part"


@given(st.data())
def test_only_ascending_positions_that_leave_each_class_something_are_taken(data: st.DataObject) -> None:
    """Any subset of positions is accepted exactly where every class keeps a training picture outside of it."""
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=1, max_size=12)), np.int64)
    train = Split(np.zeros((len(labels), 3, 32, 32), np.uint8), labels, np.arange(len(labels)).astype(str))
    positions = st.lists(st.integers(-1, len(labels)), max_size=14)
    validation = np.array(data.draw(st.one_of(positions, positions.map(sorted))), np.int64)
    chosen = set(validation.tolist())
    fits = (
        validation.tolist() == sorted(chosen)
        and bool(chosen)
        and chosen <= set(range(len(labels)))
        and set(labels[[place for place in range(len(labels)) if place not in chosen]]) == set(labels)
    )
    with contextlib.nullcontext() if fits else pytest.raises(DataError, match=r"\.$"):
        check_validation(validation, train, ("a", "b", "c"))


@pytest.mark.parametrize(
    ("change", "validation", "message"),
    [
        ({}, np.array([0, 3, 6, 9, 12, 15, 18]), "class a has validation pictures but no other training pictures"),
        ({}, np.array([1.0]), r"positions are float64 \[1\]"),
        ({}, np.array([], np.int64), r"not int64 \[V\], V >= 1"),
        ({}, np.array([4, 4]), "not ascending numbers from 0 to 19"),
        ({"sizes": np.ones((20, 2))}, None, r"train sizes are float64 \[20, 2\], not widths"),
        ({"sizes": np.ones((19, 2), np.int32)}, None, r"as int32 \[20, 2\]"),
        ({"sizes": np.zeros((20, 2), np.int32)}, None, "widths and heights from 1"),
    ],
)
def test_optional_arrays_that_do_not_fit_are_refused(
    workspace: Workspace, change: dict[str, np.ndarray], validation: np.ndarray | None, message: str
) -> None:
    train, names = replace(split(20, "train"), **change), ("a", "b", "ü")
    with pytest.raises(DataError, match=message):
        save_dataset(
            workspace, "mine", train, split(7, "test"), title="T", class_names=names, source="S", validation=validation
        )
    assert list(workspace.data.iterdir()) == []


def test_the_room_of_the_optional_arrays_is_asked_for(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr("cifar_core.data.store.require_room", lambda _workspace, needed, _what: asked.append(needed))
    save(workspace)
    delete_dataset(workspace, "mine")
    save_with_validation(workspace, validation=np.array([1]))
    assert asked[1] - asked[0] == 27 * 2 * 4 + 8, "two int32 a picture, and one int64"


def cut_sizes(folder: Path) -> None:
    (folder / "train_sizes.npy").write_bytes((folder / "train_sizes.npy").read_bytes()[:-1])


def lose_validation(folder: Path) -> None:
    (folder / "validation.npy").unlink()


def shift_validation(folder: Path) -> None:
    """Positions outside of the training part, in a file of the same size."""
    np.save(folder / "validation.npy", np.array([2, 3, 20]))


def forget_validation(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "validation": 2}))


def zero_sizes(folder: Path) -> None:
    np.save(folder / "test_sizes.npy", np.zeros((7, 2), np.int32))


def odd_grey(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "grey_bits": 13}))


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (cut_sizes, "the size of train_sizes.npy changed"),
        (zero_sizes, "test sizes are int32"),
        (lose_validation, "validation.npy is missing"),
        (shift_validation, "not ascending numbers from 0 to 19"),
        (forget_validation, "validation.npy names 3 pictures, not 2"),
        (odd_grey, "grey_bits must be 12 or 16"),
    ],
)
def test_damaged_optional_files_are_named(workspace: Workspace, damage: Callable[[Path], None], message: str) -> None:
    save_with_validation(workspace, validation=np.array([2, 3, 19]))
    damage(workspace.data / "mine")
    with pytest.raises(DataError, match=rf"mine is broken \(.*{message}.*\): delete it and get it again"):
        open_dataset(workspace, "mine")


def test_an_exchanged_validation_picture_changes_the_fingerprint(workspace: Workspace) -> None:
    """It would be a legal index; `require_unchanged`, as before a training, names the hash."""
    save_with_validation(workspace, validation=np.array([2, 3, 19]))
    np.save(workspace.data / "mine" / "validation.npy", np.array([2, 3, 18]))
    with pytest.raises(DataError, match="their SHA-256 differs"):
        require_unchanged(open_dataset(workspace, "mine"))


def test_statistics_over_several_chunks() -> None:
    """More pictures than one chunk give the same as NumPy over all."""
    images = np.random.default_rng(0).integers(0, 256, (4100, 3, 4, 4), dtype=np.uint8)
    mean, std = channel_statistics(images)
    assert mean == pytest.approx((images / 255).mean(axis=(0, 2, 3)))
    assert std == pytest.approx((images / 255).std(axis=(0, 2, 3)))
    assert channel_statistics(np.full((2, 3, 4, 4), 77, np.uint8))[1] == pytest.approx((0, 0, 0), abs=1e-7)


def test_the_fingerprint_tells_pictures_labels_and_names_apart(workspace: Workspace) -> None:
    """Equal content has the same fingerprint; one changed pixel, label or class name gives another."""
    train, test = split(20, "train"), split(7, "test")
    changed = Split(train.images.copy(), train.labels, train.ids)
    changed.images[3, 1, 5, 5] ^= 1
    relabelled = Split(train.images, train.labels[::-1].copy(), train.ids)
    fingerprints = [
        save_dataset(workspace, name, part, test, title="T", class_names=classes, source="S").fingerprint
        for name, part, classes in (
            ("one", train, ("a", "b", "c")),
            ("two", train, ("a", "b", "c")),
            ("three", changed, ("a", "b", "c")),
            ("four", relabelled, ("a", "b", "c")),
            ("five", train, ("a", "b", "d")),
        )
    ]
    assert fingerprints[0] == fingerprints[1]
    assert len(set(fingerprints)) == 4


def test_opening_is_quick(workspace: Workspace) -> None:
    """It takes under 50 ms, whatever the number of pictures, since they are not read."""
    save(workspace)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        open_dataset(workspace, "mine")
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.05


@pytest.mark.parametrize(
    ("train", "names", "message"),
    [
        (Split(np.zeros((2, 3, 32, 32), np.float32), np.array([0, 1]), np.array(["x", "y"])), ("a", "b"), "float32"),
        (Split(np.zeros((2, 3, 8, 8), np.uint8), np.array([0, 1]), np.array(["x", "y"])), ("a", "b"), "8, 8"),
        (
            Split(np.zeros((2, 3, 32, 32), np.uint8), np.array([0, 2]), np.array(["x", "y"])),
            ("a", "b"),
            "between 0 and 1",
        ),
        (Split(np.zeros((2, 3, 32, 32), np.uint8), np.array([0, 1]), np.array(["x", "x"])), ("a", "b"), "same id"),
        (Split(np.zeros((0, 3, 32, 32), np.uint8), np.zeros(0, np.int64), np.array([], "U1")), ("a", "b"), "N >= 1"),
        (split(4, "train", classes=1), ("a",), "2 to 1,000"),
        (split(4, "train", classes=2), ("a", "a"), "different classes"),
        (split(4, "train", classes=2), ("a", "b\n"), "visible characters"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    workspace: Workspace, train: Split, names: tuple[str, ...], message: str
) -> None:
    """The message is one sentence, and nothing is written."""
    with pytest.raises(DataError, match=message):
        save_dataset(workspace, "mine", train, split(4, "test", classes=1), title="T", class_names=names, source="S")
    assert list(workspace.data.iterdir()) == []


@pytest.mark.fault(61)
def test_a_taken_name_is_refused_and_the_old_data_kept(workspace: Workspace) -> None:
    """The first dataset is not changed."""
    save(workspace)
    with pytest.raises(DataError, match="already a dataset named mine"):
        save_dataset(
            workspace, "mine", split(9, "train"), split(9, "test"), title="T", class_names=("x", "y", "z"), source="S"
        )
    kept = open_dataset(workspace, "mine")
    assert kept.fingerprint == fingerprint(split(20, "train"), split(7, "test", seed=1), ("a", "b", "ü"))
    assert kept.fingerprint == fingerprint(kept.train, kept.test, kept.class_names)


def test_a_full_disk_leaves_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says how much is needed and free, and no folder is left."""
    monkeypatch.setattr("shutil.disk_usage", lambda _path: type("Disk", (), {"total": 10**9, "free": 1_000})())
    # The disk is filled after the check.
    monkeypatch.setattr("cifar_core.data.store.require_room", lambda *_arguments: None)
    message = r"The disk is full while writing train_images.npy \(it needs 61 kB, 1 kB are free\)"
    with pytest.raises(StorageError, match=message):
        save(workspace)
    assert list(workspace.data.iterdir()) == []


def test_absent_data_says_how_to_get_it(workspace: Workspace) -> None:
    """For a built-in dataset the command, for a misspelt name the nearest one."""
    with pytest.raises(DataError, match="data get cifar10"):
        open_dataset(workspace, "cifar10")
    save(workspace, "my-cats")
    with pytest.raises(DataError, match="did you mean 'my-cats'"):
        open_dataset(workspace, "my-cat")


def break_json(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def break_list(folder: Path) -> None:
    (folder / "meta.json").write_text("[]")


def break_newer(folder: Path) -> None:
    meta = json.loads((folder / "meta.json").read_text())
    (folder / "meta.json").write_text(json.dumps({**meta, "schema_version": 99}))


def break_fields(folder: Path) -> None:
    (folder / "meta.json").write_text('{"schema_version": 1, "files": {}}')


def break_missing(folder: Path) -> None:
    (folder / "test_labels.npy").unlink()


def break_cut(folder: Path) -> None:
    content = (folder / "train_images.npy").read_bytes()
    (folder / "train_images.npy").write_bytes(content[:-1])


def break_pickle(folder: Path) -> None:
    """An object array of the same size: numpy would unpickle it if it were allowed."""
    file = folder / "train_labels.npy"
    size = file.stat().st_size
    with open(file, "wb") as handle:
        np.lib.format.write_array(handle, np.array([print], object), allow_pickle=True)
        handle.truncate(size)


def break_header(folder: Path) -> None:
    """NumPy's own error for it is one of Python's tokenizer."""
    path = folder / "train_labels.npy"
    path.write_bytes(path.read_bytes().replace(b"{", b"\0", 1))


def break_labels(folder: Path) -> None:
    np.save(folder / "train_labels.npy", np.full(20, 7))


@pytest.mark.fault(64)
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (break_json, "not JSON"),
        (break_list, "schema version"),
        (break_newer, "newer version"),
        (break_fields, "title is missing"),
        (break_missing, "test_labels.npy is missing"),
        (break_cut, "the size of train_images.npy changed"),
        (break_pickle, "broken"),
        (break_labels, "between 0 and 2"),
        (break_header, "broken"),
    ],
)
def test_broken_data_is_named_and_hides_nothing_else(workspace: Workspace, damage: object, message: str) -> None:
    """Opening it says what is wrong; the other dataset is listed and can be opened."""
    save(workspace)
    save(workspace, "other")
    damage(workspace.data / "mine")  # type: ignore[operator]
    with pytest.raises(DataError, match=message):
        open_dataset(workspace, "mine")
    states = {state.name: state for state in list_datasets(workspace)}
    assert states["other"].state == "ready"
    assert open_dataset(workspace, "other").name == "other"
    delete_dataset(workspace, "mine")
    assert "mine" not in {state.name for state in list_datasets(workspace)}


@pytest.mark.fault(64)
@pytest.mark.parametrize("file", ["train_images.npy", "test_images.npy", "train_labels.npy"])
def test_a_flipped_bit_changes_the_fingerprint(workspace: Workspace, file: str) -> None:
    """The file has the same size, so the dataset opens; `require_unchanged`, as before a training, names the hash."""
    save(workspace)
    path = workspace.data / "mine" / file
    require_unchanged(open_dataset(workspace, "mine"))
    content = bytearray(path.read_bytes())
    content[-8] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"mine is broken \(.*their SHA-256 differs\): delete it and get it again"):
        require_unchanged(open_dataset(workspace, "mine"))


def test_deleting(workspace: Workspace) -> None:
    """It is gone at once; it is refused while a process prepares it; of a link the target stays."""
    save(workspace)
    with hold_lock(dataset_lock(workspace, "mine")), pytest.raises(DataError, match="being prepared"):
        delete_dataset(workspace, "mine")
    target = workspace.root / "elsewhere"
    shutil.copytree(workspace.data / "mine", target)
    delete_dataset(workspace, "mine")
    assert sorted(item.name for item in workspace.data.iterdir()) == [".jobs", ".trash"]
    with pytest.raises(DataError, match="The dataset mine was deleted"):
        delete_dataset(workspace, "mine")
    (workspace.data / "mine").symlink_to(target)
    with pytest.raises(DataError, match="broken"):
        open_dataset(workspace, "mine")
    delete_dataset(workspace, "mine")
    assert (target / "meta.json").exists()


@pytest.mark.parametrize(
    "name", ["", "../x", "a/b", "C:\\x", "con", "lpt1", "a\n", "a\0", "A", "-a", ".", "a" * 65, "é", "١", "a b"]
)
def test_names_that_could_leave_the_folder_are_refused(workspace: Workspace, name: str) -> None:
    """One rule holds for every name of a dataset."""
    with pytest.raises(DataError, match=r"cannot be the name|needs a name"):
        open_dataset(workspace, name)


@given(st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True))
def test_names_by_the_rule_are_accepted(name: str) -> None:
    """Except the names of devices on Windows."""
    if name in {"con", "prn", "aux", "nul"} or name[:3] in {"com", "lpt"}:
        return
    assert checked_dataset_name(name) == name
