"""The augmentation preview: one picture as stored, as augmentation varies it, and normalised as the network gets it."""

from typing import Any

import numpy as np
import streamlit as st
from PIL import Image

from cifar_core.config import DataConfig, spec_of
from cifar_core.data import Dataset, Split, augment, draw_variation, normalised_view
from cifar_core.workspace import Workspace
from pages.ui.components.images import enlarged
from pages.ui.components.original_picture import fitting_words, load_original, show_original
from pages.ui.components.scroll_here import scroll_here
from pages.ui.data.picture_browser import OPENED
from pages.ui.markdown import escaped

VARIATIONS = 5  # random variations shown beside the original
SCALE = 4  # screen pixels of a picture's pixel
PAIR_SCALE = 6  # the same, where a picture stands beside its original


def show_augmentation(workspace: Workspace, dataset: Dataset, split: Split, row: int) -> None:
    """Show one picture as it came and as stored, as augmentation varies it, and normalised as the network gets it."""
    scroll_here(OPENED)
    st.header(
        "One picture, varied",
        anchor=False,
        help="Augmentation shows the network a new variation of each training picture in every epoch. "
        "Normalisation then brings each colour to mean 0 and standard deviation 1.",
    )
    label = dataset.class_names[split.labels[row]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        settings = {name: _show_control(name) for name in ("flip", "shift", "mirror_edges", "cutout")}
        draw = st.number_input(
            "Draw", 0, 10**6, key="data_draw", width=130, help="Another number gives other random variations."
        )
    stored = np.asarray(split.images[row])
    variation = draw_variation(DataConfig(**settings), VARIATIONS, np.random.default_rng(draw))
    varied = augment(np.repeat(stored[None], VARIATIONS, axis=0), variation)  # [VARIATIONS, 3, 32, 32]
    view = normalised_view(varied[0], dataset.mean, dataset.std)
    original = load_original(workspace, dataset.name, split, row)
    st.caption(f"{escaped(label)} · {escaped(split.ids[row])} · {_origin(dataset, split, row, original)}")
    if original is not None:
        with st.container(horizontal=True):
            show_original(original, dataset.fit, stored.shape[1] * PAIR_SCALE, f"{label}, the original")
            _show_variation(stored, "as stored", f"{label} as stored", PAIR_SCALE)
    with st.container(horizontal=True):
        if original is None:
            _show_variation(stored, "as stored", f"{label} as stored")
        for position, picture in enumerate(varied, start=1):
            _show_variation(picture, f"varied {position}", f"{label}, variation {position}")
        _show_variation(view.pixels, "varied 1, normalised", f"{label}, variation 1, normalised")
    low = f"{view.low:.2f}".replace("-", "−")
    st.caption(
        f"Normalised: values from {low} to {view.high:.2f}, shown from black (−{view.bound:.2f}) over grey (0) "
        f"to white (+{view.bound:.2f}), the same range for every picture of {escaped(dataset.name)}; mean "
        f"{_three_decimals(dataset.mean)} and standard deviation {_three_decimals(dataset.std)} "
        "of the training part (red, green, blue)."
    )


def _origin(dataset: Dataset, split: Split, row: int, original: Image.Image | None) -> str:
    """Return what a picture was before it became 32 x 32, as far as the dataset says it."""
    size = None if split.sizes is None else split.sizes[row]
    if original is not None:
        return fitting_words(original.size if size is None else size, dataset.fit)
    return f"Original size: {'not recorded' if size is None else ' x '.join(f'{side:,}' for side in size)}"


def _show_control(name: str) -> Any:
    spec = spec_of(name)
    if spec.kind == "bool":
        return st.toggle(spec.label, value=getattr(DataConfig(), name), key=f"data_vary_{name}", help=spec.help)
    return st.slider(
        f"{spec.label} ({spec.unit})",
        int(spec.low),
        int(spec.high),
        int(spec.high) // 2,
        key=f"data_vary_{name}",
        help=spec.help,
        width=220,
    )


def _show_variation(pixels: np.ndarray, caption: str, alt: str, scale: int = SCALE) -> None:
    st.image(enlarged(pixels, scale), caption=caption, alt=alt, output_format="PNG")


def _three_decimals(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)
