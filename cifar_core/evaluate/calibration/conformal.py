"""Conformal sets: instead of one class, all classes that a picture may be, with a promised share of pictures in theirs.

Split conformal prediction with the score 1 - p_y (Sadinle, Lei and Wasserman 2019; Angelopoulos and Bates 2023): where
fitted and measured pictures are alike (exchangeable), the set of a new picture holds its true class with a probability
of at least the wanted coverage. This is promised over all pictures together, not for each class.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate.calibration.shares import shares
from cifar_core.evaluate.calibration.temperature import halves, part_of
from cifar_core.evaluate.checks import row_blocks
from cifar_core.evaluate.predictions import CheckedPredictions

ALL_CLASSES = "all classes"
SET_COVERAGE = 0.9  # that sets of classes are asked for
_ROUNDING = 1e-9  # (n + 1) x 0.9 may lie above the whole number that it is


def conformal_quantile(predictions: CheckedPredictions, coverage: float) -> float:
    """The score that the classes of a set may have at most: the ceil((n + 1) coverage)-th smallest of 1 - p_y.

    1, which lets every class in, where there are too few pictures for such a one (N may be 0).

    Args:
        predictions: of the n pictures that it is fitted on.
        coverage: the share of pictures whose set shall hold their true class, between 0 and 1.

    Raises:
        ConfigError: the coverage is not such a number.
    """
    if not 0 < coverage < 1:
        raise ConfigError([f"The wanted coverage is {coverage!r}, but must lie between 0 and 1."])
    scores = np.concatenate([1 - probs[np.arange(len(labels)), labels] for labels, probs in predictions.blocks()])
    place = math.ceil((len(scores) + 1) * coverage - _ROUNDING)
    return float(np.partition(scores, place - 1)[place - 1]) if place <= len(scores) else 1.0


def conformal_sets(probs: NDArray[Any], quantile: float) -> NDArray[np.bool_]:
    """Which classes the set of each picture holds: those with 1 - p at most the quantile, bool [N, K].

    A set may be empty: then no class is probable enough, and the picture is unlike those that were fitted on.
    """
    sets = np.empty(probs.shape, dtype=np.bool_)
    for part in row_blocks(probs):
        sets[part] = 1 - np.clip(probs[part].astype(np.float64), 0.0, 1.0) <= quantile
    return sets


def cross_fitted_sets(predictions: CheckedPredictions, coverage: float) -> NDArray[np.bool_]:
    """The sets bool [N, K] of two `halves`, each with the quantile fitted on the other one.

    Raises:
        ConfigError: as `conformal_quantile`.
    """
    sets = np.empty(predictions.probs.shape, dtype=np.bool_)
    second = halves(predictions.labels)
    for half in (second, ~second):
        sets[half] = conformal_sets(predictions.probs[half], conformal_quantile(part_of(predictions, ~half), coverage))
    return sets


class FittedSets(NamedTuple):
    """Conformal sets, and what they were fitted on."""

    sets: NDArray[np.bool_]  # [N, K]
    quantile: float  # fitted on the whole of `fitted_on`
    fitted_on: CheckedPredictions


def fitted_sets(measured: CheckedPredictions, fitting: CheckedPredictions | None = None) -> FittedSets:
    """The sets for `SET_COVERAGE`, with the quantile that was fitted on others, such as those of the validation part.

    Without others it is fitted on these themselves, and the sets are `cross_fitted_sets`.
    """
    fitted_on = measured if fitting is None else fitting
    quantile = conformal_quantile(fitted_on, SET_COVERAGE)
    if fitting is None:
        return FittedSets(cross_fitted_sets(measured, SET_COVERAGE), quantile, fitted_on)
    return FittedSets(conformal_sets(measured.probs, quantile), quantile, fitted_on)


def conformal_table(sets: NDArray[np.bool_], predictions: CheckedPredictions) -> pd.DataFrame:
    """How often the sets hold the true class, one row per true class in class order and a last one for all.

    Returns:
        columns `class`, `n` (its pictures), `covered` (whose set holds it), `coverage` (their share) with its Wilson
        interval `low`, `high`, `mean_size` (classes in a set), `empty` (pictures whose set has none); NaN where a class
        has no pictures.

    Raises:
        DataError: the sets are not of these pictures and classes.
    """
    if sets.shape != predictions.probs.shape:
        raise DataError(f"The sets have shape {list(sets.shape)}, but the predictions {list(predictions.probs.shape)}.")
    labels, classes = predictions.labels, len(predictions.class_names)
    covered, size = sets[np.arange(len(labels)), labels], sets.sum(axis=1)

    def each_and_all(values: NDArray[Any]) -> NDArray[np.int64]:
        of_class = np.bincount(labels, weights=values, minlength=classes).astype(np.int64)
        return np.append(of_class, of_class.sum())

    n, count = each_and_all(np.ones(len(labels))), each_and_all(covered)
    coverage, low, high = shares(count, n)
    mean_size = np.divide(each_and_all(size), n, out=np.full(len(n), np.nan), where=n > 0)
    columns = {"class": [*predictions.class_names, ALL_CLASSES], "n": n, "covered": count, "coverage": coverage}
    more = {"low": low, "high": high, "mean_size": mean_size, "empty": each_and_all(size == 0)}
    return pd.DataFrame(columns | more)
