"""The training pictures in two honest parts: those that teach and those that choose."""

import numpy as np

from cifar_core.errors import DataError

_STREAM = 1  # keeps this use of the seed apart from the others


def split_training(
    labels: np.ndarray, *, train_share: float, validation_share: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Choose the pictures to train on and those to validate with, the same share of every class but for less than a
    picture.

    The validation part does not depend on `train_share`, so that runs with more or less data are judged alike.

    Args:
        labels: int [N], of the dataset's training pictures.
        train_share: part of what is left after validation to train on, 0 to 1.
        validation_share: part of all held back, 0 to 0.5.
        seed: the run's seed.

    Returns:
        Two sorted int64 arrays of positions in `labels`, without overlap: train, validation.

    Raises:
        DataError: there are no pictures, or a wanted validation part would be empty.
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


def apportion(sizes: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """How many pictures of each class make a share of all: what is left of whole pictures goes to the classes that lack
    most of one (largest remainder), among equals by chance. One picture of each class stays out.

    Args:
        sizes: int [K], pictures of each class, at least 1.
        share: 0 to 0.5.
        rng: decides between equals.

    Returns:
        int64 [K].
    """
    wanted = np.round(sizes * share, 9)  # 0.3 of 10 is 3, not a little less
    counts = np.floor(wanted).astype(np.int64)
    missing = max(0, round(float(wanted.sum())) - int(counts.sum()))
    in_need = np.lexsort((rng.random(len(sizes)), counts - wanted))
    counts[in_need[:missing]] += 1
    return np.minimum(counts, sizes - 1)
