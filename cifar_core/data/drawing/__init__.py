"""The embedded dataset `drawn10`, drawn by our own code with Pillow and NumPy: see generate.py."""

from cifar_core.data.drawing.generate import CLASS_NAMES, draw_pictures, generate

__all__ = ["CLASS_NAMES", "draw_pictures", "generate"]
