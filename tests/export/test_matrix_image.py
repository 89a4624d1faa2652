"""The PNG of a confusion matrix has the colours of the light page, whatever the classes are called."""

import io

import numpy as np
from PIL import Image

from cifar_core.evaluate import ConfusionMatrix
from cifar_core.export.matrix_image import matrix_png
from cifar_core.figures import cell_shades, confusion_cells


def areas(content: bytes) -> set[str]:
    """The colours of whole areas, without the soft edges of letters."""
    image = Image.open(io.BytesIO(content))
    assert image.format == "PNG"
    counted = image.convert("RGB").getcolors(image.width * image.height)
    assert counted is not None
    return {"#{:02x}{:02x}{:02x}".format(*colour) for count, colour in counted if count > 500}


def test_cells_have_the_colours_of_the_page_and_zero_is_white() -> None:
    cells = confusion_cells(ConfusionMatrix(np.array([[9, 2], [0, 5]]), ("a", "b")))
    shades = cell_shades("light")
    shown = {shades[index].background for index in cells.shades.ravel() if index}
    assert len(shown) == 3
    assert areas(matrix_png(cells, "a title")) == {"#ffffff"} | shown


def test_any_names_and_many_classes_can_be_drawn() -> None:
    names = tuple(["\u202egnp.exe", "x" * 200, "日本語" * 9, "\ud800", " "] + [f"class {n}" for n in range(35)])
    cells = confusion_cells(ConfusionMatrix(np.eye(40, dtype=int), names), "true", True)
    image = Image.open(io.BytesIO(matrix_png(cells, "\u202e" + "t" * 500)))
    assert 640 < image.width < 1200 and 640 < image.height < 1200
