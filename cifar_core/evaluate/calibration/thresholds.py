"""Answering only above a confidence: how many pictures are answered then, and how many of these answers are right."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import ConfigError
from cifar_core.evaluate.calibration.shares import confidence_of, shares
from cifar_core.evaluate.calibration.temperature import halves, part_of
from cifar_core.evaluate.predictions import CheckedPredictions, Ints

# What becomes of a picture at a threshold; `outcomes` gives indices into this.
OUTCOMES = ("right, answered", "wrong, answered", "right, rejected", "wrong, rejected")
_STEPS = np.arange(101) / 100


def coverage_curve(predictions: CheckedPredictions) -> pd.DataFrame:
    """What is answered at the thresholds 0, 0.01, ..., 1, one row each; N may be 0.

    Returns:
        columns `threshold`, `coverage` (share of the pictures whose confidence is at least the threshold), `n` (their
        number), `accuracy` among them with its Wilson interval `accuracy_low`, `accuracy_high`; NaN where there are
        none.
    """
    confidence = confidence_of(predictions)
    order = np.argsort(confidence)
    right = (predictions.predicted == predictions.labels)[order]
    below = np.searchsorted(confidence[order], _STEPS, side="left")  # pictures that are rejected
    n = len(right) - below
    right_below = np.concatenate([[0], np.cumsum(right)])[below]
    accuracy, low, high = shares(right.sum() - right_below, n)
    coverage = n / len(right) if len(right) else np.full(len(n), np.nan)
    columns = {"threshold": _STEPS, "coverage": coverage, "n": n}
    return pd.DataFrame(columns | {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high})


def outcomes(predictions: CheckedPredictions, threshold: float) -> Ints:
    """What becomes of each picture at a threshold: int [N], indices into `OUTCOMES`.

    A picture whose confidence is below the threshold is rejected, whether its answer would have been right or not.
    """
    wrong = predictions.predicted != predictions.labels
    rejected = confidence_of(predictions) < threshold
    return (2 * rejected + wrong).astype(np.int64)


def threshold_for(predictions: CheckedPredictions, accuracy: float) -> float | None:
    """The lowest threshold whose answered pictures reach an accuracy; None where no threshold does.

    The thresholds tried are the confidences of the pictures themselves: between two of them nothing changes.

    Args:
        predictions: of N pictures; N may be 0.
        accuracy: the wanted one, above 0 and at most 1.

    Raises:
        ConfigError: the accuracy is not such a number.
    """
    if not 0 < accuracy <= 1:
        raise ConfigError([f"The wanted accuracy is {accuracy!r}, but must be above 0 and at most 1."])
    confidence = confidence_of(predictions)
    order = np.argsort(-confidence, kind="stable")
    falling, right = confidence[order], (predictions.predicted == predictions.labels)[order]
    reached = np.cumsum(right) / np.arange(1, len(right) + 1) >= accuracy
    last_of_equals = np.append(falling[1:] != falling[:-1], True)[: len(falling)]
    found = np.flatnonzero(reached & last_of_equals)
    return float(falling[found[-1]]) if len(found) else None


def cross_fitted_answers(predictions: CheckedPredictions, accuracy: float) -> NDArray[np.bool_]:
    """Which pictures are answered, bool [N], when each of two `halves` gets the threshold fitted on the other one.

    A half whose other one never reaches the accuracy answers nothing.

    Raises:
        ConfigError: as `threshold_for`.
    """
    confidence, second = confidence_of(predictions), halves(predictions.labels)
    answered = np.zeros(len(confidence), dtype=np.bool_)
    for half in (second, ~second):
        threshold = threshold_for(part_of(predictions, ~half), accuracy)
        answered[half] = threshold is not None and confidence[half] >= threshold
    return answered
