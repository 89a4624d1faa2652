"""The contact sheet: one PNG with many pictures and their captions."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cifar_core.data.pictures import to_image
from cifar_core.export.fonts import SIZE, built_in_font, fonts_for
from cifar_core.text import one_line

MAX_TILES = 400  # more would make a sheet too large to open
TILE = 96  # pixels of a picture on the sheet: 32 x 3
GAP = 12
LINE = SIZE + 2
CAPTION = 3 * LINE + 2  # pixels of height below each picture
TEXT_COLOUR, BACKGROUND = "#222222", "white"


def drawn_names(class_names: Sequence[str]) -> list[str]:
    """What a contact sheet calls each class: its name, or `class 3` (from 0) where no font of this machine has it."""
    # A font has to have the words before the name too.
    lines = [f"true pred. {name}" for name in class_names]
    fonts = fonts_for(frozenset(lines))
    names = enumerate(zip(lines, class_names, strict=True))
    return [name if line in fonts else f"class {number}" for number, (line, name) in names]


def contact_sheet(pictures: list[np.ndarray], captions: list[str], note: str = "") -> Image.Image:
    """Draw the first 400 pictures, enlarged without smoothing, with up to three lines of caption each.

    Args:
        pictures: uint8 [3, 32, 32] each; at least one.
        captions: one text per picture; a line that is too long is shortened.
        note: a sentence below all pictures.

    Returns:
        an RGB image about as wide as high.
    """
    count = min(len(pictures), MAX_TILES)
    columns = math.ceil(math.sqrt(count * (TILE + GAP + CAPTION) / (TILE + GAP)))
    rows = math.ceil(count / columns)
    width, height = columns * (TILE + GAP) + GAP, rows * (TILE + GAP + CAPTION) + GAP
    lines = [caption.split("\n")[:3] for caption in captions[:count]]
    fonts, plain = fonts_for(frozenset(line for caption in lines for line in caption)), built_in_font()
    notes = _wrapped(note, plain, width - 2 * GAP)
    sheet = Image.new("RGB", (width, height + (len(notes) * LINE + GAP if notes else 0)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for index in range(count):
        left = GAP + index % columns * (TILE + GAP)
        top = GAP + index // columns * (TILE + GAP + CAPTION)
        sheet.paste(to_image(pictures[index]).resize((TILE, TILE), Image.Resampling.NEAREST), (left, top))
        for number, line in enumerate(lines[index], start=1):
            font = fonts.get(line, plain)
            # On the baseline, which fonts share, unlike the top of a line.
            place = (left, top + TILE + number * LINE)
            draw.text(place, _shortened(line, font), fill=TEXT_COLOUR, font=font, anchor="ls")
    for number, line in enumerate(notes, start=1):
        draw.text((GAP, height + number * LINE), line, fill=TEXT_COLOUR, font=plain, anchor="ls")
    return sheet


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """The lines of a text, each as many words as fit."""
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _shortened(line: str, font: ImageFont.FreeTypeFont) -> str:
    """The line, shortened until it fits below its picture."""
    line = one_line(line)
    if font.getlength(line) <= TILE + GAP - 2:
        return line
    while line and font.getlength(line + "…") > TILE + GAP - 2:
        line = line[:-1]
    return line + "…"
