"""A confusion matrix as one PNG, on white, with the colours of the page in its light theme."""

import io

from PIL import Image, ImageDraw, ImageFont

from cifar_core.export.contact_sheet import drawn_names
from cifar_core.export.fonts import SIZE, built_in_font, fonts_for
from cifar_core.figures import MatrixCells, cell_shades
from cifar_core.text import one_line

_GAP = 16  # pixels around the picture
_LINE = SIZE + 4
_NAME = 160  # pixels of the longest name
_TEXT_COLOUR, _BACKGROUND = "#222222", "#ffffff"


def matrix_png(cells: MatrixCells, title: str) -> bytes:
    """Draw the cells of a matrix with all class names, a title and the unit.

    Args:
        cells: of K classes; with more than 30 the cells have no numbers.
        title: one line above the matrix; it is shortened to fit.

    Returns:
        the bytes of a PNG.
    """
    side = 48 if len(cells.class_names) <= 12 else 36 if len(cells.class_names) <= 30 else _LINE
    names = drawn_names([one_line(name, 60) for name in cells.class_names])
    fonts, plain = fonts_for(frozenset([*names, title])), built_in_font()
    images = [_name_image(name, fonts.get(name, plain)) for name in names]
    edge = max(image.width for image in images) + 8
    matrix = side * len(names)
    left, top = _GAP + edge, _GAP + 2 * _LINE + 8 + edge
    width, height = max(left + matrix + _GAP, 520), top + matrix + _LINE + _GAP
    page = Image.new("RGB", (width, height), _BACKGROUND)
    draw = ImageDraw.Draw(page)
    font = fonts.get(title, plain)
    draw.text((_GAP, _GAP), _fitting(title, font, width - 2 * _GAP), fill=_TEXT_COLOUR, font=font)
    draw.text((_GAP, _GAP + _LINE), "rows: true class; columns: predicted class", fill=_TEXT_COLOUR, font=plain)
    for number, image in enumerate(images):
        middle = number * side + (side - image.height) // 2
        page.paste(image, (left - 8 - image.width, top + middle))
        upright = image.transpose(Image.Transpose.ROTATE_90)
        page.paste(upright, (left + middle, top - 8 - upright.height))
    _draw_cells(draw, cells, (left, top), side)
    legend = f"cells: {cells.unit}" + (f"; the strongest colour is {cells.top_text}" if cells.top_text else "")
    draw.text((_GAP, height - _GAP - SIZE), legend, fill=_TEXT_COLOUR, font=plain)
    buffer = io.BytesIO()
    page.save(buffer, "PNG")
    return buffer.getvalue()


def _draw_cells(draw: ImageDraw.ImageDraw, cells: MatrixCells, corner: tuple[int, int], side: int) -> None:
    shades, font = cell_shades("light"), built_in_font()
    for row, texts in enumerate(cells.texts):
        for column, text in enumerate(texts):
            shade = shades[cells.shades[row, column]]
            left, top = corner[0] + column * side, corner[1] + row * side
            if shade.background:
                draw.rectangle((left, top, left + side - 1, top + side - 1), fill=shade.background)
            if text and side > _LINE:
                draw.text((left + side / 2, top + side / 2), text, fill=shade.text, font=font, anchor="mm")
    far = side * len(cells.texts)
    draw.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + far, corner[1] + far), outline="#bbbbbb")


def _name_image(name: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    text = _fitting(name, font, _NAME)
    image = Image.new("RGB", (max(1, round(font.getlength(text)) + 1), _LINE), _BACKGROUND)
    ImageDraw.Draw(image).text((0, SIZE), text, fill=_TEXT_COLOUR, font=font, anchor="ls")
    return image


def _fitting(text: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    """The text, or as much of it as is at most so many pixels wide, with an ellipsis."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"
