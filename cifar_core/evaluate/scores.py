"""Scores of single pictures, under the standard names of the field.

In the formulas, p are the probabilities of the picture, y is its label and c = max p. Scores are computed in float64.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cifar_core.evaluate.checks import check_predictions, check_probs, checked_blocks
from cifar_core.train import LOSS_CLIP

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Scores:
    """All scores of N pictures, an array [N] each."""

    predicted: Ints  # class with the highest probability, the lowest index on a tie
    confidence: Floats  # c, probability of the predicted class
    p_true: Floats  # p_y
    loss: Floats  # -ln p_y, 0..27.6
    margin: Floats  # highest minus second highest probability, 0..1
    entropy: Floats  # natural logarithm, 0..ln K
    true_rank: Ints  # 1 = the true class is the prediction


def predicted_class(probs: ArrayLike) -> Ints:
    """The predicted class [N]: the most probable one, the lowest index where several tie (as `numpy.argmax`).

    Raises:
        DataError: the probabilities are invalid (see `check_probs`).
    """
    return _predicted(check_probs(probs))


def confidence(probs: ArrayLike) -> Floats:
    """Confidence c = max p [N], 1/K..1.

    Raises:
        DataError: the probabilities are invalid.
    """
    return check_probs(probs).max(axis=1)


def margin(probs: ArrayLike) -> Floats:
    """Margin [N]: highest minus second highest probability, 0 (a tie) to 1, as in uncertainty sampling.

    Raises:
        DataError: the probabilities are invalid.
    """
    return _margin(check_probs(probs))


def entropy(probs: ArrayLike) -> Floats:
    """Entropy H(p) = -sum p ln p [N], 0 (certain) to ln K (uniform); "hardness" in fiftyone-brain. 0 ln 0 counts as 0.

    Raises:
        DataError: the probabilities are invalid.
    """
    return _entropy(check_probs(probs))


def sample_loss(labels: ArrayLike, probs: ArrayLike) -> Floats:
    """Loss of each picture, -ln p_y [N] (cross-entropy; "top losses" of fastai). p_y below 1e-12 counts as 1e-12.

    Raises:
        DataError: the labels or probabilities are invalid.
    """
    return _loss(_p_true(*check_predictions(labels, probs)))


def true_rank(labels: ArrayLike, probs: ArrayLike) -> Ints:
    """Rank of the true class [N] by probability: 1 = it is the predicted class; on a tie lower indices come first.

    Raises:
        DataError: the labels or probabilities are invalid.
    """
    return _true_rank(*check_predictions(labels, probs))


def sample_scores(labels: ArrayLike, probs: ArrayLike) -> Scores:
    """All scores at once; the arguments are checked once.

    Raises:
        DataError: the labels or probabilities are invalid.
    """
    blocks = [_scores(*block) for block in checked_blocks(labels, probs)]
    return Scores(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))


def _scores(labels: Ints, probs: Floats) -> tuple[NDArray[Any], ...]:
    """The fields of `Scores`, in their order."""
    p_true = _p_true(labels, probs)
    return (
        _predicted(probs),
        probs.max(axis=1),
        p_true,
        _loss(p_true),
        _margin(probs),
        _entropy(probs),
        _true_rank(labels, probs),
    )


def _predicted(probs: Floats) -> Ints:
    return probs.argmax(axis=1).astype(np.int64)


def _p_true(labels: Ints, probs: Floats) -> Floats:
    return probs[np.arange(len(labels)), labels]


def _loss(p_true: Floats) -> Floats:
    return -np.log(np.clip(p_true, LOSS_CLIP, 1.0)) + 0.0  # + 0.0 turns -0.0 (p = 1) into 0.0


def _margin(probs: Floats) -> Floats:
    best_two = np.partition(probs, -2, axis=1)[:, -2:]
    return best_two[:, 1] - best_two[:, 0]


def _entropy(probs: Floats) -> Floats:
    logarithms = np.log(probs, out=np.zeros_like(probs), where=probs > 0)
    return np.maximum(-(probs * logarithms).sum(axis=1), 0.0)


def _true_rank(labels: Ints, probs: Floats) -> Ints:
    p_true = _p_true(labels, probs)[:, None]
    before = np.arange(probs.shape[1]) < labels[:, None]  # [N, K]: classes that win a tie against the true one
    return 1 + ((probs > p_true) | ((probs == p_true) & before)).sum(axis=1)
