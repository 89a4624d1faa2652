"""Scores of single pictures: formulas, ranges and ties."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional

from cifar_core.evaluate import (
    LOSS_CLIP,
    confidence,
    entropy,
    margin,
    predicted_class,
    sample_loss,
    sample_scores,
    true_rank,
)


def predictions(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, classes, count), rng.dirichlet(np.full(classes, 0.3), count)


@given(st.integers(1, 30), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_scores_equal_their_formulas(count: int, classes: int, seed: int) -> None:
    labels, probs = predictions(count, classes, seed)
    ordered = -np.sort(-probs, axis=1)
    assert confidence(probs) == pytest.approx(ordered[:, 0])
    assert margin(probs) == pytest.approx(ordered[:, 0] - ordered[:, 1])
    assert entropy(probs) == pytest.approx(stats.entropy(probs, axis=1), abs=1e-12)
    clipped = np.clip(probs, LOSS_CLIP, None)
    each = functional.nll_loss(torch.tensor(clipped).log(), torch.tensor(labels), reduction="none")
    assert sample_loss(labels, probs) == pytest.approx(each.numpy(), abs=1e-9)
    ranks = [
        1 + sorted(range(classes), key=lambda k: (-row[k], k)).index(label)
        for label, row in zip(labels, probs, strict=True)
    ]
    assert true_rank(labels, probs).tolist() == ranks


@given(st.integers(0, 30), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_ranges_and_all_scores_together(count: int, classes: int, seed: int) -> None:
    labels, probs = predictions(count, classes, seed)
    scores = sample_scores(labels, probs)
    assert ((scores.confidence >= 1 / classes - 1e-12) & (scores.confidence <= 1)).all()
    assert ((scores.margin >= 0) & (scores.margin <= 1)).all()
    assert ((scores.entropy >= 0) & (scores.entropy <= math.log(classes) + 1e-12)).all()
    assert ((scores.loss >= 0) & (scores.loss <= -math.log(LOSS_CLIP))).all()
    assert (scores.true_rank == 1).tolist() == (scores.predicted == labels).tolist()
    single = {
        "confidence": confidence(probs),
        "margin": margin(probs),
        "entropy": entropy(probs),
        "loss": sample_loss(labels, probs),
        "predicted": predicted_class(probs),
        "true_rank": true_rank(labels, probs),
    }
    for name, values in single.items():
        assert getattr(scores, name).tolist() == values.tolist()


def test_ties_go_to_the_lowest_index() -> None:
    probs = np.array([[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]])
    assert predicted_class(probs).tolist() == [0, 1, 0]
    assert true_rank([1, 2, 2], probs).tolist() == [2, 2, 3]
    assert margin(probs).tolist() == [0, 0, 0]


def test_certain_predictions_have_no_negative_zeros() -> None:
    scores = sample_scores([0, 1], [[1.0, 0.0], [0.0, 1.0]])
    for values in (scores.loss, scores.entropy):
        assert [str(value) for value in values] == ["0.0", "0.0"]


def test_float32_softmax_slightly_above_one_is_clipped() -> None:
    probs = np.array([[np.float32(1.0000001), 0.0]], dtype=np.float32)
    assert confidence(probs).tolist() == [1.0]
