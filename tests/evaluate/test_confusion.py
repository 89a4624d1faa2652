"""The most confused pairs and the description of a confusion matrix."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.errors import ConfigError
from cifar_core.evaluate import (
    ConfusionMatrix,
    explain_matrix,
    largest_confusion,
    most_confused,
    most_confused_classes,
)

NAMES = ("cat", "dog", "deer")
MATRIX = ConfusionMatrix(np.array([[90, 7, 3], [5, 80, 15], [0, 15, 85]]), NAMES)


def of_two(counts: np.ndarray) -> ConfusionMatrix:
    return ConfusionMatrix(counts, NAMES[:2])


def test_most_confused_lists_pairs_by_count() -> None:
    pairs = most_confused(MATRIX)
    assert pairs[["true", "predicted", "count", "reverse_count"]].to_numpy().tolist() == [
        ["dog", "deer", 15, 15],
        ["deer", "dog", 15, 15],
        ["cat", "dog", 7, 5],
        ["dog", "cat", 5, 7],
        ["cat", "deer", 3, 0],
    ]
    assert pairs["share_of_true"].tolist() == [0.15, 0.15, 0.07, 0.05, 0.03]
    assert pairs[["true_index", "predicted_index"]].to_numpy().tolist()[0] == [1, 2]


@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_most_confused_equals_fastai(seed: int, min_count: int) -> None:
    matrix = np.random.default_rng(seed).integers(0, 8, (5, 5))
    # fastai's interpret.py: the off-diagonal cells with at least min_val, sorted by count, descending and stable.
    cells = [(i, j, matrix[i, j]) for i in range(5) for j in range(5) if i != j and matrix[i, j] >= min_count]
    expected = sorted(cells, key=lambda cell: cell[2], reverse=True)
    pairs = most_confused(ConfusionMatrix(matrix, tuple("abcde")), min_count)
    assert [tuple(row) for row in pairs[["true_index", "predicted_index", "count"]].to_numpy()] == expected


def test_most_confused_without_mistakes() -> None:
    assert most_confused(of_two(np.diag([3, 4]))).empty
    with pytest.raises(ConfigError, match="1 or more"):
        most_confused(MATRIX, 0)


def test_the_headline_counts_both_directions_of_the_largest_pair() -> None:
    assert largest_confusion(MATRIX) == "dog and deer, taken for each other: 67 % of all mistakes"
    one_sided = ConfusionMatrix(np.array([[5, 9, 0], [4, 5, 0], [0, 5, 5]]), ("cat", "dog", "frog"))
    assert largest_confusion(one_sided) == "cat taken for dog: 50 % of all mistakes"
    one_way = ConfusionMatrix(np.array([[9, 0, 3], [1, 9, 0], [0, 0, 9]]), NAMES)
    assert largest_confusion(one_way) == "cat taken for deer: 75 % of all mistakes"
    assert largest_confusion(of_two(np.array([[5, 3], [1, 5]]))) == "cat taken for dog: 75 % of all mistakes"
    assert largest_confusion(of_two(np.diag([3, 4]))) == "No mistakes"
    assert largest_confusion(of_two(np.zeros((2, 2), dtype=int))) == "No pictures"


def test_the_most_confused_classes_have_the_most_mistakes_either_way() -> None:
    assert most_confused_classes(MATRIX, 2) == [1, 2]
    assert most_confused_classes(MATRIX, 9) == [0, 1, 2]
    counts = np.diag([100, 0, 0, 0])
    counts[3, 2] = counts[0, 3] = 5
    matrix = ConfusionMatrix(counts, tuple("abcd"))
    assert most_confused_classes(matrix, 1) == [3], "once as true, once as predicted class"
    assert most_confused_classes(matrix, 2) == [0, 3], "ties go to the earlier class"


def test_explain_matrix() -> None:
    assert explain_matrix(MATRIX) == (
        "45 of 300 pictures are mistakes (15 %); dog → deer is the largest: 15 of 100 pictures of dog, "
        "and 15 the other way round."
    )
    assert (
        explain_matrix(of_two(np.diag([3, 4])))
        == "There are no mistakes: the prediction is right for all of 7 pictures."
    )
    one = np.array([[199, 1], [0, 100]])
    assert explain_matrix(of_two(one)).startswith("1 of 300 pictures is a mistake (")
    assert explain_matrix(of_two(np.zeros((2, 2), dtype=int))) == "There are no pictures in this matrix."
    big = np.array([[913_000, 87_000], [0, 10]])
    assert "87,000 of 1,000,000 pictures of cat." in explain_matrix(of_two(big))
