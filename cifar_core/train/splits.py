"""The training pictures in two honest parts: those that teach and those that choose."""

import numpy as np

from cifar_core.errors import DataError

_STREAM = 1  # keeps this use of the seed apart from the others


def split_training(
    labels: np.ndarray, *, train_share: float, validation_share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the pictures to train on and those to validate with, the same share of every class.

    The validation part does not depend on `train_share`, so that runs with more or less data are judged alike.

    Args:
        labels: int [N], of the dataset's training pictures.
        train_share: part of what is left after validation to train on, 0 to 1.
        validation_share: part of all held back, 0 to 0.5.
        seed: the run's seed.

    Returns:
        Two sorted int64 arrays of positions in `labels`, without overlap: train, validation.

    Raises:
        DataError: nothing would be left to train on, or a wanted validation part would be empty.
    """
    rng = np.random.default_rng([seed, _STREAM])
    train: list[np.ndarray] = []
    validation: list[np.ndarray] = []
    for name in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == name))
        held = round(len(members) * validation_share)
        validation.append(members[:held])
        rest = members[held:]
        train.append(rest[: max(1, round(len(rest) * train_share))])
    chosen = np.sort(np.concatenate(train)) if train else np.empty(0, np.int64)
    judges = np.sort(np.concatenate(validation)) if validation else np.empty(0, np.int64)
    if len(chosen) == 0:
        raise DataError("The dataset has no training pictures left to learn from: lower validation_share.")
    if validation_share > 0 and len(judges) == 0:
        raise DataError("The dataset is too small for a validation part: set validation_share to 0 or add pictures.")
    return chosen, judges
