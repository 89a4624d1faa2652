"""Duplicates: planted ones are found exactly, whatever their files are, and counted as a slow plain count says."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from cifar_core.data.checks.check import check_dataset
from cifar_core.data.checks.duplicates import (
    DuplicateCounts,
    count_duplicates,
    duplicate_sentences,
    duplicate_table,
    find_groups,
    seen_in_training,
)
from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.workspace import Workspace
from tests.data.conftest import noise_bytes, write_folder

pytestmark = pytest.mark.fault(80)

NAMES = ("cat", "dog", "fox")
Picture = tuple[int, int]  # the number that fills its pixels, its label


def dataset_of(train: list[Picture], test: list[Picture], validation: list[int]) -> Dataset:
    """A dataset in memory whose pictures are equal where their numbers are."""

    def split(part: str, pictures: list[Picture]) -> Split:
        pixels = np.array([number for number, _ in pictures], np.uint8)
        images = np.broadcast_to(pixels[:, None, None, None], (len(pictures), 3, 32, 32)).copy()
        ids = np.array([f"{part}/{place}.png" for place in range(len(pictures))])
        return Split(images, np.array([label for _, label in pictures], np.int64), ids)

    own = np.array(validation, np.int64) if validation else None
    return Dataset(
        "set", "Set", NAMES, split("train", train), split("test", test), (0, 0, 0), (1, 1, 1), "0" * 64, "", own
    )


PICTURES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), min_size=1, max_size=12)


@settings(max_examples=60)
@given(PICTURES, PICTURES, st.sets(st.integers(0, 11)))
def test_counts_are_those_of_a_plain_count(train: list[Picture], test: list[Picture], held: set[int]) -> None:
    validation = sorted(place for place in held if place < len(train))
    dataset = dataset_of(train, test, validation)
    groups = find_groups(dataset)
    counts = count_duplicates(dataset, groups)

    def surplus(pictures: list[Picture]) -> int:
        return len(pictures) - len({number for number, _ in pictures})

    learned = [picture for place, picture in enumerate(train) if place not in validation]
    chosen = [train[place] for place in validation]
    classes: dict[int, set[int]] = {}
    for number, label in train + test:
        classes.setdefault(number, set()).add(label)
    assert counts.test_in_train == sum(number in {other for other, _ in train} for number, _ in test)
    assert counts.label_conflicts == sum(len(labels) > 1 for labels in classes.values())
    assert counts.within_parts == surplus(learned) + surplus(chosen) + surplus(test)
    assert counts.validation_in_train == sum(number in {other for other, _ in learned} for number, _ in chosen)
    assert groups.count == len(classes)
    trained_on = np.array([place for place in range(len(train)) if place % 3 == 0], np.int64)
    chosen_by = np.array([place for place in range(len(train)) if place % 3 == 1], np.int64)
    seen = seen_in_training(groups, trained_on, chosen_by)
    learned_numbers, chosen_numbers = ({train[place][0] for place in part} for part in (trained_on, chosen_by))
    assert seen["test"].tolist() == [number in learned_numbers | chosen_numbers for number, _ in test]
    assert seen["validation"].tolist() == [train[place][0] in learned_numbers for place in chosen_by]
    listed = duplicate_table(dataset, groups)
    numbers = [number for number, _ in train + test]
    assert sorted(listed["row"].tolist()) == sorted(
        place if place < len(train) else place - len(train)
        for place, number in enumerate(numbers)
        if numbers.count(number) > 1
    )
    assert listed.groupby("group").size().ge(2).all()
    conflicts = listed[listed["classes"] > 1]["group"].nunique()
    assert conflicts == counts.label_conflicts
    # Label conflicts come first.
    assert listed["group"].tolist()[: (listed["classes"] > 1).sum()] == listed[listed["classes"] > 1]["group"].tolist()


def test_the_hash_tells_pictures_apart_by_one_level_of_one_pixel() -> None:
    dataset = dataset_of([(1, 0), (1, 0), (2, 1)], [(1, 0)], [])
    dataset.train.images[1, 2, 31, 31] += 1
    groups = find_groups(dataset)
    assert groups.train.tolist() == [0, 1, 2]
    assert groups.test.tolist() == [0]


def test_copies_in_other_lossless_files_are_duplicates_and_a_jpeg_is_not(workspace: Workspace, tmp_path: Path) -> None:
    def as_file(number: int, form: str, **options: object) -> bytes:
        stream = io.BytesIO()
        Image.open(io.BytesIO(noise_bytes(number))).save(stream, form, **options)
        return stream.getvalue()

    files = {
        f"train/{name}/{number}.png": noise_bytes(10 * label + number)
        for label, name in enumerate(NAMES)
        for number in range(4)
    }
    files |= {
        f"test/{name}/{number}.png": noise_bytes(100 + 10 * label + number)
        for label, name in enumerate(NAMES)
        for number in range(3)
    }
    files["test/cat/copy.png"] = as_file(1, "PNG")  # of train/cat/1
    files["test/dog/copy.webp"] = as_file(12, "WEBP", lossless=True)  # of train/dog/2
    files["test/dog/other.jpg"] = as_file(12, "JPEG", quality=95)
    files["train/fox/conflict.bmp"] = as_file(2, "BMP")  # of train/cat/2
    files["test/fox/conflict.webp"] = as_file(101, "WEBP", lossless=True)  # of test/cat/1
    files["train/dog/within.webp"] = as_file(11, "WEBP", lossless=True)  # of train/dog/1
    dataset, _ = import_pictures(workspace, write_folder(files, tmp_path / "mine"), "mine")
    check = check_dataset(workspace, dataset)
    assert check.duplicates == DuplicateCounts(test_in_train=2, label_conflicts=2, within_parts=3)
    found = duplicate_table(dataset, check.groups)
    assert {tuple(ids) for ids in found.groupby("group")["id"].agg(tuple)} == {
        ("train/cat/1.png", "test/cat/copy.png"),
        ("train/dog/2.png", "test/dog/copy.webp"),
        ("train/cat/2.png", "train/fox/conflict.bmp"),
        ("test/cat/1.png", "test/fox/conflict.webp"),
        ("train/dog/1.png", "train/dog/within.webp"),
    }


def test_a_dataset_without_duplicates_has_none() -> None:
    dataset = dataset_of([(1, 0), (2, 1)], [(3, 0)], [])
    groups = find_groups(dataset)
    assert not count_duplicates(dataset, groups).any
    assert duplicate_table(dataset, groups).empty
    assert isinstance(duplicate_table(dataset, groups), pd.DataFrame)


def test_each_kind_of_duplicate_is_said_with_its_number() -> None:
    assert duplicate_sentences(DuplicateCounts(20, 1, 1, 2), test=20, validation=5) == [
        "20 of 20 test pictures are also training or validation pictures.",
        "2 of 5 validation pictures are also learned from.",
        "1 picture stands under two classes or more.",
        "1 picture is a surplus copy of another one of the same part.",
    ]
    assert duplicate_sentences(DuplicateCounts(), test=20) == []
