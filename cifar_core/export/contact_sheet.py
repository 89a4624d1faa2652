"""The contact sheet: one PNG with many pictures and their captions."""

import math

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from cifar_core.data.pictures import to_image

MAX_TILES = 400  # more would make a sheet too large to open
TILE = 96  # pixels of a picture on the sheet: 32 x 3
GAP = 12
CAPTION = 44  # pixels of height below each picture: three lines
FONT_SIZE = 12
TEXT_COLOUR, BACKGROUND = "#222222", "white"


def contact_sheet(pictures: list[np.ndarray], captions: list[str]) -> Image.Image:
    """Draw the first 400 pictures, enlarged without smoothing, with up to three lines of caption each.

    Args:
        pictures: uint8 [3, 32, 32] each; at least one.
        captions: one text per picture; a line that is too long is shortened.

    Returns:
        an RGB image about as wide as high.
    """
    count = min(len(pictures), MAX_TILES)
    columns = math.ceil(math.sqrt(count * (TILE + GAP + CAPTION) / (TILE + GAP)))
    rows = math.ceil(count / columns)
    sheet = Image.new("RGB", (columns * (TILE + GAP) + GAP, rows * (TILE + GAP + CAPTION) + GAP), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    for index in range(count):
        left = GAP + index % columns * (TILE + GAP)
        top = GAP + index // columns * (TILE + GAP + CAPTION)
        sheet.paste(to_image(pictures[index]).resize((TILE, TILE), Image.Resampling.NEAREST), (left, top))
        lines = [_shortened(line, font) for line in captions[index].split("\n")[:3]]
        draw.multiline_text((left, top + TILE + 3), "\n".join(lines), fill=TEXT_COLOUR, font=font, spacing=1)
    return sheet


def _shortened(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """The line, shortened until it fits below its picture."""
    line = " ".join(line.split())
    if font.getlength(line) <= TILE + GAP - 2:
        return line
    while line and font.getlength(line + "…") > TILE + GAP - 2:
        line = line[:-1]
    return line + "…"
