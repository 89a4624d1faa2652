"""Properties of pictures, compared with their definitions written out."""

from pathlib import Path

import numpy as np
import pytest

from cifar_core.data.checks import properties
from cifar_core.data.checks.properties import PIXEL_PROPERTIES, picture_properties
from tests.data.checks.support import ordinary_pictures


def by_definition(picture: np.ndarray) -> list[float]:
    red, green, blue = picture.astype(np.float64)
    luma = np.floor((77 * red + 150 * green + 29 * blue) / 256 + 0.5)
    edges = [
        luma[y - 1, x] + luma[y + 1, x] + luma[y, x - 1] + luma[y, x + 1] - 4 * luma[y, x]
        for y in range(1, 31)
        for x in range(1, 31)
    ]
    against, beside = red - green, (red + green) / 2 - blue
    spread = np.sqrt(against.var() + beside.var())
    strength = np.sqrt(against.mean() ** 2 + beside.mean() ** 2)
    return [luma.mean(), luma.std(), np.var(edges), spread + 0.3 * strength, against.mean(), beside.mean()]


def test_the_properties_are_those_of_their_definitions() -> None:
    draw = np.random.default_rng(0)
    extremes = 255 * draw.integers(0, 2, (4, 3, 32, 32), dtype=np.uint8)  # the largest sums that there can be
    rows, columns = np.mgrid[:32, :32]
    chequered = np.broadcast_to(255 * ((rows + columns) % 2), (1, 3, 32, 32)).astype(np.uint8)
    pictures = np.concatenate([extremes, chequered, 255 - chequered, ordinary_pictures(3)])
    expected = [by_definition(picture) for picture in pictures]
    np.testing.assert_allclose(picture_properties(pictures), expected, rtol=1e-6, atol=1e-4)


def test_grey_pictures_keep_their_levels_and_have_no_colour() -> None:
    levels = np.arange(256, dtype=np.uint8)
    table = picture_properties(np.broadcast_to(levels[:, None, None, None], (256, 3, 32, 32)))
    assert table[:, 0].tolist() == levels.tolist()
    assert not table[:, 1:].any(), "exactly 0: a picture of one colour has neither contrast nor colour"
    assert table.dtype == np.float32
    assert table.shape == (256, len(PIXEL_PROPERTIES))


def test_the_same_pixels_have_the_same_properties_in_any_company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = ordinary_pictures(150)
    expected = picture_properties(pictures)
    np.save(tmp_path / "pictures.npy", pictures)
    assert (picture_properties(np.load(tmp_path / "pictures.npy", mmap_mode="r")) == expected).all()
    assert (picture_properties(pictures[::-1]) == expected[::-1]).all()
    monkeypatch.setattr(properties, "_CHUNK", 7)
    assert (picture_properties(pictures) == expected).all()
    assert picture_properties(pictures[:0]).shape == (0, len(PIXEL_PROPERTIES))
