"""Input validation: each invalid input gives one sentence."""

import numpy as np
import pytest

from cifar_core.errors import DataError
from cifar_core.evaluate import check_class_names, check_matrix, check_predictions, check_probs

GOOD = np.array([[0.5, 0.5], [0.1, 0.9]])


@pytest.mark.parametrize(
    ("probs", "message"),
    [
        (np.zeros(3), r"shape \[pictures, classes >= 2\], but have \[3\]"),
        (np.ones((2, 1)), r"classes >= 2"),
        (np.array([["a", "b"]]), "must be numbers"),
        (np.array([[0.5, 0.5], [np.nan, 1]]), "Picture number 1 has a probability that is not a number"),
        (np.array([[np.inf, 0]]), "not a number"),
        (np.array([[2.0, -1.0]]), "outside 0 to 1: give softmax outputs, not logits"),
        (np.array([[0.5, 0.4]]), "add up to 0.9, expected 1"),
    ],
)
def test_broken_probs(probs: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_probs(probs)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0], "1 labels but probabilities of 2 pictures"),
        ([[0], [1]], "list of class numbers"),
        ([0.0, 1.0], "whole numbers"),
        ([True, False], "whole numbers"),
        (["0", "1"], "whole numbers"),
        ([0, 2], "Picture number 1 has label 2, expected 0 to 1"),
        ([-1, 0], "Picture number 0 has label -1"),
    ],
)
def test_broken_labels(labels: list, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_predictions(labels, GOOD)


def test_good_input_comes_back_in_one_type() -> None:
    labels, probs = check_predictions(np.array([0, 1], dtype=np.uint8), GOOD.astype(np.float32))
    assert (labels.dtype, probs.dtype) == (np.int64, np.float64)
    nothing, none = check_predictions([], np.zeros((0, 4)))
    assert (len(nothing), none.shape) == (0, (0, 4))
    check_predictions([0], [[0.5004, 0.5004]])  # half-precision rounding is no mistake


@pytest.mark.parametrize(
    ("names", "message"), [("a", "1 class names for 2 classes"), ("abc", "3 class names"), ("aa", "'a' is given twice")]
)
def test_broken_class_names(names: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_class_names(names, 2)


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((2, 3), dtype=int), "must be square"),
        (np.zeros((1, 1), dtype=int), "2 classes or more"),
        (np.full((2, 2), 0.5), "whole numbers"),
        (np.full((2, 2), -1), "whole numbers"),
    ],
)
def test_broken_matrix(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(DataError, match=message):
        check_matrix(matrix)
