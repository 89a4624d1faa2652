"""Small datasets in memory, with planted faults."""

import numpy as np

from cifar_core.data import Dataset, DatasetCheck, DuplicateCounts, Split
from cifar_core.data.checks.duplicates import find_groups
from cifar_core.data.checks.properties import picture_properties


def split_of(
    images: np.ndarray,
    labels: np.ndarray,
    part: str,
    sizes: np.ndarray | None = None,
    formats: np.ndarray | None = None,
) -> Split:
    ids = np.array([f"{part}/{number}.png" for number in range(len(labels))])
    return Split(images, np.asarray(labels, np.int64), ids, sizes, formats)


def dataset_of(train: Split, test: Split, classes: int = 2, validation: np.ndarray | None = None) -> Dataset:
    names = tuple(f"class{number}" for number in range(classes))
    channels = (0.5, 0.5, 0.5)
    return Dataset(
        "planted", "Planted", names, train, test, channels, channels, "0" * 64, "Made by the tests.", validation
    )


def ordinary_pictures(count: int, seed: int = 0) -> np.ndarray:
    """Coloured gradients with some noise, no two alike and none odd: uint8 [count, 3, 32, 32]."""
    draw = np.random.default_rng(seed)
    rows, columns = np.mgrid[-1:1:32j, -1:1:32j]
    base = draw.uniform(100, 155, (count, 1, 1, 1)) + draw.uniform(-10, 10, (count, 3, 1, 1))
    across, down = draw.uniform(-50, 50, (2, count, 3, 1, 1))
    pictures = base + across * columns + down * rows + draw.normal(0, 8, (count, 3, 32, 32))
    return np.clip(np.rint(pictures), 0, 255).astype(np.uint8)


def labels_only(train: list[int], test: list[int], classes: int) -> Dataset:
    """A dataset without pictures, for checks that ask for labels alone."""
    none = np.empty((0, 3, 32, 32), np.uint8)
    parts = (split_of(none, np.array(labels), part) for part, labels in (("train", train), ("test", test)))
    return dataset_of(*parts, classes)


def check_of(dataset: Dataset) -> DatasetCheck:
    """The check of a dataset that is stored nowhere; its duplicates are not counted."""
    properties = (picture_properties(split.images) for split in (dataset.train, dataset.test))
    return DatasetCheck(find_groups(dataset), DuplicateCounts(), *properties)
