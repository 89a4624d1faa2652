"""The captions of pictures."""

import numpy as np
import pytest

from cifar_core.errors import ConfigError
from cifar_core.evaluate import CheckedPredictions
from cifar_core.samples import SORTS, sample_table, tile_caption, tile_lines

PREDICTIONS = CheckedPredictions(np.zeros(1, int), np.array([[0.01, 0.98, 0.01]]), ("cat", "dog", "deer"))
ONE = sample_table(PREDICTIONS, ["test/1.png"])


@pytest.mark.parametrize(
    ("sort", "caption"),
    [
        ("confidence", "true cat, predicted dog, 98 %"),
        ("loss", "true cat, predicted dog, 98 %, loss 4.61"),
        ("margin", "true cat, predicted dog, 98 %, margin 0.970"),
        ("entropy", "true cat, predicted dog, 98 %, entropy 0.11"),
        ("id", "true cat, predicted dog, 98 %, test/1.png"),
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
    assert tile_lines(row, "loss") == "true cat, or so\npredicted dog\n98 %, loss 3.00"
    assert tile_lines(row, "confidence") == "true cat, or so\npredicted dog\n98 %"
