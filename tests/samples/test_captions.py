"""Sentences and small tables about matrices, pictures and curves."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.errors import ConfigError
from cifar_core.evaluate import explain_curve, explain_matrix, most_confused
from cifar_core.samples import SORTS, sample_table, tile_caption, tile_lines
from cifar_core.text import percent

MATRIX = np.array([[90, 7, 3], [5, 80, 15], [0, 15, 85]])
NAMES = ("cat", "dog", "deer")


def test_most_confused_lists_pairs_by_count() -> None:
    pairs = most_confused(MATRIX, NAMES)
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
    pairs = most_confused(matrix, "abcde", min_count)
    assert [tuple(row) for row in pairs[["true_index", "predicted_index", "count"]].to_numpy()] == expected


def test_most_confused_of_none() -> None:
    assert most_confused(np.diag([3, 4]), "ab").empty
    with pytest.raises(ConfigError, match="1 or more"):
        most_confused(MATRIX, NAMES, 0)


def test_explain_matrix() -> None:
    assert explain_matrix(MATRIX, NAMES) == (
        "45 of 300 pictures are mistakes (15 %); dog → deer is the largest: 15 of 100 pictures of dog, "
        "and 15 the other way round."
    )
    assert (
        explain_matrix(np.diag([3, 4]), "ab") == "There are no mistakes: the prediction is right for all of 7 pictures."
    )
    assert explain_matrix(np.zeros((2, 2), dtype=int), "ab") == "There are no pictures in this matrix."
    big = np.array([[913_000, 87_000], [0, 10]])
    assert "87,000 of 1,000,000 pictures of cat." in explain_matrix(big, ("cat", "dog"))


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "0 %"), (0.001, "<1 %"), (0.006, "1 %"), (0.5, "50 %"), (0.98, "98 %"), (0.996, ">99 %"), (1, "100 %")],
)
def test_percent(share: float, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("sort", "caption"),
    [
        ("confidence", "true cat, predicted dog, 98 %"),
        ("loss", "true cat, predicted dog, 98 %, loss 4.61"),
        ("margin", "true cat, predicted dog, 98 %, margin 0.97"),
        ("entropy", "true cat, predicted dog, 98 %, entropy 0.11"),
        ("id", "true cat, predicted dog, 98 %, test/1.png"),
    ],
)
def test_tile_caption(sort: str, caption: str) -> None:
    table = sample_table([0], [[0.01, 0.98, 0.01]], ["test/1.png"], NAMES)
    assert tile_caption(table.iloc[0], sort) == caption
    assert tile_caption(table.to_dict("records")[0], sort) == caption


def test_every_sort_has_a_caption() -> None:
    row = sample_table([0], [[0.01, 0.98, 0.01]], ["x"], NAMES).iloc[0]
    assert len({tile_caption(row, sort) for sort in SORTS}) == len(SORTS)
    with pytest.raises(ConfigError, match="no sort 'speed'"):
        tile_caption(row, "speed")


def history(train: list[float], loss: list[float], accuracy: list[float], part: str = "validation") -> pd.DataFrame:
    """Metrics of a run; the training accuracy is a little above the watched one."""
    return pd.DataFrame(
        {
            "epoch": range(1, len(train) + 1),
            "train_loss": train,
            "train_accuracy": [value + 0.01 for value in accuracy],
            f"{part}_loss": loss,
            f"{part}_accuracy": accuracy,
        }
    )


FALLING = [2.0, 1.0, 0.8, 0.6, 0.4]


@pytest.mark.parametrize(
    ("metrics", "start"),
    [
        (history([], [], []), "No epoch is finished yet"),
        (history([2.0], [2.0], [0.3]), "One epoch is done with 30.0 % validation accuracy"),
        (history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.3, 0.4, 0.5]), "Still improving: over the last 2 epochs the validation accuracy rose from 30.0 % to 50.0 %"),
        (history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.5, 0.5, 0.5]), "Still improving: over the last 2 epochs the validation loss fell from 2.00 to 1.40"),
        (history([2, 1.6], [2, 1.6], [0.3, 0.4]), "Still improving: over the last epoch"),
        (history(FALLING, [2, 1, 1.1, 1.2, 1.3], [0.5, 0.6, 0.6, 0.6, 0.6]), "Overfitting: the validation loss was lowest at epoch 2 (1.00) and has risen to 1.30"),
        (history(FALLING, [2, 1, 1.1, 1.2, 1.3], [0.5, 0.6, 0.6, 0.6, 0.6], "test"), "Overfitting: the test loss"),
        (history([2.3] * 3, [2.3] * 3, [0.1, 0.1, 0.11]), "Not learning: after 3 epochs the accuracy is still 12.0 %"),
        (history([1, 0.9, np.nan], [1, 1, np.nan], [0.5, 0.5, 0.1]), "Diverged"),
        (history([1, 0.5, 1.2], [1, 0.6, 1.2], [0.6, 0.8, 0.5]), "Unstable: the training loss rose from 0.50 to 1.20"),
        (history([1, 0.5, 0.5, 0.5, 0.5], [1, 0.6, 0.6, 0.6, 0.6], [0.6] + [0.8] * 4), "Plateau: the best validation accuracy, 80.0 %"),
    ],
)  # fmt: skip
def test_explain_curve(metrics: pd.DataFrame, start: str) -> None:
    reading = explain_curve(metrics)
    assert reading.startswith(start)
    assert reading.endswith(".") and "\n" not in reading


def test_read_curve_says_when_accuracy_rose_all_the_same() -> None:
    reading = explain_curve(history(FALLING, [2, 1, 1.1, 1.2, 1.3], [0.5, 0.6, 0.62, 0.64, 0.66]))
    assert "though validation accuracy still rose" in reading


def test_read_curve_without_a_validation_part_judges_the_test_set() -> None:
    metrics = history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.3, 0.4, 0.5], "test").assign(
        validation_loss=None, validation_accuracy=None
    )
    assert "test accuracy rose" in explain_curve(metrics)


def test_guessing_depends_on_the_number_of_classes() -> None:
    metrics = history([0.7] * 2, [0.7] * 2, [0.51, 0.51])
    assert explain_curve(metrics, classes=2).startswith("Not learning")
    assert not explain_curve(metrics, classes=10).startswith("Not learning")


def test_caption_on_three_lines() -> None:
    row = {"true": "cat, or so", "predicted": "dog", "confidence": 0.98, "loss": 3.0}
    assert tile_lines(row, "loss") == "true cat, or so\npredicted dog\n98 %, loss 3.00"
    assert tile_lines(row, "confidence") == "true cat, or so\npredicted dog\n98 %"
