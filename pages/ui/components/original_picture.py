"""The original of a picture that was larger than 32 x 32, marked with what of it the network sees."""

import numpy as np
import streamlit as st
from PIL import Image, ImageDraw, ImageEnhance

from cifar_core.data import FIT_TITLES, Fit, Split, central_square, read_original
from cifar_core.workspace import Workspace
from pages.ui.components.images import fitted
from pages.ui.error_messages import show_errors

_DIMMED = 0.35  # brightness of what was cut away
_LINE = 2  # screen pixels of the outline
_WIDEST = 2.5  # times the height: a panorama is shown less high
_NETWORK_SIDE = 32  # pixels


def load_original(workspace: Workspace, name: str, split: Split, row: int) -> Image.Image | None:
    """Return the kept original of a picture of the dataset `name`; where it cannot be read, a sentence is shown."""
    with show_errors():
        return read_original(workspace, name, split, row)
    return None


def show_original(image: Image.Image, fit: Fit, height: int, alt: str) -> None:
    """Show an original `height` screen pixels high; of a central square what was cut away is dimmed."""
    scale = min(height / image.height, _WIDEST * height / image.width)
    shown = marked(fitted(image, max(1, round(image.width * scale)), height).convert("RGB"), fit)
    st.image(shown, caption="the original", output_format="PNG", alt=alt)


def marked(image: Image.Image, fit: Fit) -> Image.Image:
    """Return the picture with an outline around its central square and the rest dimmed, where the rest was cut away."""
    if fit != "crop" or image.width == image.height:
        return image
    square = central_square(*image.size)
    dimmed = ImageEnhance.Brightness(image).enhance(_DIMMED)
    dimmed.paste(image.crop(square), square)
    left, top, right, bottom = square
    ImageDraw.Draw(dimmed).rectangle((left, top, right - 1, bottom - 1), outline="white", width=_LINE)
    return dimmed


def fitting_words(size: np.ndarray | tuple[int, int], fit: Fit) -> str:
    """Return how a picture of this width and height became 32 x 32, such as "640 x 480, the central square, shrunk to
    32 x 32"."""
    width, height = (int(side) for side in size)
    longest, shortest = max(width, height), min(width, height)
    words = [f"{width:,} x {height:,}"]
    if fit == "stretch" and longest != shortest:
        return f"{words[0]}, {FIT_TITLES[fit]} to 32 x 32"
    if longest != shortest:
        words.append(f"the {FIT_TITLES[fit]}")
    side = shortest if fit == "crop" else longest
    if side != _NETWORK_SIDE:
        words.append(f"{'shrunk' if side > _NETWORK_SIDE else 'enlarged'} to 32 x 32")
    return ", ".join(words)
