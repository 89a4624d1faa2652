"""Choosing a share of labelled pictures so that each class has the same share, up to rounding. Reads nothing."""

import numpy as np

from cifar_core.errors import DataError

MIN_TEST_SHARE, MAX_TEST_SHARE = 0.01, 0.9
_TEST_STREAM = 4  # keeps these random numbers independent of other uses of a seed


def apportion(sizes: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return how many pictures to take from each class for a share of all, by the largest remainder method.

    Ties are broken at random. At least one picture of each class is not taken.

    Args:
        sizes: int [K], the number of pictures of each class, at least 1.
        share: part of the pictures to take, at least 0 and below 1.
        rng: breaks ties.

    Returns:
        int64 [K].
    """
    wanted = np.round(sizes * share, 9)  # without rounding 0.3 of 10 would be a little less than 3
    counts = np.floor(wanted).astype(np.int64)
    missing = max(0, round(float(wanted.sum())) - int(counts.sum()))
    in_need = np.lexsort((rng.random(len(sizes)), counts - wanted))
    counts[in_need[:missing]] += 1
    return np.minimum(counts, sizes - 1)


def check_test_share(share: float) -> None:
    """Raise DataError unless a test part may have this share of all pictures."""
    if not MIN_TEST_SHARE <= share <= MAX_TEST_SHARE:
        raise DataError(f"The share of the test part is {share:g}: give {MIN_TEST_SHARE:g} to {MAX_TEST_SHARE:g}.")


def counts_of_test(sizes: np.ndarray, share: float, seed: int) -> np.ndarray:
    """How many pictures of each class `choose_test` takes: int64 [K], from the numbers of pictures int [K], each >= 1.

    Raises:
        DataError: the share is out of range, or so small that no picture would be taken.
    """
    check_test_share(share)
    counts = apportion(sizes, share, _test_rng(seed))
    if not counts.any():
        raise DataError("There are too few pictures for a test part: add some, or raise its share (--test-share).")
    return counts


def choose_test(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the pictures of a test part, stratified by class; the same pictures and seed give the same part.

    Args:
        labels: int [N], the class of each picture.
        share: part of the pictures to take.
        seed: at least 0; draws the pictures.

    Returns:
        bool [N], whether a picture belongs to the test part.

    Raises:
        DataError: as `counts_of_test`.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    counts, rng = counts_of_test(sizes, share, seed), _test_rng(seed)
    chosen = np.zeros(len(labels), bool)
    for name, count in zip(classes, counts, strict=True):
        chosen[rng.permutation(np.flatnonzero(labels == name))[:count]] = True
    return chosen


def _test_rng(seed: int) -> np.random.Generator:
    return np.random.default_rng([seed, _TEST_STREAM])
