"""The door of `evaluate`: labels, probabilities, class names and matrices are checked here once, then trusted."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cifar_core.errors import DataError
from cifar_core.text import can_be_shown

SUM_TOLERANCE = 1e-3  # how far the probabilities of a picture may be from adding up to 1 (float16 and float32 softmax)
RANGE_TOLERANCE = 1e-6  # how far one probability may lie outside 0..1 by rounding


_BLOCK = 2**20  # probabilities that are looked at together


def check_probs(probs: ArrayLike, *, first: int = 0) -> NDArray[np.float64]:
    """Check probabilities [N, K] and return them as float64, clipped to 0..1; `first` is the number of the first picture.

    Raises:
        DataError: not two-dimensional numbers, fewer than 2 classes, NaN or infinity, outside 0..1, or a row that
            does not add up to 1 within 0.001.
    """
    array = np.asarray(probs)
    if array.ndim != 2 or array.shape[1] < 2:
        raise DataError(f"Probabilities must have shape [pictures, classes >= 2], but have {list(array.shape)}.")
    if not np.issubdtype(array.dtype, np.floating) and not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"Probabilities must be numbers, but are of type {array.dtype}.")
    checked = array.astype(np.float64)
    if not np.isfinite(checked).all():
        raise DataError(
            f"{_first_bad(np.asarray(~np.isfinite(checked).all(axis=1)), first)} has a probability that is not a number."
        )
    outside = np.asarray(np.any(np.abs(checked - 0.5) > 0.5 + RANGE_TOLERANCE, axis=1))
    if outside.any():
        raise DataError(
            f"{_first_bad(outside, first)} has a probability outside 0 to 1: give softmax outputs, not logits."
        )
    sums = checked.sum(axis=1)
    off = np.asarray(np.abs(sums - 1) > SUM_TOLERANCE)
    if off.any():
        raise DataError(f"{_first_bad(off, first)} has probabilities that add up to {sums[off][0]:.4g}, expected 1.")
    return np.clip(checked, 0.0, 1.0)


def checked_blocks(labels: ArrayLike, probs: ArrayLike) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """As `check_predictions`, some pictures at a time, so that copies of many times many classes are never all there.

    There is at least one block, of no pictures where there are none.

    Raises:
        DataError: as `check_predictions`.
    """
    table, truth = np.asarray(probs), np.asarray(labels)
    if table.size <= _BLOCK or table.ndim != 2 or truth.shape != (len(table),):
        yield check_predictions(truth, table)
        return
    rows = max(1, _BLOCK // table.shape[1])
    for start in range(0, len(table), rows):
        yield check_predictions(truth[start : start + rows], table[start : start + rows], first=start)


def check_predictions(
    labels: ArrayLike, probs: ArrayLike, *, first: int = 0
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Check labels [N] with their probabilities [N, K]; N may be 0.

    Returns:
        labels as int64 [N], probabilities as float64 [N, K] clipped to 0..1.

    Raises:
        DataError: as `check_probs`; labels that are not whole numbers, not 0..K-1, or not N of them.
    """
    checked = check_probs(probs, first=first)
    array = np.asarray(labels)
    if array.ndim != 1:
        raise DataError(f"Labels must be a list of class numbers, but have shape {list(array.shape)}.")
    if len(array) != len(checked):
        raise DataError(f"There are {len(array):,} labels but probabilities of {len(checked):,} pictures.")
    if len(array) and not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"Labels must be whole numbers, but are of type {array.dtype}.")
    classes = checked.shape[1]
    wrong = (array < 0) | (array >= classes) if len(array) else np.zeros(0, dtype=bool)
    if wrong.any():
        raise DataError(f"{_first_bad(wrong, first)} has label {array[wrong][0]}, expected 0 to {classes - 1}.")
    return array.astype(np.int64), checked


def check_class_names(class_names: Sequence[str], classes: int) -> tuple[str, ...]:
    """Check that there is one name, and a different one, for each of `classes`.

    Raises:
        DataError: too few, too many, a name given twice or with a sign that cannot be shown.
    """
    names = tuple(str(name) for name in class_names)
    if len(names) != classes:
        raise DataError(f"There are {len(names)} class names for {classes} classes.")
    if len(set(names)) != classes:
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"The class name {twice!r} is given twice.")
    for name in names:
        if not can_be_shown(name):
            raise DataError(f"The class name {name[:80]!r} holds a sign that cannot be shown.")
    return names


def check_matrix(matrix: ArrayLike) -> NDArray[np.int64]:
    """Check a confusion matrix [K, K] of counts.

    Raises:
        DataError: not square, fewer than 2 classes, or cells that are not counts.
    """
    array = np.asarray(matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or len(array) < 2:
        raise DataError(f"A confusion matrix must be square with 2 classes or more, but has shape {list(array.shape)}.")
    if not np.issubdtype(array.dtype, np.integer) or (array < 0).any():
        raise DataError("A confusion matrix must hold counts: whole numbers from 0.")
    return array.astype(np.int64)


def _first_bad(rows: NDArray[np.bool_], first: int) -> str:
    """Words for the first row where `rows` is true."""
    return f"Picture number {first + int(np.argmax(rows))}"
