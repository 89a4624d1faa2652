"""Compares what a file of predictions says with the dataset: a row for each picture, and every value valid."""

from dataclasses import dataclass

import numpy as np

from cifar_core.evaluate.checks import RANGE_TOLERANCE, SUM_TOLERANCE
from cifar_core.runs.imported.given import Expected, Given
from cifar_core.runs.imported.places import place_finder
from cifar_core.text import counted, did_you_mean, first_names, one_line

# Largest deviation of the sum of a row from 1: numbers rounded to three decimals are off by no more. A row that is off
# by more than any run may be (`SUM_TOLERANCE`) is divided by its sum; all others are kept as they were given.
ROUNDED_SUM = 5e-3
_AS_LOGITS = "if these are logits, call the columns logit_CLASS (in an NPZ file the array logits)"


@dataclass(frozen=True)
class CheckedRows:
    """The predictions of a whole part, in the order of the dataset."""

    labels: np.ndarray | None  # int64 [N]; None where the file has none
    probs: np.ndarray  # float32 [N, K]


def check_rows(given: Given, expected: Expected) -> CheckedRows:
    """The rows in the order of the dataset.

    Raises:
        ValueError: a row or a value breaks a rule; the text names both, and continues "FILE was refused: ".
    """
    row_of = _rows_of_pictures(given, expected)
    labels = None if given.labels is None else _label_numbers(given, expected)
    names = _Names(given, expected)
    probs = _softmax(given.values, names) if given.logits else _checked_probs(given.values, names)
    return CheckedRows(None if labels is None else labels[row_of], probs[row_of].astype(np.float32))


def _rows_of_pictures(given: Given, expected: Expected) -> np.ndarray:
    """The row of each picture of the part: int64 [N]."""
    find = place_finder(given.by, expected)
    row_of = np.full(len(expected.ids), -1)
    for row, key in enumerate(given.keys):
        place = find(row + 1, key)
        if row_of[place] >= 0:
            raise ValueError(
                f"rows {row_of[place] + 1:,} and {row + 1:,} are both of the picture {one_line(expected.ids[place])}, "
                "and each picture has one row"
            )
        row_of[place] = row
    missing = np.flatnonzero(row_of < 0)
    if len(missing):
        raise ValueError(
            f"it has {counted(len(given.keys), 'row')}, and the test part of {expected.dataset} has "
            f"{counted(len(row_of), 'picture')}: {len(missing):,} of them are missing "
            f"({first_names([one_line(name) for name in expected.ids[missing].tolist()])})"
        )
    return row_of


def _label_numbers(given: Given, expected: Expected) -> np.ndarray:
    """The true class of each row as its number: int64 [R]."""
    names = expected.class_names
    numbers = {**{str(number): number for number in range(len(names))}, **{name: at for at, name in enumerate(names)}}
    found = np.empty(len(given.keys), np.int64)
    for row, label in enumerate(given.labels or ()):
        number = label if isinstance(label, int) else numbers.get(label or "", -1)
        if not 0 <= number < len(names):
            raise ValueError(f"{_Names(given, expected).row(row)} has {_no_label(label, expected)}")
        found[row] = number
    return found


def _no_label(label: object, expected: Expected) -> str:
    names = expected.class_names
    if label in (None, ""):
        return "no label: give each row one, or leave the column out"
    return (
        f"the label '{one_line(label, 40)}', which is no class of {expected.dataset} and no number from 0 to "
        f"{len(names) - 1}{did_you_mean(label, names)}"
    )


@dataclass(frozen=True)
class _Names:
    """How errors call rows and classes."""

    given: Given
    expected: Expected

    def row(self, row: int) -> str:
        """`row 3 (test/cat/00012.jpg)`."""
        return f"row {row + 1:,} ({one_line(self.given.keys[row], 60)})"

    def classed(self, column: int) -> str:
        return one_line(self.expected.class_names[column])


def _checked_probs(values: np.ndarray, names: _Names) -> np.ndarray:
    """The probabilities float64 [R, K], those of rounded rows divided by their sums."""
    _require_finite(values, names)
    outside = np.abs(values - 0.5) > 0.5 + RANGE_TOLERANCE
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"{names.row(row)} has the probability {values[row, column]:.6g} of {names.classed(column)}, and "
            f"probabilities lie between 0 and 1: {_AS_LOGITS}"
        )
    sums = values.sum(axis=1)
    off = np.abs(sums - 1)
    if (off > ROUNDED_SUM).any():
        row = int(np.argmax(off > ROUNDED_SUM))
        raise ValueError(
            f"{names.row(row)} has probabilities that add up to {sums[row]:.6g}, and they must add up to 1 within "
            f"{ROUNDED_SUM:g}; {_AS_LOGITS}"
        )
    return np.where((off > SUM_TOLERANCE)[:, None], values / sums[:, None], values)


def _softmax(values: np.ndarray, names: _Names) -> np.ndarray:
    """The probabilities float64 [R, K] of logits."""
    _require_finite(values, names)
    if len(values) and values.min() >= 0 and (np.abs(values.sum(axis=1) - 1) <= SUM_TOLERANCE).all():
        raise ValueError(
            "its logits are probabilities: they lie between 0 and 1, and every row adds up to 1. Call the columns "
            "p_CLASS (in an NPZ file the array probs)"
        )
    powers = np.exp(values - values.max(axis=1, keepdims=True))  # at most 1, so that nothing overflows
    return powers / powers.sum(axis=1, keepdims=True)


def _require_finite(values: np.ndarray, names: _Names) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{names.row(row)} has {values[row, column]} for {names.classed(column)}, where a number is expected"
        )
