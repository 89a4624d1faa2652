"""Input validation: what predictions and confusion matrices are made of is checked here, once."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cifar_core.errors import DataError
from cifar_core.text import can_be_shown

SUM_TOLERANCE = 1e-3  # largest deviation of the sum of probabilities from 1 (a softmax in float16 or float32)
RANGE_TOLERANCE = 1e-6  # how far one probability may lie outside 0..1 by rounding
_BLOCK = 2**20  # probabilities that are computed with at once


def check_probs(probs: ArrayLike, *, first: int = 0) -> NDArray[np.float64]:
    """Check probabilities [N, K] and return them as float64, clipped to 0..1; `first` is the index of the first row.

    Raises:
        DataError: they are not two-dimensional numbers, have fewer than 2 classes, are NaN or infinite, lie outside
            0..1, or a row does not add up to 1 within 0.001.
    """
    with np.errstate(invalid="ignore"):  # what is not a number is refused below
        checked = _rows_of_numbers(probs).astype(np.float64)
    if not np.isfinite(checked).all():
        bad = np.asarray(~np.isfinite(checked).all(axis=1))
        raise DataError(f"{_first_bad(bad, first)} has a probability that is not a number.")
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


def check_predictions(labels: ArrayLike, probs: ArrayLike) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Check labels [N] and their probabilities [N, K]; N may be 0.

    Returns:
        labels as int64 [N]; the probabilities as they are, since a copy of all could take much memory.

    Raises:
        DataError: as `check_probs`; or the labels are not N whole numbers in 0..K-1.
    """
    rows = _rows_of_numbers(probs)
    for part in row_blocks(rows):
        check_probs(rows[part], first=part.start)
    array = np.asarray(labels)
    if array.ndim != 1:
        raise DataError(f"Labels must be a list of class numbers, but have shape {list(array.shape)}.")
    if len(array) != len(rows):
        raise DataError(f"There are {len(array):,} labels but probabilities of {len(rows):,} pictures.")
    if len(array) and not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"Labels must be whole numbers, but are of type {array.dtype}.")
    classes = rows.shape[1]
    wrong = (array < 0) | (array >= classes) if len(array) else np.zeros(0, dtype=bool)
    if wrong.any():
        raise DataError(f"{_first_bad(wrong, 0)} has label {array[wrong][0]}, expected 0 to {classes - 1}.")
    return array.astype(np.int64), rows


def row_blocks(probs: NDArray[Any]) -> Iterator[slice]:
    """The rows of `probs` in blocks that take little memory as float64; one empty block where there are no rows."""
    rows = max(1, _BLOCK // probs.shape[1])
    for start in range(0, max(1, len(probs)), rows):
        yield slice(start, start + rows)


def check_class_names(class_names: Sequence[str], classes: int) -> tuple[str, ...]:
    """Check that there are `classes` names, all different.

    Raises:
        DataError: there are too few or too many, one is given twice or has a character that cannot be shown.
    """
    names = tuple(str(name) for name in class_names)
    if len(names) != classes:
        raise DataError(f"There are {len(names)} class names for {classes} classes.")
    if len(set(names)) != classes:
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"The class name {twice!r} is given twice.")
    for name in names:
        if not can_be_shown(name):
            raise DataError(f"The class name {name[:80]!r} holds a character that cannot be shown.")
    return names


def check_matrix(matrix: ArrayLike) -> NDArray[np.int64]:
    """Check a confusion matrix [K, K] of counts.

    Raises:
        DataError: it is not square, has fewer than 2 classes, or its cells are not counts.
    """
    array = np.asarray(matrix)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or len(array) < 2:
        raise DataError(f"A confusion matrix must be square with 2 classes or more, but has shape {list(array.shape)}.")
    if not np.issubdtype(array.dtype, np.integer) or (array < 0).any():
        raise DataError("A confusion matrix must hold counts: whole numbers from 0.")
    return array.astype(np.int64)


def _rows_of_numbers(probs: ArrayLike) -> NDArray[Any]:
    """The probabilities as an array [N, K] of any number type."""
    array = np.asarray(probs)
    if array.ndim != 2 or array.shape[1] < 2:
        raise DataError(f"Probabilities must have shape [pictures, classes >= 2], but have {list(array.shape)}.")
    if not np.issubdtype(array.dtype, np.floating) and not np.issubdtype(array.dtype, np.integer):
        raise DataError(f"Probabilities must be numbers, but are of type {array.dtype}.")
    return array


def _first_bad(rows: NDArray[np.bool_], first: int) -> str:
    """The name, in messages, of the first picture where `rows` is true."""
    return f"Picture number {first + int(np.argmax(rows))}"
