"""Enlarging pictures without smoothing, so that every pixel the network sees is visible."""

import numpy as np
from PIL import Image

from cifar_core.data import to_image


def enlarged(pixels: np.ndarray, times: int = 4) -> Image.Image:
    """Return a picture, uint8 [3, 32, 32], `times` as wide and high, each pixel a square."""
    image = to_image(pixels)
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
