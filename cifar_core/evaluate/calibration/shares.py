"""Shares of several groups at once, each with its interval; and the confidence of predictions."""

import numpy as np

from cifar_core.errors import DataError
from cifar_core.evaluate.metrics import wilson_interval
from cifar_core.evaluate.predictions import CheckedPredictions, Floats, Ints


def shares(right: Ints, n: Ints) -> tuple[Floats, Floats, Floats]:
    """`right` [G] of `n` [G] as shares, with the bounds of their Wilson intervals (95 %); NaN where n is 0.

    Returns:
        share, low and high, each [G].
    """
    bounds = [wilson_interval(int(count), int(total)) for count, total in zip(right, n, strict=True)]
    low, high = np.array(bounds, dtype=np.float64).reshape(-1, 2).T
    empty = n == 0
    share = np.divide(right, n, out=np.full(len(n), np.nan), where=~empty)
    return share, np.where(empty, np.nan, low), np.where(empty, np.nan, high)


def confidence_of(predictions: CheckedPredictions) -> Floats:
    """The highest probability of each picture, float64 [N] within 0..1."""
    return np.concatenate([probs.max(axis=1) for _, probs in predictions.blocks()])


def require_pictures(predictions: CheckedPredictions) -> CheckedPredictions:
    """The predictions themselves.

    Raises:
        DataError: they have no pictures.
    """
    if len(predictions.labels) == 0:
        raise DataError("There are no pictures to measure.")
    return predictions
