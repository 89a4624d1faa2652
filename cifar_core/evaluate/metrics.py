"""Metrics of a whole split. Each equals scikit-learn's function of the same meaning, as the tests check."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate.checks import check_class_names, check_matrix, checked_blocks
from cifar_core.evaluate.scores import sample_loss, true_rank

Normalisation = Literal["count", "true", "predicted"]


def confusion_matrix(labels: ArrayLike, probs: ArrayLike) -> NDArray[np.int64]:
    """Counts [K, K]: row = true class, column = predicted class; all 0 without pictures.

    Raises:
        DataError: the labels or probabilities are invalid.
    """
    matrix: NDArray[np.int64] | int = 0
    for some_labels, some_probs in checked_blocks(labels, probs):
        classes = some_probs.shape[1]
        cells = some_labels * classes + some_probs.argmax(axis=1)
        matrix = matrix + np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    return np.asarray(matrix, np.int64)


def accuracy(labels: ArrayLike, probs: ArrayLike) -> float:
    """Share of pictures whose predicted class is the true one, 0..1.

    Raises:
        DataError: the labels or probabilities are invalid, or there are no pictures.
    """
    return top_k_accuracy(labels, probs, 1)


def top_k_accuracy(labels: ArrayLike, probs: ArrayLike, k: int) -> float:
    """Share of pictures whose true class is among the `k` most probable, 0..1; lower indices win ties.

    Raises:
        ConfigError: `k` is not 1..K.
        DataError: the labels or probabilities are invalid, or there are no pictures.
    """
    ranks = _require_pictures(true_rank(labels, probs))
    classes = np.asarray(probs).shape[1]
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= classes:
        raise ConfigError([f"k is {k!r}, but must be a whole number from 1 to {classes}."])
    return float((ranks <= k).mean())


def log_loss(labels: ArrayLike, probs: ArrayLike) -> float:
    """Mean of -ln p_y over the pictures (cross-entropy in nats); p_y below 1e-12 counts as 1e-12.

    Raises:
        DataError: the labels or probabilities are invalid, or there are no pictures.
    """
    return float(_require_pictures(sample_loss(labels, probs)).mean())


def class_report(labels: ArrayLike, probs: ArrayLike, class_names: Sequence[str]) -> pd.DataFrame:
    """Precision, recall and F1 of each class, one row per class in class order.

    Returns:
        columns `class`, `precision` (share of the pictures predicted as the class that belong to it), `recall` (share
        of the pictures of the class that are predicted as it), `f1` (their harmonic mean), `support` (pictures of the
        class), `predicted` (pictures predicted as it), `recall_low` and `recall_high` (`wilson_interval` of the
        recall). 0 / 0 counts as 0, as with scikit-learn's `zero_division=0`.

    Raises:
        DataError: the labels, probabilities or class names are invalid.
    """
    matrix = confusion_matrix(labels, probs)
    names = check_class_names(class_names, len(matrix))
    right, support, predicted = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    intervals = [wilson_interval(int(count), int(total)) for count, total in zip(right, support, strict=True)]
    low, high = zip(*intervals, strict=True) if intervals else ((), ())
    return pd.DataFrame(
        {
            "class": names,
            "precision": _share(right, predicted),
            "recall": _share(right, support),
            "f1": _share(2 * right, support + predicted),
            "support": support,
            "predicted": predicted,
            "recall_low": np.array(low, np.float64),
            "recall_high": np.array(high, np.float64),
        }
    )


def averages(labels: ArrayLike, probs: ArrayLike) -> pd.DataFrame:
    """Averages of the class report over all K classes, also those without pictures (scikit-learn's `labels=range(K)`).

    Returns:
        rows `macro` (all classes have the same weight) and `weighted` (by the number of their pictures);
        columns `precision`, `recall`, `f1`. Without pictures all values are 0.

    Raises:
        DataError: the labels or probabilities are invalid.
    """
    classes = np.asarray(probs).shape[-1] if np.ndim(probs) == 2 else 0
    report = class_report(labels, probs, [str(index) for index in range(classes)])
    scores = report[["precision", "recall", "f1"]]
    weights = _share(report["support"].to_numpy(), np.full(len(report), max(1, report["support"].sum())))
    return pd.DataFrame({"macro": scores.mean(), "weighted": scores.mul(weights, axis=0).sum()}).T


def normalise_matrix(matrix: ArrayLike, by: Normalisation) -> NDArray[np.float64]:
    """A confusion matrix as shares.

    Args:
        matrix: counts [K, K].
        by: `count` (as it is), `true` (each row adds up to 1), `predicted` (each column adds up to 1); an empty row
            or column stays 0.

    Raises:
        ConfigError: another `by`.
        DataError: it is not a confusion matrix.
    """
    counts = check_matrix(matrix)
    match by:
        case "count":
            return counts.astype(np.float64)
        case "true":
            return _share(counts, counts.sum(axis=1, keepdims=True))
        case "predicted":
            return _share(counts, counts.sum(axis=0, keepdims=True))
    raise ConfigError([f"A matrix is normalised by count, true or predicted, not by {by!r}."])


def wilson_interval(correct: int, total: int, *, level: float = 0.95) -> tuple[float, float]:
    """Wilson score interval, at confidence `level`, of a proportion such as an accuracy.

    (p + s²/2n ± s sqrt(p(1-p)/n + s²/4n²)) / (1 + s²/n) with p = correct/total, n = total, s = 1.96 for 95 %
    (Wilson 1927). Holds for few pictures and for shares of 0 or 1. A total of 0 gives (0, 1).

    Raises:
        ConfigError: not 0 <= correct <= total, or `level` not between 0 and 1.
    """
    if not 0 <= correct <= total:
        raise ConfigError([f"{correct} of {total} is not a share: expected 0 <= correct <= total."])
    if not 0 < level < 1:
        raise ConfigError([f"level is {level!r}, but must lie between 0 and 1."])
    if total == 0:
        return 0.0, 1.0
    s = NormalDist().inv_cdf(0.5 + level / 2)
    share = correct / total
    centre = share + s * s / (2 * total)
    half = s * math.sqrt(share * (1 - share) / total + s * s / (4 * total * total))
    scale = 1 + s * s / total
    low = 0.0 if correct == 0 else (centre - half) / scale  # exact at the ends, where rounding could pass 0 or 1
    high = 1.0 if correct == total else (centre + half) / scale
    return low, high


def _share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """part / whole, or 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros(np.broadcast_shapes(part.shape, whole.shape)), where=whole > 0)


def _require_pictures(values: NDArray[Any]) -> NDArray[Any]:
    """The values themselves; DataError if there are none."""
    if len(values) == 0:
        raise DataError("There are no pictures to measure.")
    return values
