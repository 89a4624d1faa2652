"""Compares what a file of predictions says with the dataset: a row for each picture, and every value valid."""

from dataclasses import dataclass

import numpy as np

from cifar_core.evaluate.checks import RANGE_TOLERANCE, SUM_TOLERANCE, row_blocks
from cifar_core.runs.imported.columns import numbers_of
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
    notes: tuple[str, ...] = ()  # how they differ from the numbers of the file, in sentences


def check_rows(given: Given, expected: Expected) -> CheckedRows:
    """The rows in the order of the dataset.

    Raises:
        ValueError: a row or a value breaks a rule; the text names both, and continues "FILE was refused: ".
    """
    row_of = _rows_of_pictures(given, expected)
    labels = None if given.labels is None else _label_numbers(given, expected)
    probs, notes = _probs_of_logits(given, expected) if given.logits else _checked_probs(given, expected)
    return CheckedRows(None if labels is None else labels[row_of], probs[row_of], notes)


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
    numbers = {str(number): number for number in range(len(names))} | numbers_of(names)
    found = np.empty(len(given.keys), np.int64)
    for row, label in enumerate(given.labels or ()):
        if isinstance(label, str):
            number = numbers.get(label, numbers.get(label.strip().casefold(), -1))
        else:
            number = -1 if label is None else label
        if not 0 <= number < len(names):
            raise ValueError(f"{_row_words(given, row)} has {_no_label(label, expected)}")
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


def _checked_probs(given: Given, expected: Expected) -> tuple[np.ndarray, tuple[str, ...]]:
    """The probabilities float32 [R, K], those of rounded rows divided by their sums, and a note on these."""
    probs, divided, furthest = np.empty(given.values.shape, np.float32), 0, 0.0
    for part in row_blocks(given.values):
        values = given.values[part]
        _require_probabilities(given, expected, part)
        sums = values.sum(axis=1)
        # As `check_probs` adds them up when the run is read.
        rounded = np.abs(values.astype(np.float32).astype(np.float64).sum(axis=1) - 1) > SUM_TOLERANCE
        probs[part] = np.where(rounded[:, None], values / sums[:, None], values)
        divided += int(rounded.sum())
        furthest = max(furthest, float(np.abs(sums - 1).max(initial=0)))
    if not divided:
        return probs, ()
    note = (
        f"The probabilities of {counted(divided, 'picture')} add up to 1 only within {furthest:.4f} in the imported "
        "file, as rounded numbers do: they were divided by their sum."
    )
    return probs, (note,)


def _require_probabilities(given: Given, expected: Expected, part: slice) -> None:
    """Refuse rows with a value that is no probability, or whose sum is too far from 1."""
    values = given.values[part]
    _require_finite(given, expected, part)
    outside = np.abs(values - 0.5) > 0.5 + RANGE_TOLERANCE
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"{_row_words(given, part.start + row)} has the probability {values[row, column]:.6g} of "
            f"{one_line(expected.class_names[column])}, and probabilities lie between 0 and 1: {_AS_LOGITS}; "
            "if they are per cent, divide them by 100"
        )
    sums = values.sum(axis=1)
    off = np.abs(sums - 1) > ROUNDED_SUM
    if off.any():
        row = np.argmax(off)
        raise ValueError(
            f"{_row_words(given, part.start + row)} has probabilities that add up to {sums[row]:.6g}, and they must "
            f"add up to 1 within {ROUNDED_SUM:g}: if they were rounded, write more decimals; {_AS_LOGITS}"
        )


def _probs_of_logits(given: Given, expected: Expected) -> tuple[np.ndarray, tuple[str, ...]]:
    """The softmax float32 [R, K] of logits, computed in float64, and a note on that."""
    probs, unlike = np.empty(given.values.shape, np.float32), len(given.values) == 0
    for part in row_blocks(given.values):
        values = given.values[part]
        _require_finite(given, expected, part)
        unlike = unlike or bool((values < 0).any() or (np.abs(values.sum(axis=1) - 1) > SUM_TOLERANCE).any())
        with np.errstate(over="ignore"):  # a difference beyond float64 is a probability of 0
            powers = np.exp(values - values.max(axis=1, keepdims=True))
        probs[part] = powers / powers.sum(axis=1, keepdims=True)
    if not unlike:
        raise ValueError(
            "its logits are probabilities: they lie between 0 and 1, and every row adds up to 1. Call the columns "
            "p_CLASS (in an NPZ file the array probs)"
        )
    return probs, ("The imported file has logits: the probabilities are their softmax.",)


def _require_finite(given: Given, expected: Expected, part: slice) -> None:
    bad = ~np.isfinite(given.values[part])
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise ValueError(
            f"{_row_words(given, part.start + row)} has {given.values[part][row, column]} for "
            f"{one_line(expected.class_names[column])}, where a number is expected"
        )


def _row_words(given: Given, row: int) -> str:
    """`row 3 (test/cat/00012.jpg)`."""
    return f"row {row + 1:,} ({one_line(given.keys[row], 60)})"
