"""Predictions that the tests of calibration share: random ones and edge cases."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.evaluate.test_metrics import Example, checked, random_predictions

__all__ = ["CASES", "Example", "checked", "examples", "random_predictions", "sure"]


def sure(count: int, classes: int, seed: int) -> Example:
    """Labels and probabilities of a network that is right more often than not, and surer than it should be."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, count)
    logits = rng.normal(size=(count, classes)) * 3
    logits[np.arange(count), labels] += 4
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return labels, powers / powers.sum(axis=1, keepdims=True)


def _on_edges(classes: int) -> Example:
    """Confidences on the edges of the bins, from 1/3 to 1."""
    confidences = np.repeat(np.arange(5, 16) / 15, 4)
    rest = np.repeat(((1 - confidences) / (classes - 1))[:, None], classes - 1, axis=1)
    return np.arange(len(confidences)) % 2, np.hstack([confidences[:, None], rest])


def _edge_cases() -> dict[str, Example]:
    labels, probs = sure(60, 4, 1)
    predicted = probs.argmax(axis=1)
    zeros = np.where(probs < 0.05, 0, probs)
    return {
        "sure": sure(2000, 10, 0),
        "sure float32": (labels, probs.astype(np.float32)),
        "ties": random_predictions(200, 5, 2, coarse=True),
        "all tie": (labels, np.full((60, 4), 0.25)),
        "zeros": (labels, zeros / zeros.sum(axis=1, keepdims=True)),
        "exactly 1": (labels, np.eye(4)[np.where(np.arange(60) % 3 == 0, (labels + 1) % 4, labels)]),
        "on the edges of bins": _on_edges(4),
        "a class without pictures": (np.where(labels == 1, 0, labels), probs),
        "one picture": (labels[:1], probs[:1]),
        "one picture, exactly 1": (np.array([2]), np.eye(4)[[2]]),
        "all right": (predicted, probs),
        "all wrong": ((predicted + 1) % 4, probs),
        "two classes": sure(80, 2, 3),
    }


CASES = _edge_cases()


@st.composite
def examples(draw: st.DrawFn) -> Example:
    """Any predictions, with ties and zeros."""
    count, classes, seed = draw(st.integers(1, 40)), draw(st.integers(2, 8)), draw(st.integers(0, 2**32 - 1))
    make: Any = draw(st.sampled_from([sure, random_predictions]))
    return make(count, classes, seed) if make is sure else make(count, classes, seed, coarse=draw(st.booleans()))
