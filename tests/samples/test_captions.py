"""The captions of pictures."""

import pytest

from cifar_core.errors import ConfigError
from cifar_core.samples import SORTS, sample_table, tile_caption, tile_lines

NAMES = ("cat", "dog", "deer")


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


def test_caption_on_three_lines() -> None:
    row = {"true": "cat, or so", "predicted": "dog", "confidence": 0.98, "loss": 3.0}
    assert tile_lines(row, "loss") == "true cat, or so\npredicted dog\n98 %, loss 3.00"
    assert tile_lines(row, "confidence") == "true cat, or so\npredicted dog\n98 %"
