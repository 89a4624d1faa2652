"""How far probabilities are from what happens, as four numbers; lower is better for each of them."""

from typing import NamedTuple

import numpy as np

from cifar_core.evaluate.calibration.bins import BINS, bin_of
from cifar_core.evaluate.calibration.shares import confidence_of, require_pictures
from cifar_core.evaluate.metrics import log_loss
from cifar_core.evaluate.predictions import CheckedPredictions, Floats


class CalibrationScores(NamedTuple):
    """The four numbers of one split."""

    nll: float  # mean of -ln p_y in nats, p_y below 1e-12 counting as 1e-12: `log_loss`
    brier: float  # 0 to 2
    ece: float  # 0 to 1
    mce: float  # 0 to 1


def calibration_scores(predictions: CheckedPredictions) -> CalibrationScores:
    """NLL, Brier score, ECE and MCE.

    Brier score: mean over the pictures of sum_k (p_k - [y = k])² (Brier 1950; for two classes it is twice the score of
    one class). ECE: sum over the 15 bins of `bin_of` of n_b/N |accuracy_b - mean confidence_b|; MCE: the largest of
    these differences over the bins that have pictures (Naeini et al. 2015, Guo et al. 2017); both of the most probable
    class alone.

    Raises:
        DataError: there are no pictures.
    """
    n, difference = bin_differences(require_pictures(predictions))
    means = np.divide(difference, n, out=np.zeros(BINS), where=n > 0)
    return CalibrationScores(
        nll=log_loss(predictions),
        brier=float(brier_of(predictions).mean()),
        ece=float(np.abs(difference).sum() / n.sum()),
        mce=float(np.abs(means).max()),
    )


def bin_differences(predictions: CheckedPredictions) -> tuple[Floats, Floats]:
    """Of each bin [15] its pictures, and the sum over them of (right - confidence)."""
    confidence = confidence_of(predictions)
    bins = bin_of(confidence)
    missed = (predictions.predicted == predictions.labels) - confidence
    n = np.bincount(bins, minlength=BINS).astype(np.float64)
    return n, np.bincount(bins, weights=missed, minlength=BINS).astype(np.float64)


def brier_of(predictions: CheckedPredictions) -> Floats:
    """The Brier score of each picture, float64 [N]."""
    parts = []
    for labels, probs in predictions.blocks():
        of_true = probs[np.arange(len(labels)), labels]
        parts.append(np.maximum((probs * probs).sum(axis=1) - 2 * of_true + 1, 0.0))
    return np.concatenate(parts)
