"""The three ways in which a picture becomes 32 x 32, from the pixels to a dataset and its record."""

import io
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

from cifar_core.data import FIT_TITLES, FORMATS, Fit, conversion, open_dataset
from cifar_core.data.picture_formats import PILLOW_FORMATS
from cifar_core.data.pictures import fit_picture, read_picture
from cifar_core.data.sources.own.importing import import_pictures
from cifar_core.data.sources.own.options import ImportOptions, check_options
from cifar_core.errors import DataError
from cifar_core.workspace import Workspace
from tests.data.conftest import small_set, write_zip

SIDES = st.integers(1, 90)


def bicubic(pixels: np.ndarray, size: int) -> np.ndarray:
    """Resize along the first axis with Keys' cubic filter (a = -0.5), widened where it shrinks: float64 [size, ...]."""
    scale = len(pixels) / size
    widened = max(scale, 1.0)
    result = []
    for place in range(size):
        centre = (place + 0.5) * scale
        first, last = max(int(centre - 2 * widened + 0.5), 0), min(int(centre + 2 * widened + 0.5), len(pixels))
        away = np.abs((np.arange(first, last) + 0.5 - centre) / widened)
        near, far = (1.5 * away - 2.5) * away**2 + 1, ((-0.5 * away + 2.5) * away - 4) * away + 2
        weights = np.where(away < 1, near, np.where(away < 2, far, 0))
        result.append(np.tensordot(weights / weights.sum(), pixels[first:last], 1))
    return np.array(result)


def resized(pixels: np.ndarray, width: int, height: int) -> np.ndarray:
    """A picture [H, W, 3] in another size."""
    return bicubic(bicubic(pixels.swapaxes(0, 1), width).swapaxes(0, 1), height)


def expected(pixels: np.ndarray, fit: Fit) -> np.ndarray:
    """What `fit_picture` should give, as float64 [3, 32, 32]."""
    height, width, _ = pixels.shape
    if fit == "crop":
        side = min(width, height)
        top, left = (height - side) // 2, (width - side) // 2
        pixels = pixels[top : top + side, left : left + side]
    if fit != "pad":
        return resized(pixels, 32, 32).transpose(2, 0, 1)
    longest = max(width, height)
    wide, high = (max(1, round(Fraction(32 * side, longest))) for side in (width, height))
    whole = np.zeros((32, 32, 3))
    top, left = (32 - high) // 2, (32 - wide) // 2
    whole[top : top + high, left : left + wide] = resized(pixels, wide, high)
    return whole.transpose(2, 0, 1)


@pytest.mark.parametrize("fit", FIT_TITLES)
@given(SIDES, SIDES)
@example(640, 480)
@example(31, 200)
@example(1, 1)
@example(32, 32)
@example(300, 1)
def test_the_pixels_of_each_fit(fit: Fit, width: int, height: int) -> None:
    """Wide, tall and tiny ones, against a computation of our own; Pillow rounds to whole levels after each axis."""
    pixels = np.random.default_rng(width * 1000 + height).integers(70, 180, (height, width, 3), dtype=np.uint8)
    found = fit_picture(Image.fromarray(pixels), fit)
    assert (found.dtype, found.shape) == (np.uint8, (3, 32, 32))
    assert np.abs(found - expected(pixels.astype(float), fit)).max() <= 2


@given(SIDES, SIDES)
def test_borders_are_black_and_equal(width: int, height: int) -> None:
    """To one pixel, which is the right or the bottom one; the whole picture lies between them."""
    lit = fit_picture(Image.new("RGB", (width, height), (200, 200, 200)), "pad")[0] > 0
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    assert lit.sum() == len(rows) * len(columns)
    for places in (rows, columns):
        before, behind = places[0], 31 - places[-1]
        assert behind - before in (0, 1)
    assert max(len(rows), len(columns)) == 32


@pytest.mark.parametrize("form", ["PNG", "JPEG", "MPO", "WEBP", "BMP", "GIF", "TIFF", "PPM"])
def test_the_format_is_that_of_the_content(form: str) -> None:
    """Two pictures in a JPEG file, as phones write them, are a JPEG."""
    stream = io.BytesIO()
    more = {"save_all": True, "append_images": [Image.new("RGB", (40, 40), "red")]} if form == "MPO" else {}
    Image.new("RGB", (40, 40)).save(stream, form, **more)
    found = PILLOW_FORMATS[read_picture(stream.getvalue(), name="picture.xyz").format]
    assert found == {"MPO": "JPEG"}.get(form, form)
    assert found in FORMATS


def test_each_fit_has_its_words() -> None:
    texts = {fit: conversion(fit) for fit in FIT_TITLES}
    for fit, title in FIT_TITLES.items():
        assert [other for other, text in texts.items() if title in text] == [fit]


def wide_set() -> dict[str, bytes]:
    """A dataset whose pictures are 90 x 30: white in the middle third and black beside it."""
    image = Image.new("L", (90, 30))
    image.paste(255, (30, 0, 60, 30))
    stream = io.BytesIO()
    image.save(stream, "BMP")
    return dict.fromkeys(small_set(), stream.getvalue())


@pytest.mark.parametrize(("fit", "white"), [("crop", 1024), ("pad", 11 * 11), ("stretch", 32 * 11)])
def test_an_import_fits_and_says_how(workspace: Workspace, tmp_path: Path, fit: Fit, white: int) -> None:
    """The size of the white part tells what the network sees of it."""
    import_pictures(workspace, write_zip(wide_set(), tmp_path / "a.zip"), "mine", options=ImportOptions(fit=fit))
    dataset = open_dataset(workspace, "mine")
    assert dataset.fit == fit
    for part in (dataset.train, dataset.test):
        assert abs(int((part.images[:, 0] > 127).sum()) / len(part.labels) - white) <= 40
        assert part.formats is not None and part.formats.dtype == np.uint8
        assert {PILLOW_FORMATS[place] for place in part.formats} == {"BMP"}


def test_an_unknown_fit_is_refused() -> None:
    with pytest.raises(DataError, match="'cover' is no way to bring a picture to 32 x 32: give crop, pad, stretch"):
        check_options(ImportOptions(fit="cover"))  # type: ignore[arg-type]
