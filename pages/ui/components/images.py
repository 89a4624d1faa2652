"""Pictures as they are shown: enlarged without smoothing, so that every pixel is visible, or fitted into a box."""

import numpy as np
from PIL import Image

from cifar_core.data import to_image


def enlarged(pixels: np.ndarray, times: int = 4) -> Image.Image:
    """Return a picture, uint8 [3, 32, 32], `times` as wide and high, each pixel a square."""
    image = to_image(pixels)
    return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)


def fitted(image: Image.Image, width: int, height: int) -> Image.Image:
    """Return a picture of any shape as large as it can be in a box, `width` wide: at its sides nothing is drawn."""
    scale = min(width / image.width, height / image.height)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    canvas = Image.new("RGBA", (width, size[1]))
    canvas.paste(image.resize(size, Image.Resampling.BICUBIC, reducing_gap=3), ((width - size[0]) // 2, 0))
    return canvas
