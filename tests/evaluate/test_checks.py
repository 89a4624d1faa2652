"""Input validation: each invalid input gives one sentence."""

import numpy as np
import pytest

from cifar_core.errors import DataError
from cifar_core.evaluate import CheckedPredictions, ConfusionMatrix, check_class_names, check_probs
from cifar_core.evaluate.checks import check_predictions

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
    assert (labels.dtype, probs.dtype) == (np.int64, np.float32)
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
        ConfusionMatrix(matrix, ("a", "b"))


def test_a_matrix_has_a_name_for_each_class() -> None:
    with pytest.raises(DataError, match="3 class names for 2 classes"):
        ConfusionMatrix(np.eye(2, dtype=int), ("a", "b", "c"))


@pytest.mark.parametrize(
    ("labels", "probs", "names", "message"),
    [
        ([0, 2], GOOD, "ab", "has label 2"),
        ([0, 1], GOOD * 2, "ab", "outside 0 to 1"),
        ([0, 1], GOOD, "aa", "given twice"),
        ([0, 1], GOOD, "abc", "3 class names"),
    ],
)
def test_predictions_are_checked_when_they_are_made(
    labels: list[int], probs: np.ndarray, names: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        CheckedPredictions(labels, probs, tuple(names))


def test_of_many_predictions_the_faulty_one_is_named_and_every_one_is_in_a_block() -> None:
    labels, probs = np.arange(5000) % 1000, np.full((5000, 1000), 1e-3, np.float32)
    whole = CheckedPredictions(labels, probs, tuple(map(str, range(1000))))
    blocks = list(whole.blocks())
    assert len(blocks) > 1 and np.concatenate([some for some, _ in blocks]).tolist() == labels.tolist()
    probs[4321, 7] = np.nan
    with pytest.raises(DataError, match="Picture number 4321 "):
        check_predictions(labels, probs)


def test_probabilities_that_rounding_took_out_of_0_to_1_are_clipped() -> None:
    rounded = CheckedPredictions([0], np.array([[1.0000001, -1e-8]], np.float32), ("a", "b"))
    assert [probs.tolist() for _, probs in rounded.blocks()] == [[[1.0, 0.0]]]
