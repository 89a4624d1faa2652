"""Cleaned copies: every picture once, in the test part before all; nothing else changes, and the source never does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from cifar_core.data import Dataset, Split, dataset_job, list_datasets, open_dataset, save_dataset, start_cleaned_copy
from cifar_core.data.checks.about import DatasetAbout, read_about, write_about
from cifar_core.data.checks.cleaned import (
    CleanedPlan,
    classes_table,
    parts_table,
    plan_cleaned_copy,
    save_cleaned_copy,
)
from cifar_core.data.checks.duplicates import DuplicateCounts, count_duplicates, find_groups
from cifar_core.data.dataset import class_counts, parts_of
from cifar_core.data.originals.reader import read_original
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.errors import DataError
from cifar_core.jobs.job import read_job
from cifar_core.jobs.progress import CancelledError
from cifar_core.workspace import Workspace
from tests.data.conftest import snapshot
from tests.jobs.support import do_imports_at_once

CLASSES = ("a", "b", "c")
Picture = tuple[int, int]  # pixels (the same number is the same picture) and label


def pictures(numbers: list[int]) -> np.ndarray:
    """A picture for each number, uint8 [N, 3, 32, 32]: the same for the same number."""
    images = np.zeros((len(numbers), 3, 32, 32), np.uint8)
    images[:, 0, 0, 0] = numbers
    return images


def dataset_of(
    train: list[Picture], test: list[Picture], validation: list[Picture] | None = None, *, sizes: bool = True
) -> Dataset:
    """A dataset in memory whose own validation pictures stand behind the others."""
    parts = {"train": [*train, *(validation or [])], "test": test}
    splits = []
    for part, members in parts.items():
        images = pictures([number for number, _ in members])
        ids = np.array([f"{part}/{CLASSES[label]}/{row}.png" for row, (_, label) in enumerate(members)])
        width = np.arange(2 * len(members), dtype=np.int32).reshape(-1, 2) + 1
        labels = np.array([label for _, label in members], np.int64)
        splits.append(Split(images, labels, ids, width if sizes else None))
    held = np.arange(len(train), len(train) + len(validation)) if validation else None
    return Dataset("mine", "Mine", CLASSES, *splits, (0.5,) * 3, (0.2,) * 3, "0" * 64, "Here.", held)


def planned(dataset: Dataset) -> CleanedPlan:
    return plan_cleaned_copy(dataset, find_groups(dataset))


def store(workspace: Workspace, dataset: Dataset, name: str = "mine") -> Dataset:
    facts = {"title": dataset.title, "class_names": dataset.class_names, "source": dataset.source}
    return save_dataset(
        workspace,
        name,
        dataset.train,
        dataset.test,
        **facts,
        validation=dataset.validation,
        notes=dataset.notes,
        grey_bits=dataset.grey_bits,
        fit=dataset.fit,
    )


def members(dataset: Dataset) -> dict[str, list[Picture]]:
    """The pictures of each part as (number, position of the class in `CLASSES`)."""
    of_class = [CLASSES.index(name) for name in dataset.class_names]
    return {
        part: [(int(split.images[row, 0, 0, 0]), of_class[split.labels[row]]) for row in rows]
        for part, (split, rows) in parts_of(dataset).items()
    }


PLANTED: dict[str, tuple[Dataset, dict[str, list[Picture]], list[str]]] = {
    "test pictures are also training pictures": (
        dataset_of([(1, 0), (2, 0), (3, 1), (4, 1)], [(1, 0), (5, 1)]),
        {"train": [(2, 0), (3, 1), (4, 1)], "test": [(1, 0), (5, 1)]},
        ["1 training picture is also a test picture: it leaves the training part."],
    ),
    "one picture under two classes, in both parts": (
        dataset_of([(1, 0), (2, 0), (3, 1), (1, 1), (9, 1)], [(1, 0), (5, 1), (6, 0)]),
        {"train": [(2, 0), (3, 1), (9, 1)], "test": [(5, 1), (6, 0)]},
        ["1 picture stands under two or more classes: it leaves all parts (3 copies)."],
    ),
    "copies within the parts": (
        dataset_of([(1, 0), (1, 0), (1, 0), (2, 1)], [(3, 0), (4, 1), (4, 1)]),
        {"train": [(1, 0), (2, 1)], "test": [(3, 0), (4, 1)]},
        ["3 pictures are surplus copies within a part and leave: the first one stays."],
    ),
    "own validation pictures stand in both other parts": (
        dataset_of([(1, 0), (2, 0), (3, 1), (4, 1)], [(5, 0), (6, 1)], [(1, 0), (5, 0), (8, 1)]),
        {"train": [(2, 0), (3, 1), (4, 1)], "validation": [(1, 0), (8, 1)], "test": [(5, 0), (6, 1)]},
        [
            "1 validation picture is also a test picture: it leaves the validation pictures.",
            "1 training picture is also a validation picture: it leaves the training part.",
        ],
    ),
    "a class between others leaves": (
        dataset_of([(1, 0), (2, 1), (2, 0), (3, 2), (4, 2)], [(5, 0), (6, 2)]),
        {"train": [(1, 0), (3, 2), (4, 2)], "test": [(5, 0), (6, 2)]},
        [
            "1 picture stands under two or more classes: it leaves all parts (2 copies).",
            "Every picture of b stands under another class too: this class leaves the dataset.",
        ],
    ),
    "all of it at once": (
        dataset_of(
            [(1, 0), (1, 0), (2, 0), (2, 1), (3, 1), (4, 0), (7, 1), (8, 2), (8, 0)],
            [(4, 0), (4, 0), (3, 1), (9, 1)],
            [(9, 1), (9, 1), (10, 0)],
        ),
        {"train": [(1, 0), (7, 1)], "validation": [(10, 0)], "test": [(4, 0), (3, 1), (9, 1)]},
        [
            "2 pictures stand under two or more classes: they leave all parts (4 copies).",
            "2 training pictures are also test pictures: they leave the training part.",
            "2 validation pictures are also test pictures: they leave the validation pictures.",
            "2 pictures are surplus copies within a part and leave: the first one stays.",
            "Every picture of c stands under another class too: this class leaves the dataset.",
        ],
    ),
}


@pytest.mark.fault(80)
@pytest.mark.parametrize("case", PLANTED)
def test_planted_duplicates_leave_and_nothing_else(workspace: Workspace, case: str) -> None:
    """What stays keeps its part, its order, its id and its size."""
    dataset, expected, sentences = PLANTED[case]
    source = replace(dataset, fit="pad", grey_bits=12, notes=("It was made so.",))
    stored = store(workspace, source)
    before = snapshot(workspace.data / "mine")
    plan = planned(stored)
    copy = save_cleaned_copy(workspace, stored, plan, "copy")
    assert members(copy) == expected
    assert plan.sentences == sentences
    assert not plan.split_anew
    assert count_duplicates(copy, find_groups(copy)) == DuplicateCounts()
    assert snapshot(workspace.data / "mine") == before
    assert (copy.fit, copy.grey_bits, copy.title) == ("pad", 12, "copy")
    assert copy.source == "Cleaned copy of mine. Here."
    assert copy.notes == ("It was made so.", "This is a cleaned copy of mine.", *sentences)
    for old, new in ((stored.train, copy.train), (stored.test, copy.test)):
        rows = [old.ids.tolist().index(name) for name in new.ids]
        assert rows == sorted(rows)
        assert np.array_equal(old.images[rows], new.images)
        assert old.sizes is not None
        assert np.array_equal(old.sizes[rows], new.sizes)


@pytest.mark.fault(80)
def test_where_a_part_would_lose_a_class_all_is_split_anew(workspace: Workspace) -> None:
    """The training part is a copy of the test part: each picture stays once, half of each class for the test."""
    pairs = [(number, number % 2) for number in range(8)]
    stored = store(workspace, dataset_of(pairs, pairs, [(20, 0), (21, 1)]))
    plan = planned(stored)
    copy = save_cleaned_copy(workspace, stored, plan, "copy")
    assert plan.sentences == [
        "8 copies of other pictures leave: each picture stays once.",
        "The training or the test part would lose the classes a, b by that, so the 10 pictures that stay are split "
        "anew: 4 into the test part (share 0.44 of each class, seed 0).",
        "The copy has no validation pictures of its own then: a share of the training pictures validates each run.",
    ]
    assert copy.validation is None
    assert sorted(members(copy)["train"] + members(copy)["test"]) == sorted([*pairs, (20, 0), (21, 1)])
    assert class_counts(copy)[["train", "test"]].values.tolist() == [[3, 2], [3, 2], [0, 0]]
    assert all(name.startswith("train/") for name in copy.train.ids)
    assert all(name.startswith("test/") for name in copy.test.ids)
    assert parts_table(plan).values.tolist() == [["train", 8, 6], ["validation", 2, 0], ["test", 8, 4]]
    assert classes_table(plan).values.tolist() == [["a", 4, 3, 1, 0, 4, 2], ["b", 4, 3, 1, 0, 4, 2]]


def test_ids_stay_unique_where_two_parts_become_one(workspace: Workspace) -> None:
    """Class a leaves the test part; the pictures 0.png of both parts come together."""
    train = [(number, 0) for number in range(20)] + [(50, 1), (51, 1)]
    test = [(number, 1) for number in range(60, 90)] + [(0, 1), (0, 0)]
    train_ids = np.array([f"train/{row}" for row in range(len(train))])
    test_ids = np.array([f"test/{row}" for row in range(len(test))])
    made = dataset_of(train, test)
    made = replace(made, train=replace(made.train, ids=train_ids), test=replace(made.test, ids=test_ids))
    copy = save_cleaned_copy(workspace, made, planned(made), "copy")
    ids = [*copy.train.ids.tolist(), *copy.test.ids.tolist()]
    assert len(set(ids)) == len(ids) == 19 + 2 + 30
    assert any(name.endswith("-2") for name in ids)


@pytest.mark.parametrize(
    ("dataset", "problem"),
    [
        (dataset_of([(1, 0), (2, 0), (1, 1)], [(3, 0)]), "A cleaned copy would have only the class a"),
        (dataset_of([(1, 0), (1, 1)], [(1, 0)]), "A cleaned copy would have no class"),
        (dataset_of([(1, 0), (2, 1)], [(1, 0)]), "Only 2 distinct pictures would be left, one of each class"),
    ],
)
def test_what_cannot_be_cleaned_is_said(dataset: Dataset, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        planned(dataset)


def test_without_duplicates_there_is_nothing_to_clean(workspace: Workspace) -> None:
    stored = store(workspace, dataset_of([(1, 0), (2, 1)], [(3, 0)]))
    plan = planned(stored)
    assert plan.leaving == 0
    assert plan.sentences == ["No picture occurs twice: there is nothing to clean."]
    with pytest.raises(DataError, match="nothing to clean"):
        save_cleaned_copy(workspace, stored, plan, "copy")
    assert [state.name for state in list_datasets(workspace) if state.state == "ready"] == ["mine"]


some_pictures = some.lists(some.tuples(some.integers(0, 12), some.integers(0, 2)), min_size=1, max_size=12)


@pytest.mark.fault(80)
@given(some_pictures, some_pictures, some.lists(some.tuples(some.integers(0, 12), some.integers(0, 2)), max_size=5))
def test_any_cleaned_copy_holds_each_picture_once(
    train: list[Picture], test: list[Picture], validation: list[Picture]
) -> None:
    """Every picture with one class stays exactly once, in the best part it had, unless all is split anew.

    The only picture of a class is one to learn from.
    """
    validation = [item for item in validation if item[1] in {label for _, label in train}]
    dataset = dataset_of(train, test, validation)
    classes_of: dict[int, set[int]] = {}
    for number, label in [*train, *test, *validation]:
        classes_of.setdefault(number, set()).add(label)
    distinct = {(number, *labels) for number, labels in classes_of.items() if len(labels) == 1}
    try:
        plan = planned(dataset)
    except DataError:
        assert len({label for _, label in distinct}) < 2 or len(distinct) <= 3
        return
    parts = dict(zip(("train", "validation", "test"), (train, validation, test), strict=True))
    numbers = np.array([number for number, _ in [*train, *validation, *test]])
    after = {
        part: [(int(numbers[row]), int(plan.labels[row])) for row in np.flatnonzero(plan.new_part == place)]
        for place, part in enumerate(parts)
    }
    everything = [item for members in after.values() for item in members]
    assert sorted(everything) == sorted(distinct)
    if plan.split_anew:
        assert after["train"]
        assert after["test"]
        assert {label for _, label in after["train"]} == {label for _, label in distinct}
    else:
        labels = [label for _, label in distinct]
        alone = {item for item in distinct if labels.count(item[1]) == 1 and item in train}
        assert set(after["test"]) == (distinct & set(test)) - alone
        assert set(after["validation"]) == (distinct & set(validation)) - set(test) - alone
        for part, but in (("train", set()), ("test", {label for _, label in alone})):
            staying = {label for _, label in parts[part]} & set(labels)
            assert {label for _, label in after[part]} == staying - but
    assert plan.leaving == len(numbers) - len(distinct)


@pytest.mark.fault(80)
def test_a_cleaned_copy_as_a_job(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is made once, under a free name, and a refusal leaves nothing."""
    store(workspace, PLANTED["all of it at once"][0])
    do_imports_at_once(monkeypatch)
    with pytest.raises(DataError, match="reserved for the built-in"):
        start_cleaned_copy(workspace, "mine", "cifar10")
    with pytest.raises(DataError, match="There is no dataset named other"):
        start_cleaned_copy(workspace, "other", "copy")
    start_cleaned_copy(workspace, "mine", "copy")
    state = read_job(dataset_job(workspace, "copy"))
    assert state is not None
    assert (state.state, state.report) == ("done", PLANTED["all of it at once"][2])
    assert members(open_dataset(workspace, "copy")) == PLANTED["all of it at once"][1]
    with pytest.raises(DataError, match="already a dataset named copy"):
        start_cleaned_copy(workspace, "mine", "copy")
    start_cleaned_copy(workspace, "copy", "again")
    listed = {item.name: item for item in list_datasets(workspace)}
    assert (listed["again"].state, listed["again"].problem) == (
        "absent",
        "No picture of copy occurs twice: there is nothing to clean.",
    )


