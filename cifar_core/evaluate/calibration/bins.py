"""The pictures in bins of their confidence: what a reliability diagram shows, and what it says in one sentence."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cifar_core.evaluate.calibration.shares import confidence_of, require_pictures, shares
from cifar_core.evaluate.predictions import CheckedPredictions, Ints
from cifar_core.text import counted, times_in_100

BINS = 15
_EDGES = np.arange(BINS + 1) / BINS
_SAID = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # confidences that a sentence may speak of, within 0.05
_ALMOST_SURE = 0.95
_ENOUGH = 30  # pictures, for a sentence about 90 %, and for a gap that is more than chance


def bin_of(confidence: ArrayLike) -> Ints:
    """The bin of each confidence (0..1), int64 [N]: bin b covers [b/15, (b+1)/15), and the last one 1.0 too.

    Compared in float32, as predictions are stored, so that 0.2 lies in [0.2, 0.2667) however it was computed. The bins
    of Guo et al. 2017 and of torchmetrics' `MulticlassCalibrationError`, but that torchmetrics puts a confidence of
    exactly 1.0 into a sixteenth bin of its own, and has a few edges that are off by the last digit of a float32.
    """
    edges = _EDGES.astype(np.float32)
    found = np.searchsorted(edges, np.asarray(confidence).astype(np.float32), side="right") - 1
    return np.clip(found, 0, BINS - 1).astype(np.int64)


def reliability_table(predictions: CheckedPredictions) -> pd.DataFrame:
    """The bins of the confidence, one row each from 0 to 1; N may be 0.

    Returns:
        columns `low`, `high` (bounds of the bin), `n` (its pictures), `right` (count), `confidence` (their mean),
        `accuracy` with its Wilson interval `accuracy_low`, `accuracy_high`, and `gap` (accuracy - confidence:
        negative where the network is surer than it should be). NaN where a bin has no pictures.
    """
    confidence = confidence_of(predictions)
    bins = bin_of(confidence)
    n = np.bincount(bins, minlength=BINS)
    right = np.bincount(bins[predictions.predicted == predictions.labels], minlength=BINS)
    total = np.bincount(bins, weights=confidence, minlength=BINS)
    mean = np.divide(total, n, out=np.full(BINS, np.nan), where=n > 0)
    accuracy, low, high = shares(right, n)
    return pd.DataFrame(
        {
            "low": _EDGES[:-1],
            "high": _EDGES[1:],
            "n": n,
            "right": right,
            "confidence": mean,
            "accuracy": accuracy,
            "accuracy_low": low,
            "accuracy_high": high,
            "gap": accuracy - mean,
        }
    )


def trust_sentence(predictions: CheckedPredictions) -> str:
    """What the confidence is worth: `When it says about 90 % (85 to 95 %), it is right 76 times in 100 (n = 412).`

    It speaks of the pictures whose confidence is 85 to 95 %. Where these are fewer than 30, it speaks of the confidence
    (80 %, 70 %, ..., or 95 % and more) that most pictures have.

    Raises:
        DataError: there are no pictures.
    """
    confidence = confidence_of(require_pictures(predictions))
    right = predictions.predicted == predictions.labels
    groups = {
        f"about {100 * said:.0f} % ({100 * said - 5:.0f} to {100 * said + 5:.0f} %)": _near(confidence, said)
        for said in _SAID
    }
    first = next(iter(groups))
    groups["95 % or more"] = confidence >= _ALMOST_SURE
    most = max(groups, key=lambda words: int(groups[words].sum()))
    words = first if groups[first].sum() >= _ENOUGH else most
    n = int(groups[words].sum())
    return f"When it says {words}, it is right {times_in_100(int(right[groups[words]].sum()), n)} (n = {n:,})."


def widest_gap(table: pd.DataFrame) -> "pd.Series[float]":
    """The row of a `reliability_table` whose accuracy and confidence differ most: this gap is the MCE."""
    filled = table[table["n"] > 0]
    return filled.iloc[filled["gap"].abs().to_numpy().argmax()]


def explain_mce(before: pd.DataFrame, after: pd.DataFrame) -> str:
    """A sentence where one of two MCE, before and after temperature scaling, is that of a few pictures; else empty.

    Args:
        before, after: of `reliability_table`, each with pictures.
    """
    few = [int(widest_gap(table)["n"]) for table in (before, after)]
    if min(few) >= _ENOUGH:
        return ""
    return (
        f"The MCE is the gap of one bin, of {counted(few[0], 'picture')} before scaling and "
        f"{few[1]:,} after it: few pictures can have a wide gap by chance."
    )


def _near(confidence: np.ndarray, said: float) -> np.ndarray:
    """Which confidences lie within 0.05 of the one that is said, the upper end left out."""
    return (confidence >= round(said - 0.05, 2)) & (confidence < round(said + 0.05, 2))
