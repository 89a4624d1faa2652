"""Splits the training pictures into a training part and a validation part, which have no picture in common."""

from typing import Literal

import numpy as np

from cifar_core.config import DataConfig
from cifar_core.data import Dataset
from cifar_core.data.stratified import apportion
from cifar_core.errors import DataError
from cifar_core.text import counted

MeasuredSplit = Literal["test", "validation"]  # that is measured after each epoch
# How many validation pictures a class gives that is too rare for its share of one. `one-of-three`: one, where it has
# three pictures or more. `share`: as the rounding decides, often none; as runs that do not name their rule.
SplitRule = Literal["one-of-three", "share"]
ONE_OF_THREE: SplitRule = "one-of-three"
BY_SHARE: SplitRule = "share"
_ENOUGH_FOR_ONE = 3  # pictures of a class: one validates, and a network can learn from the other two
_STREAM = 1  # keeps these random numbers independent of other uses of the seed


def training_parts(
    dataset: Dataset, config: DataConfig, seed: int, rule: SplitRule = ONE_OF_THREE
) -> tuple[np.ndarray, np.ndarray]:
    """The training and validation pictures of a run, as positions in its dataset's training part (`split_training`).

    The validation pictures are the dataset's own, where it has some and the settings do not say otherwise. A run that
    is stored has its `rule`.
    """
    return split_training(
        np.asarray(dataset.train.labels),
        train_share=config.train_share,
        validation_share=config.validation_share,
        seed=seed,
        own=dataset.validation if config.own_validation else None,
        rule=rule,
    )


def unvalidated_classes(dataset: Dataset, validation: np.ndarray) -> tuple[str, ...]:
    """The names of the classes without a validation picture; none where nothing validates.

    Args:
        dataset: of the run.
        validation: int64 [V], positions in the dataset's training part (`training_parts`).
    """
    if not len(validation):
        return ()
    counts = np.bincount(dataset.train.labels[validation], minlength=len(dataset.class_names))
    return tuple(dataset.class_names[index] for index in np.flatnonzero(counts == 0))


def validation_count(config: DataConfig, train: int, own: int) -> int:
    """How many pictures a run validates with; a few more where many rare classes give one each (`split_training`).

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
    labels: np.ndarray,
    *,
    train_share: float,
    validation_share: float,
    seed: int,
    own: np.ndarray | None = None,
    rule: SplitRule = ONE_OF_THREE,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the pictures for training and for validation, stratified: each class has the same share up to rounding.

    The validation part does not depend on `train_share`, so that runs on more or less data are comparable. By the rule
    `one-of-three`, each class of three pictures or more has a validation picture. Those of rare classes take the place
    of pictures of classes that have two or more; where there are none of these, the part has more than its share.

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
    sizes = np.array([len(members) for members in classes])
    held = apportion(sizes, validation_share, rng)
    if rule == ONE_OF_THREE and validation_share > 0:
        held = _with_rare_classes(held, sizes, validation_share)
    rest = [members[count:] for members, count in zip(classes, held, strict=True)]
    train = [members[: max(1, round(len(members) * train_share))] for members in rest]
    validation = [members[:count] for members, count in zip(classes, held, strict=True)]
    if validation_share > 0 and not held.any():
        raise DataError(
            "The dataset is too small for a validation part: raise validation_share, set it to 0, or add pictures."
        )
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation if own is None else [own]))


def _with_rare_classes(held: np.ndarray, sizes: np.ndarray, share: float) -> np.ndarray:
    """How many pictures each class gives, so that none of three pictures or more gives none: int64 [K].

    Args:
        held: int64 [K], how many it gives by its share (`apportion`).
        sizes: int [K], how many it has.
        share: part of the pictures to give.
    """
    rare = (held == 0) & (sizes >= _ENOUGH_FOR_ONE)
    counts = held + rare
    for _ in range(int(rare.sum())):
        beyond = np.where(counts >= 2, counts - sizes * share, -np.inf)  # a class keeps its only one
        if beyond.max() == -np.inf:
            break
        counts[beyond.argmax()] -= 1
    return counts
