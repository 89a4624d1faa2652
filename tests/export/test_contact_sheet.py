"""The contact sheet of few pictures, of many, of more than it shows, and of classes in other scripts."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cifar_core.export import fonts
from cifar_core.export.contact_sheet import MAX_TILES, contact_sheet, drawn_names
from tests.export.tiny_font import write_font

GREY = np.full((3, 32, 32), 128, dtype=np.uint8)


@pytest.mark.parametrize("count", [1, 2, 7, 100, 400, 500])
def test_size_stays_reasonable(count: int) -> None:
    pictures = [np.full((3, 32, 32), 200, dtype=np.uint8)] * count
    sheet = contact_sheet(pictures, ["1 · 98 %\ntrue cat\npred. dog"] * count)
    assert max(sheet.size) <= 3000
    assert 0.4 <= sheet.width / sheet.height <= 2.5
    tiles = (np.asarray(sheet) == 200).all(axis=2).sum() / 96**2
    assert round(tiles) == min(count, MAX_TILES)


def test_long_and_foreign_captions_stay_below_their_picture() -> None:
    plain = np.asarray(contact_sheet([GREY] * 4, [""] * 4))
    long = np.asarray(contact_sheet([GREY] * 4, ["W" * 500, "猫" * 90, "a\nb\nc\nd\ne", "  "]))
    assert plain.shape == long.shape
    assert (long[12:108, 12:108] == 128).all()
    assert (long[:, -4:] == 255).all(), "a caption runs out of the sheet"


@pytest.mark.parametrize("count", [1, 30])
def test_a_note_stands_below_all_pictures(count: int) -> None:
    plain = np.asarray(contact_sheet([GREY] * count, ["a\nb\nc"] * count))
    noted = np.asarray(contact_sheet([GREY] * count, ["a\nb\nc"] * count, "A sentence about classes. " * 4))
    height = len(plain)
    assert noted.shape[1] == plain.shape[1] and len(noted) > height
    assert (noted[:height] == plain).all()
    assert (noted[height:] < 100).any()
    assert (noted[:, -4:] == 255).all() and (noted[-4:] == 255).all(), "the note runs out of the sheet"


@pytest.mark.fault(85)
def test_classes_that_no_font_has_are_drawn_as_their_numbers(
    tmp_path: Path, fonts_only_in: Callable[..., None]
) -> None:
    """A font that lacks the letters of the words before the name does not do either."""
    write_font(tmp_path / "zz.ttf", "true pred.猫")
    write_font(tmp_path / "a.ttf", "한")
    fonts_only_in(tmp_path)
    assert drawn_names(["cat", "猫", "한", "dog  1", "語" * 64]) == ["cat", "猫", "class 2", "dog  1", "class 4"]


@pytest.mark.fault(85)
def test_a_caption_is_drawn_with_the_font_that_has_it(tmp_path: Path, fonts_only_in: Callable[..., None]) -> None:
    sheets = []
    for characters in ("true 猫", "猫"):
        write_font(tmp_path / "zz.ttf", characters)
        fonts_only_in(tmp_path)
        sheets.append(np.asarray(contact_sheet([GREY] * 2, ["true 猫", "true cat"])))
    assert (sheets[0][:, :110] != sheets[1][:, :110]).any()
    assert (sheets[0][:, 110:] == sheets[1][:, 110:]).all(), "the other caption keeps the font of Pillow"


@pytest.mark.fault(85)
@pytest.mark.usefixtures("fonts_only_in")
def test_accents_greek_and_cyrillic_are_drawn_where_a_common_font_is() -> None:
    names = ["café", "Straße", "ελιά", "кот"]
    if not any("DejaVuSans.ttf" in path or "LiberationSans" in path for path in fonts._font_files()):
        pytest.skip("this machine has neither DejaVu nor Liberation")
    assert drawn_names(names) == names
