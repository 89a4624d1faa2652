"""The contact sheet of few pictures, of many, and of more than it shows."""

import numpy as np
import pytest

from cifar_core.export.contact_sheet import MAX_TILES, contact_sheet


@pytest.mark.parametrize("count", [1, 2, 7, 100, 400, 500])
def test_size_stays_reasonable(count: int) -> None:
    pictures = [np.full((3, 32, 32), 200, dtype=np.uint8)] * count
    sheet = contact_sheet(pictures, ["1 · 98 %\ntrue cat\npred. dog"] * count)
    assert max(sheet.size) <= 3000
    assert 0.4 <= sheet.width / sheet.height <= 2.5
    tiles = (np.asarray(sheet) == 200).all(axis=2).sum() / 96**2
    assert round(tiles) == min(count, MAX_TILES)


def test_long_and_foreign_captions_stay_below_their_picture() -> None:
    grey = np.full((3, 32, 32), 128, dtype=np.uint8)
    plain = np.asarray(contact_sheet([grey] * 4, [""] * 4))
    long = np.asarray(contact_sheet([grey] * 4, ["W" * 500, "猫" * 90, "a\nb\nc\nd\ne", "  "]))
    assert plain.shape == long.shape
    assert (long[12:108, 12:108] == 128).all()
    assert (long[:, -4:] == 255).all(), "a caption runs out of the sheet"
