"""Splits the training pictures into a training part and a validation part, which have no picture in common."""

from typing import Literal

import numpy as np

from cifar_core.data.stratified import apportion
from cifar_core.errors import DataError

MeasuredSplit = Literal["test", "validation"]  # that is measured after each epoch
_STREAM = 1  # keeps these random numbers independent of other uses of the seed


def split_training(
    labels: np.ndarray, *, train_share: float, validation_share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the pictures for training and for validation, stratified: each class has the same share up to rounding.

    The validation part does not depend on `train_share`, so that runs on more or less data are comparable.

    Args:
        labels: int [N], of the dataset's training pictures.
        train_share: part of the pictures outside the validation part to train on, 0 to 1.
        validation_share: part of all pictures to validate with, 0 to 0.5.
        seed: the run's seed.

    Returns:
        Two sorted int64 arrays of positions in `labels`, without overlap: train, validation.

    Raises:
        DataError: there are no pictures, or the validation part would be empty although its share is above 0.
    """
    rng = np.random.default_rng([seed, _STREAM])
    classes = [rng.permutation(np.flatnonzero(labels == name)) for name in np.unique(labels)]
    if not classes:
        raise DataError("The dataset has no training pictures to learn from: get it again.")
    held = apportion(np.array([len(members) for members in classes]), validation_share, rng)
    rest = [members[count:] for members, count in zip(classes, held, strict=True)]
    train = [members[: max(1, round(len(members) * train_share))] for members in rest]
    validation = [members[:count] for members, count in zip(classes, held, strict=True)]
    if validation_share > 0 and not held.any():
        raise DataError(
            "The dataset is too small for a validation part: raise validation_share, set it to 0, or add pictures."
        )
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation))
