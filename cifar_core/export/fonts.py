"""A font for a text: Pillow's own, else the first font of this machine that has all its characters.

Reads font files. A missing character is told by its glyph: it is that of a code point that no font has, or empty.
"""

import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path

from PIL import ImageFont, features

SIZE = 12  # pixels
SHAPES_TEXT = features.check_feature("raqm")  # without it Pillow draws Arabic from left to right, in loose letters
_FOLDERS = (
    *("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts"),
    *("/System/Library/Fonts", "/Library/Fonts", "~/Library/Fonts"),
    *("$WINDIR/Fonts", "$LOCALAPPDATA/Microsoft/Windows/Fonts"),
)
_ENDINGS = (".ttf", ".otf", ".ttc", ".otc")
_STYLES = ("bold", "italic", "oblique", "mono", "condensed", "light", "thin", "black", "narrow")
_LAST_RESORT = "lastresort"  # a font of macOS that has the frame of its script in place of every letter
_MAX_FILES = 1000  # of fonts that are looked at
_IN_NO_FONT = "\U0010ffff"
# Zero-width joiners and variation selectors have no glyph of their own.
_GLYPHLESS = {" ", "\u200c", "\u200d", *map(chr, range(0xFE00, 0xFE10))}


@lru_cache(maxsize=8)
def fonts_for(texts: frozenset[str]) -> dict[str, ImageFont.FreeTypeFont]:
    """The font that draws each of the texts, without those that no font can draw. Every font is opened once."""
    found: dict[str, ImageFont.FreeTypeFont] = {}
    left = {text for text in texts if SHAPES_TEXT or not _needs_shaping(text)}
    for font in _fonts():
        lacking = {char for char in set("".join(left)) - _GLYPHLESS if not _has(font, char)}
        drawn = {text for text in left if lacking.isdisjoint(text)}
        found |= dict.fromkeys(drawn, font)
        left -= drawn
        if not left:
            break
    return found


def built_in_font() -> ImageFont.FreeTypeFont:
    """Pillow's own font, which has the characters of ASCII and few others."""
    font = ImageFont.load_default(SIZE)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return font


def _fonts() -> Iterator[ImageFont.FreeTypeFont]:
    yield built_in_font()
    for path in _font_files():
        try:
            yield ImageFont.truetype(path, SIZE)
        except (OSError, ValueError):  # no font, or one that has no letters of this size
            continue


@lru_cache(maxsize=1)
def _font_files() -> tuple[str, ...]:
    """The fonts of this machine, plain ones without serifs first."""
    folders = [Path(os.path.expandvars(folder)).expanduser() for folder in _FOLDERS]
    walks = (os.walk(folder) for folder in folders if folder.is_absolute())
    files = (Path(place, name) for walk in walks for place, _, names in walk for name in names)
    fonts = [path for path in islice(files, 10 * _MAX_FILES) if path.suffix.lower() in _ENDINGS]
    fonts = [path for path in fonts if not path.name.lower().startswith(_LAST_RESORT)]
    return tuple(str(path) for path in sorted(fonts, key=_preference)[:_MAX_FILES])


def _preference(path: Path) -> tuple[bool, bool, str, str]:
    name = path.stem.lower()
    return any(style in name for style in _STYLES), "sans" not in name, name, str(path)


def _has(font: ImageFont.FreeTypeFont, char: str) -> bool:
    """Whether a font has a glyph for a character."""
    try:
        glyph, missing = font.getmask(char), font.getmask(_IN_NO_FONT)
    except (OSError, ValueError, RuntimeError):  # the glyph is damaged, or the character ends a paragraph
        return False
    return any(glyph) and (glyph.size != missing.size or bytes(glyph) != bytes(missing))


def _needs_shaping(text: str) -> bool:
    """Whether a text is written from right to left or combines its characters."""
    return any(unicodedata.bidirectional(char) in ("R", "AL") or unicodedata.category(char)[0] == "M" for char in text)
