"""The captions of pictures."""

import numpy as np
import pytest

from cifar_core.errors import ConfigError
from cifar_core.evaluate import CheckedPredictions
from cifar_core.samples import (
    SORTS,
    SampleFilter,
    sample_table,
    select_samples,
    shared_words,
    tile_caption,
    tile_label,
    tile_lines,
)

PREDICTIONS = CheckedPredictions(np.zeros(1, int), np.array([[0.01, 0.98, 0.01]]), ("cat", "dog", "deer"))
ONE = sample_table(PREDICTIONS, ["test/1.png"])


@pytest.mark.parametrize(
    ("sort", "caption"),
    [
        ("confidence", "true cat, predicted dog, 98.0 %"),
        ("loss", "true cat, predicted dog, 98.0 %, loss 4.61"),
        ("margin", "true cat, predicted dog, 98.0 %, margin 97.0 %"),
        ("entropy", "true cat, predicted dog, 98.0 %, entropy 0.11"),
        ("id", "true cat, predicted dog, 98.0 %, test/1.png"),
    ],
)
def test_tile_caption(sort: str, caption: str) -> None:
    assert tile_caption(ONE.iloc[0], sort) == caption
    assert tile_caption(ONE.to_dict("records")[0], sort) == caption


def test_every_sort_has_a_caption() -> None:
    row = ONE.iloc[0]
    assert len({tile_caption(row, sort) for sort in SORTS}) == len(SORTS)
    with pytest.raises(ConfigError, match="no sort 'speed'"):
        tile_caption(row, "speed")


def test_caption_on_three_lines() -> None:
    row = {"true": "cat, or so", "predicted": "dog", "confidence": 0.98, "loss": 3.0}
    assert tile_lines(row, "loss") == "true cat, or so\npredicted dog\n98.0 %, loss 3.00"
    assert tile_lines(row, "confidence") == "true cat, or so\npredicted dog\n98.0 %"
    tagged = row | {"tags": ("odd", "too dark")}
    assert tile_lines(tagged, "confidence", ["true cat, or so"]).endswith("dog\n98.0\u00a0%\ntagged odd, too dark")
    assert tile_lines(row | {"tags": ()}, "confidence") == tile_lines(row, "confidence")


def test_what_all_pictures_share_leaves_the_tiles() -> None:
    labels, probs = [0, 0, 1, 2], [[0.1, 0.9, 0], [0.2, 0.8, 0], [0.3, 0.7, 0], [0.1, 0.2, 0.7]]
    table = sample_table(CheckedPredictions(labels, probs, ("cat", "dog, or so", "deer")), list("abcd"))
    first = table.iloc[0]
    for rows, shared, lines in (
        (table.head(2), ("true cat", "predicted dog, or so"), "90.0 %, loss 2.30"),
        (table.head(3), ("predicted dog, or so",), "true cat\n90.0 %, loss 2.30"),
        (table, (), "true cat\npredicted dog, or so\n90.0 %, loss 2.30"),
        (table.head(1), (), "true cat\npredicted dog, or so\n90.0 %, loss 2.30"),
        (table.head(0), (), "true cat\npredicted dog, or so\n90.0 %, loss 2.30"),
    ):
        assert shared_words(rows) == shared
        assert tile_lines(first, "loss", shared) == lines
        assert tile_label(lines, shared) == ", ".join([*lines.split("\n"), *shared]), "its words as they stand"
    assert tile_label("true cat\n", ("predicted dog",)) == "true cat, predicted dog"
    correct = select_samples(table, SampleFilter(outcome="correct"))
    assert shared_words(correct) == ("correctly predicted",)
    assert tile_lines(correct.iloc[0], "confidence", shared_words(correct)) == "dog, or so\n70.0 %"
    assert shared_words(select_samples(table, SampleFilter(true=("cat",), outcome="all"))) == (
        "true cat",
        "predicted dog, or so",
    )
