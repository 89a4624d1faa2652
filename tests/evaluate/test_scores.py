"""Scores of single pictures: formulas, bounds and ties; and that their table is told in docs/ARCHITECTURE.md."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from torch.nn import functional

from cifar_core.evaluate import SCORES, CheckedPredictions, Score, sample_scores
from cifar_core.evaluate.scores import LOSS_CLIP
from tests.score_glossary import DOCUMENT, refreshed


def random_predictions(count: int, classes: int, seed: int) -> CheckedPredictions:
    rng = np.random.default_rng(seed)
    return checked(rng.integers(0, classes, count), rng.dirichlet(np.full(classes, 0.3), count))


def checked(labels: list[int] | np.ndarray, probs: list[list[float]] | np.ndarray) -> CheckedPredictions:
    return CheckedPredictions(np.array(labels), np.array(probs), tuple(map(str, range(np.shape(probs)[1]))))


@given(st.integers(1, 30), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_scores_equal_their_formulas(count: int, classes: int, seed: int) -> None:
    predictions = random_predictions(count, classes, seed)
    labels, probs, scores = predictions.labels, predictions.probs, sample_scores(predictions)
    ordered = -np.sort(-probs, axis=1)
    assert scores["confidence"] == pytest.approx(ordered[:, 0])
    assert scores["margin"] == pytest.approx(ordered[:, 0] - ordered[:, 1])
    assert scores["entropy"] == pytest.approx(stats.entropy(probs, axis=1), abs=1e-12)
    assert scores["p_true"].tolist() == [row[label] for label, row in zip(labels, probs, strict=True)]
    clipped = np.clip(probs, LOSS_CLIP, None)
    each = functional.nll_loss(torch.tensor(clipped).log(), torch.tensor(labels), reduction="none")
    assert scores["loss"] == pytest.approx(each.numpy(), abs=1e-9)
    ranks = [
        1 + sorted(range(classes), key=lambda k: (-row[k], k)).index(label)
        for label, row in zip(labels, probs, strict=True)
    ]
    assert scores["true_rank"].tolist() == ranks
    assert (scores["true_rank"] == 1).tolist() == (predictions.predicted == labels).tolist()


@given(st.integers(0, 30), st.integers(2, 12), st.integers(0, 2**32 - 1))
def test_every_score_is_within_its_bounds(count: int, classes: int, seed: int) -> None:
    scores = sample_scores(random_predictions(count, classes, seed))
    assert list(scores) == list(SCORES)
    for name, values in scores.items():
        low, high = SCORES[name].bounds(classes)
        assert len(values) == count
        assert ((values >= low - 1e-12) & (values <= high + 1e-12)).all(), name


@pytest.mark.parametrize("score", SCORES.values(), ids=list(SCORES))
def test_every_entry_is_complete(score: Score) -> None:
    assert score.title and score.plain and score.formula and score.help.endswith(".")
    assert bool(score.sort_title) == bool(score.order), "a sort needs a title and an order"


def test_ties_go_to_the_lowest_index() -> None:
    probs = [[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [1 / 3, 1 / 3, 1 / 3]]
    predictions = checked([1, 2, 2], probs)
    assert predictions.predicted.tolist() == [0, 1, 0]
    scores = sample_scores(predictions)
    assert scores["true_rank"].tolist() == [2, 2, 3]
    assert scores["margin"].tolist() == [0, 0, 0]


def test_certain_predictions_have_no_negative_zeros() -> None:
    scores = sample_scores(checked([0, 1], [[1.0, 0.0], [0.0, 1.0]]))
    for name in ("loss", "entropy"):
        assert [str(value) for value in scores[name]] == ["0.0", "0.0"]


def test_the_glossary_tells_the_table() -> None:
    document = DOCUMENT.read_text("utf-8")
    assert "| `true_rank` | Rank of the true class |" in document
    assert refreshed(document) == document, "python -m tests.score_glossary writes it anew"
