"""The original beside its 32 x 32: what of it is marked, and the words for it."""

import numpy as np
import pytest
from PIL import Image

from cifar_core.data import Fit
from pages.ui.components.original_picture import fitting_words, marked


@pytest.mark.parametrize(
    ("size", "fit", "words"),
    [
        ((640, 480), "crop", "640 x 480, the central square, shrunk to 32 x 32"),
        ((640, 480), "pad", "640 x 480, the whole picture with borders, shrunk to 32 x 32"),
        ((640, 480), "stretch", "640 x 480, stretched to 32 x 32"),
        ((1024, 1024), "stretch", "1,024 x 1,024, shrunk to 32 x 32"),
        ((20, 90), "crop", "20 x 90, the central square, enlarged to 32 x 32"),
        ((20, 90), "pad", "20 x 90, the whole picture with borders, shrunk to 32 x 32"),
        ((40, 32), "crop", "40 x 32, the central square"),
    ],
)
def test_the_words_say_what_was_done(size: tuple[int, int], fit: Fit, words: str) -> None:
    assert fitting_words(np.array(size, np.int32), fit) == words


def test_only_what_a_central_square_cut_away_is_dimmed() -> None:
    image = Image.new("RGB", (120, 60), (200, 200, 200))
    pixels = np.asarray(marked(image, "crop"))[:, :, 0]
    assert pixels[:, :30].max() < 80 > pixels[:, 90:].max()
    assert (pixels[2:58, 32:88] == 200).all()
    assert (pixels[:, 30:32] == 255).all() and (pixels[-2:, 30:90] == 255).all(), "the outline lies within the square"
    for fit in ("pad", "stretch"):
        assert marked(image, fit) is image
    square = Image.new("RGB", (60, 60))
    assert marked(square, "crop") is square
