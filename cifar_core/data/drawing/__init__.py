"""The code that draws the built-in dataset `drawn10` with Pillow and NumPy: see `generate.py`."""

from cifar_core.data.drawing.generate import CLASS_NAMES, OnDrawn, OnPictures, draw_pictures, generate

__all__ = ["CLASS_NAMES", "OnDrawn", "OnPictures", "draw_pictures", "generate"]
