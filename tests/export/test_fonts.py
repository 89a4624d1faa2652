"""Fonts that have the characters of a text, told by their glyphs; damaged files are passed over."""

import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image, ImageDraw

from cifar_core.export import fonts
from cifar_core.export.fonts import built_in_font, fonts_for
from tests.export.tiny_font import write_font

WRITTEN = "true pred.猫한"  # the characters of the tiny font
NAMES = (
    *("العربية", "עברית", "हिन्दी", "ไทย", "👩‍🔬", "❤️", "語" * 64, "猫", "кот", "café", "cafe\u0301", "CON", "..", "?!"),
    *("\u0301", "a" + "\u0301" * 300, "\u3164", "\U000e0041", "\U0010ffff", ""),
)


@pytest.fixture
def installed(tmp_path: Path, fonts_only_in: Callable[..., None]) -> Callable[..., Path]:
    """`installed(*contents)`: a machine whose fonts are these files and, as the last, the tiny font; its path."""

    def install(*contents: bytes) -> Path:
        font = write_font(tmp_path / "fonts" / "some" / "zz.ttf", WRITTEN)
        for number, content in enumerate(contents):
            (font.parent / f"{number}.ttf").write_bytes(content)
        fonts_only_in(tmp_path / "none", tmp_path / "fonts", "$NO_SUCH_VARIABLE")
        return font

    return install


def of(*texts: str) -> dict[str, str]:
    """The name or the file of the font of each text that has one."""
    found = fonts_for(frozenset(texts))
    return {text: font.path if isinstance(font.path, str) else "built in" for text, font in found.items()}


@pytest.mark.fault(85)
def test_a_text_gets_the_first_font_with_all_its_characters(installed: Callable[..., Path]) -> None:
    tiny = str(installed())
    assert of("cat 1", "true 猫", "한", "true 猫1", "é", "") == {
        "cat 1": "built in",
        "": "built in",
        "true 猫": tiny,
        "한": tiny,
    }


@pytest.mark.fault(85)
def test_damaged_fonts_are_passed_over(installed: Callable[..., Path]) -> None:
    whole = installed().read_bytes()
    cuts = [whole[:length] for length in range(0, len(whole), 97)]
    wrong = [whole.replace(tag, b"none") for tag in (b"cmap", b"glyf", b"head", b"loca")]
    lying = [whole[:-8] + struct.pack(">2I", 2**32 - 1, 2**31), b"OTTO" + whole[4:], b"\xff" * 5000]
    tiny = installed(*cuts, *wrong, *lying)
    found = fonts_for(frozenset(["猫"]))
    assert found["猫"].getlength("猫") == 12, "a whole font is found behind them"
    assert tiny.is_file()


def test_the_last_resort_of_macos_is_no_font(installed: Callable[..., Path]) -> None:
    tiny = installed()
    tiny.rename(tiny.with_name("LastResort.otf"))
    assert of("猫") == {}


@pytest.mark.fault(85)
@pytest.mark.usefixtures("fonts_only_in")
def test_without_shaping_no_text_is_drawn_from_the_wrong_side(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "SHAPES_TEXT", False)
    assert of("cat", "עברית", "हिन्दी", "a\u0301") == {"cat": "built in"}


@pytest.mark.fault(85)
@given(some.sampled_from(NAMES) | some.text(max_size=12))
def test_any_text_has_a_font_that_draws_it_or_none(text: str) -> None:
    """With the fonts of this machine."""
    font = fonts_for(frozenset([text])).get(text, built_in_font())
    if text.isprintable():
        ImageDraw.Draw(Image.new("RGB", (200, 40))).text((5, 30), text, font=font, anchor="ls")
