"""Pictures of a dataset with the same pixels: found by a hash, counted, and listed. Reads the pictures.

Two pictures are duplicates where all pixels are equal after their conversion to 32 x 32, whatever their files are.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from cifar_core.data.dataset import Dataset, Split, parts_of
from cifar_core.data.picture_reader import read_pictures
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.storage.json_types import PictureCount
from cifar_core.text import counted

_CHUNK = 2000  # pictures hashed at once
_HASH_BYTES = 16  # two different pictures of a billion have the same hash with a probability of 1 in 10**21


@dataclass(frozen=True)
class Groups:
    """Which pictures have the same pixels: those with the same number, which both parts share.

    The numbers run from 0 without a gap, in the order in which the pictures first occur, training part first.
    """

    train: np.ndarray  # int32 [N]
    test: np.ndarray  # int32 [M]

    @property
    def count(self) -> int:
        """How many distinct pictures there are."""
        return int(max(part.max(initial=-1) for part in (self.train, self.test))) + 1


@dataclass(frozen=True)
class DuplicateCounts:
    """How many pictures of a dataset are duplicates."""

    test_in_train: PictureCount = 0  # test pictures that are in the training part too, with its validation pictures
    label_conflicts: PictureCount = 0  # distinct pictures that stand under two or more classes
    within_parts: PictureCount = 0  # surplus copies within train, validation and test
    validation_in_train: PictureCount = 0  # own validation pictures that are also learned from

    @property
    def any(self) -> bool:
        """Whether there are any."""
        return bool(self.test_in_train or self.label_conflicts or self.within_parts or self.validation_in_train)


def find_groups(dataset: Dataset, progress: OnProgress = no_progress) -> Groups:
    """Find the pictures with the same pixels, by the hash of each picture."""
    total, hashes = len(dataset.train.labels) + len(dataset.test.labels), []
    for split, before in ((dataset.train, 0), (dataset.test, len(dataset.train.labels))):

        def report(what: str, done: int, _: int, unit: str, before: int = before) -> None:
            progress(what, before + done, total, unit)

        hashes.append(picture_hashes(split, np.arange(len(split.labels)), report))
    _, first, inverse = np.unique(np.concatenate(hashes), return_index=True, return_inverse=True)
    place = np.empty(len(first), np.int32)  # of each hash among the hashes in the order of the pictures
    place[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    numbers = place[inverse]
    return Groups(*np.split(numbers, [len(dataset.train.labels)]))


def picture_hashes(split: Split, positions: np.ndarray, progress: OnProgress = no_progress) -> np.ndarray:
    """A hash of each of some pictures, which those with the same pixels share (BLAKE2b of the 3,072 bytes, 128 bits).

    Args:
        split: that they are in.
        positions: int64 [N], where they are there.
        progress: told before each of several steps.

    Returns:
        V16 [N].
    """
    digests = bytearray()
    for start in range(0, len(positions), _CHUNK):
        progress("Looking for duplicates", start, len(positions), "pictures")
        for picture in read_pictures(split.images, positions[start : start + _CHUNK]):
            digests += hashlib.blake2b(picture.data, digest_size=_HASH_BYTES).digest()
    return np.frombuffer(digests, f"V{_HASH_BYTES}")


def count_duplicates(dataset: Dataset, groups: Groups) -> DuplicateCounts:
    """Count the duplicates of each kind."""
    numbers = {part: numbers_of(dataset, groups, split)[rows] for part, (split, rows) in parts_of(dataset).items()}
    validation = numbers.get("validation", np.empty(0, np.int32))
    return DuplicateCounts(
        int(np.isin(groups.test, groups.train).sum()),
        int(in_conflict(dataset, groups).sum()),
        sum(len(part) - len(np.unique(part)) for part in numbers.values()),
        int(np.isin(validation, numbers["train"]).sum()),
    )


def seen_in_training(
    groups: Groups, train: np.ndarray, validation: np.ndarray
) -> dict[Literal["test", "validation"], np.ndarray]:
    """Which of the pictures that a training measures it has seen too, with the same pixels.

    A test picture is seen where it is trained on or helps to choose the epoch, a validation picture where it is
    trained on.

    Args:
        groups: of the dataset.
        train: int64 [T], positions in the training part that are trained on.
        validation: int64 [V], positions there that validate.

    Returns:
        bool [M] of the test part and bool [V].
    """
    trained_on, chosen_by = groups.train[train], groups.train[validation]
    return {
        "test": np.isin(groups.test, np.concatenate([trained_on, chosen_by])),
        "validation": np.isin(chosen_by, trained_on),
    }


def numbers_of(dataset: Dataset, groups: Groups, split: Split) -> np.ndarray:
    """The numbers of the pictures of one part."""
    return groups.test if split is dataset.test else groups.train


def in_conflict(dataset: Dataset, groups: Groups) -> np.ndarray:
    """Which distinct pictures stand under two or more classes: bool [`groups.count`]."""
    numbers = np.concatenate([groups.train, groups.test])
    labels = np.concatenate([dataset.train.labels, dataset.test.labels])
    lowest, highest = np.full(groups.count, len(dataset.class_names)), np.full(groups.count, -1)
    np.minimum.at(lowest, numbers, labels)
    np.maximum.at(highest, numbers, labels)
    return lowest < highest


def duplicate_table(dataset: Dataset, groups: Groups) -> pd.DataFrame:
    """One row for each picture that occurs more than once, those of the same picture below each other.

    Returns:
        columns `group` (1, 2, ...: the same number for the same pixels), `part` (train, validation or test), `class`,
        `id`, `row` (its place in the arrays of the training or test part), and `classes`, `parts`: how many different
        ones its group has. First come groups with label conflicts, then groups in several parts, then the others.
    """
    tables = []
    for part, (split, rows) in parts_of(dataset).items():
        numbers = numbers_of(dataset, groups, split)[rows]
        tables.append(pd.DataFrame({"number": numbers, "part": part, "label": split.labels[rows], "row": rows}))
    table = pd.concat(tables, ignore_index=True)
    table = table[table.duplicated("number", keep=False)]
    by_number = table.groupby("number", sort=False)
    table = table.assign(classes=by_number["label"].transform("nunique"), parts=by_number["part"].transform("nunique"))
    table = table.sort_values(["classes", "parts", "number"], ascending=[False, False, True], kind="stable")
    ids = [
        str((dataset.test if part == "test" else dataset.train).ids[row]) for part, row in table[["part", "row"]].values
    ]
    return pd.DataFrame(
        {
            "group": pd.factorize(table["number"])[0] + 1,
            "part": table["part"].to_numpy(),
            "class": [dataset.class_names[label] for label in table["label"]],
            "id": ids,
            "row": table["row"].to_numpy(),
            "classes": table["classes"].to_numpy(),
            "parts": table["parts"].to_numpy(),
        }
    )


def duplicate_sentences(counts: DuplicateCounts, test: int, validation: int = 0) -> list[str]:
    """The duplicates in words, a sentence for each kind there is.

    Args:
        counts: of `count_duplicates`.
        test: pictures of the test part.
        validation: the dataset's own validation pictures.
    """
    sentences = []
    if counts.test_in_train:
        kind = "training or validation picture" if validation else "training picture"
        are = f"is also a {kind}" if counts.test_in_train == 1 else f"are also {kind}s"
        sentences.append(f"{counts.test_in_train:,} of {counted(test, 'test picture')} {are}.")
    if counts.validation_in_train:
        are = "is also learned from" if counts.validation_in_train == 1 else "are also learned from"
        sentences.append(f"{counts.validation_in_train:,} of {counted(validation, 'validation picture')} {are}.")
    if counts.label_conflicts:
        stand = "stands" if counts.label_conflicts == 1 else "stand"
        sentences.append(f"{counted(counts.label_conflicts, 'picture')} {stand} under two classes or more.")
    if counts.within_parts:
        are = "is a surplus copy" if counts.within_parts == 1 else "are surplus copies"
        sentences.append(f"{counted(counts.within_parts, 'picture')} {are} of another one of the same part.")
    return sentences
