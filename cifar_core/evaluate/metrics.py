"""Metrics of a whole split. Each equals scikit-learn's function of the same meaning but where it says otherwise."""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate.confusion import ConfusionMatrix, share
from cifar_core.evaluate.predictions import CheckedPredictions
from cifar_core.evaluate.scores import sample_scores
from cifar_core.text import first_names, no_pictures

_AVERAGED = ("precision", "recall", "f1")  # columns of a class report


def accuracy(predictions: CheckedPredictions) -> float:
    """Share of pictures whose predicted class is the true one, 0..1.

    Raises:
        DataError: there are no pictures.
    """
    return float(_require_pictures(predictions.predicted == predictions.labels).mean())


def top_k_accuracy(predictions: CheckedPredictions, k: int) -> float:
    """Share of pictures whose true class is among the `k` most probable, 0..1; lower indices win ties.

    Raises:
        ConfigError: `k` is not 1..K.
        DataError: there are no pictures.
    """
    classes = len(predictions.class_names)
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= classes:
        raise ConfigError([f"k is {k!r}, but must be a whole number from 1 to {classes}."])
    return float((_require_pictures(sample_scores(predictions)["true_rank"]) <= k).mean())


def log_loss(predictions: CheckedPredictions) -> float:
    """Mean of -ln p_y over the pictures (cross-entropy in nats); p_y below 1e-12 counts as 1e-12.

    Raises:
        DataError: there are no pictures.
    """
    return float(_require_pictures(sample_scores(predictions)["loss"]).mean())


def class_report(matrix: ConfusionMatrix) -> pd.DataFrame:
    """Precision, recall and F1 of each class, one row per class in class order.

    Returns:
        columns `class`, `precision` (share of the pictures predicted as the class that belong to it), `recall` (share
        of the pictures of the class that are predicted as it), `f1` (their harmonic mean), `support` (pictures of the
        class), `predicted` (pictures predicted as it), `recall_low` and `recall_high` (`wilson_interval` of the
        recall). A class that is never predicted has no precision, and one without pictures no recall and no F1: these
        are NaN, as with scikit-learn's `zero_division=np.nan`. That function gives an F1 of 0 to a class without
        pictures that is predicted, which would say that the network fails at it.
    """
    counts = matrix.counts
    right, support, predicted = counts.diagonal(), counts.sum(axis=1), counts.sum(axis=0)
    intervals = [wilson_interval(int(count), int(total)) for count, total in zip(right, support, strict=True)]
    absent = support == 0
    low, high = np.where(absent, np.nan, np.array(intervals).T)
    return pd.DataFrame(
        {
            "class": matrix.class_names,
            "precision": share(right, predicted),
            "recall": share(right, support),
            "f1": np.where(absent, np.nan, share(2 * right, support + predicted)),
            "support": support,
            "predicted": predicted,
            "recall_low": low,
            "recall_high": high,
        }
    )


def averages(report: pd.DataFrame) -> pd.DataFrame:
    """Averages of a class report, each over the classes whose score is defined (`explain_averages` says which).

    Args:
        report: of `class_report`.

    Returns:
        rows `macro` (these classes have the same weight) and `weighted` (by the number of their pictures); columns
        `precision`, `recall`, `f1`. NaN where no score is defined, and where those that are weigh nothing.
    """
    scores = report[list(_AVERAGED)]
    weights = scores.notna().mul(report["support"], axis=0)
    weighted = scores.mul(report["support"], axis=0).sum() / weights.sum().replace(0, np.nan)
    return pd.DataFrame({"macro": scores.mean(), "weighted": weighted}).T


def explain_averages(report: pd.DataFrame, split: str) -> str:
    """Over which classes the averages are, in a sentence or two; empty where they are over all of them.

    Args:
        report: of `class_report`.
        split: the part that was measured.
    """
    unpredicted, absent = (list(report["class"][report[column] == 0]) for column in ("predicted", "support"))
    sentences = []
    for scores, names, reason in (
        ("precision", unpredicted, f"{first_names(unpredicted)} {_are(unpredicted)} never predicted"),
        ("recall and F1", absent, f"there are {no_pictures(split)} of {first_names(absent)}"),
    ):
        if names:
            sentences.append(
                f"Averages of {scores} are over {len(report) - len(names)} of {len(report)} classes: {reason}."
            )
    return " ".join(sentences)


def _are(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


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


def _require_pictures(values: NDArray[Any]) -> NDArray[Any]:
    """The values themselves; DataError if there are none."""
    if len(values) == 0:
        raise DataError("There are no pictures to measure.")
    return values
