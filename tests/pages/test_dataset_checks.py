"""The checks of a dataset on the Data page: what is odd first, its tiles, and the way to one picture."""

import numpy as np

from cifar_core.data import Dataset, Split, save_dataset
from cifar_core.workspace import Workspace
from tests.data.checks.support import ordinary_pictures

ODD = 60  # black pictures: more than fit on a page of tiles


def save_odd(workspace: Workspace) -> Dataset:
    """Black pictures in train, and one class with a name of Markdown that has four times as many pictures."""
    splits = []
    for part, count in (("train", 400), ("test", 40)):
        images = ordinary_pictures(count, seed=len(part))
        images[: ODD if part == "train" else 0] = 0
        ids = np.array([f"{part}/{number}.png" for number in range(count)])
        splits.append(Split(images, np.array([0, 1, 1, 1, 1] * (count // 5), np.int64), ids))
    names = ("left", "*right*")
    own = np.arange(50, 100)
    return save_dataset(
        workspace, "odd", *splits, title="Odd", class_names=names, source="Made by the tests.", validation=own
    )
