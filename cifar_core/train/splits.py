"""Splits the training pictures into a training part and a validation part, which have no picture in common."""

from typing import Literal

import numpy as np

from cifar_core.config import DataConfig
from cifar_core.data import Dataset
from cifar_core.data.stratified import apportion
from cifar_core.errors import DataError
from cifar_core.text import counted

MeasuredSplit = Literal["test", "validation"]  # that is measured after each epoch
_STREAM = 1  # keeps these random numbers independent of other uses of the seed


def training_parts(dataset: Dataset, config: DataConfig, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The training and validation pictures of a run, as positions in its dataset's training part (`split_training`).

    The validation pictures are the dataset's own, where it has some and the settings do not say otherwise.
    """
    return split_training(
        np.asarray(dataset.train.labels),
        train_share=config.train_share,
        validation_share=config.validation_share,
        seed=seed,
        own=dataset.validation if config.own_validation else None,
    )


def validation_count(config: DataConfig, train: int, own: int) -> int:
    """How many pictures a run validates with.

    Args:
        config: of the run.
        train: pictures of the dataset's training part, with those for validation.
        own: how many of them are validation pictures of the dataset's own.
    """
    return own if own and config.own_validation else round(train * config.validation_share)


def set_aside(config: DataConfig, own: int) -> str:
    """A sentence where a run does not use the dataset's `own` validation pictures; else empty."""
    if own == 0 or config.own_validation:
        return ""
    share = config.validation_share
    instead = f"A share of {share:g} of the training pictures validates" if share else "Nothing validates"
    return f"{instead}, instead of the dataset's own {counted(own, 'validation picture')}."


def split_training(
    labels: np.ndarray, *, train_share: float, validation_share: float, seed: int, own: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the pictures for training and for validation, stratified: each class has the same share up to rounding.

    The validation part does not depend on `train_share`, so that runs on more or less data are comparable.

    Args:
        labels: int [N], of the dataset's training pictures.
        train_share: part of the pictures outside the validation part to train on, 0 to 1.
        validation_share: part of all pictures to validate with, 0 to 0.5.
        seed: the run's seed.
        own: int [V], positions of the validation pictures where they are not to be chosen; `validation_share` then has
            no effect. Each class has other pictures too.

    Returns:
        Two sorted int64 arrays of positions in `labels`, without overlap: train, validation.

    Raises:
        DataError: there are no pictures, or the validation part would be empty although its share is above 0.
    """
    rng = np.random.default_rng([seed, _STREAM])
    free = np.ones(len(labels), bool)
    if own is not None:
        free[own], validation_share = False, 0.0
    classes = [rng.permutation(np.flatnonzero(free & (labels == name))) for name in np.unique(labels)]
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
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation if own is None else [own]))