@pytest.mark.fault(80)
def test_a_cancelled_copy_leaves_nothing(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    store(workspace, PLANTED["all of it at once"][0])
    before = snapshot(workspace.data)
    do_imports_at_once(monkeypatch)

    def cancelled_while_it_looks(*_: object) -> None:
        dataset_job(workspace, "copy").cancel_file.touch()
        raise CancelledError

    monkeypatch.setattr("cifar_core.data.prepare_process.check_dataset", cancelled_while_it_looks)
    start_cleaned_copy(workspace, "mine", "copy")
    state = read_job(dataset_job(workspace, "copy"))
    assert state is not None
    assert state.state == "cancelled"
    assert snapshot(workspace.data) == before
    assert "copy" not in {item.name for item in list_datasets(workspace)}


def test_the_first_of_several_copies_stays() -> None:
    plan = planned(PLANTED["copies within the parts"][0])
    assert plan.new_part.tolist() == [0, -1, -1, 0, 2, 2, -1]


def test_the_only_picture_of_a_class_stays_in_training_and_the_rest_as_it_is() -> None:
    """One rare class is no reason to split all anew, and to give up the validation pictures."""
    plan = planned(dataset_of([(1, 0), (2, 0), (3, 1), (9, 2)], [(4, 0), (5, 1), (9, 2)], [(6, 0)]))
    assert plan.part.tolist() == [0, 0, 0, 0, 1, 2, 2, 2]
    assert plan.new_part.tolist() == [0, 0, 0, 0, 1, 2, 2, -1]
    assert plan.sentences == [
        "1 test picture is also a training picture: it leaves the test part.",
        "No test pictures: c. Scores of such a class are undefined.",
    ]


def test_a_copy_takes_the_words_and_the_originals_along(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    do_imports_at_once(monkeypatch)
    for part, shades in (("train", (10, 20, 30, 40)), ("test", (10, 50))):
        for number, shade in enumerate(shades):
            for label, name in enumerate(("cat", "dog")):
                (tmp_path / "wide" / part / name).mkdir(parents=True, exist_ok=True)
                picture = Image.new("RGB", (90, 60), (shade, 100 * label, 0))
                picture.save(tmp_path / "wide" / part / name / f"{number}.png")
    import_pictures(workspace, tmp_path / "wide", "wide")
    write_about(workspace, "wide", DatasetAbout(licence="CC0"))
    start_cleaned_copy(workspace, "wide", "copy")
    copy = open_dataset(workspace, "copy")
    assert read_about(workspace, "copy").licence == "CC0"
    for row, pixels in enumerate(copy.train.images):
        original = read_original(workspace, "copy", copy.train, row)
        assert original is not None
        assert original.size == (90, 60)
        assert abs(original.getpixel((45, 30))[0] - int(pixels[0, 16, 16])) < 4
    (workspace.data / "wide" / "originals.bin").write_bytes(b"cut short")
    start_cleaned_copy(workspace, "wide", "without")
    without = open_dataset(workspace, "without")
    assert without.train.originals is None or not without.train.originals[:, 1].any()


def test_an_empty_test_part_is_drawn_anew_however_small_it_was() -> None:
    """Its one picture stands under another class too; a share of 1 in 35 of four pictures would be none."""
    copies = [(1, 0)] * 30
    plan = planned(dataset_of([*copies, (2, 0), (3, 1), (4, 1), (9, 0)], [(9, 2)]))
    assert plan.after.sum(axis=1).tolist() == [3, 0, 1]
    assert "The training or the test part would be empty by that, so the 4 pictures" in plan.sentences[-2]
