"""Looking at a dataset's pictures by split and class, and at one of them varied and normalised.

What is chosen is in the page's address. Reads the opened dataset only.
"""

import math
from typing import Any

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.config import DataConfig, spec_of
from cifar_core.data import Dataset, Split, augment, draw_variation, normalised_view
from pages.ui.components.image_grid import image_grid
from pages.ui.components.images import enlarged
from pages.ui.markdown import clean, plain
from pages.ui.url_state import Part, choice, give, number, take, text

PAGE = 48  # tiles at once
DRAWS = 5  # random variations shown beside the original
_EVERY = -1  # in place of a class: a name of its own might be some class's
ZOOM = 4  # screen pixels of a picture's pixel


def browse(dataset: Dataset, bar: DeltaGenerator) -> tuple[Split, int | None]:
    """The pictures of a split, a class or all, in pages; returns the split and the row of the picture chosen last, else of the
    first; none where there is none."""
    names = dataset.class_names
    parts = {
        "split": choice(["train", "test"], "train"),
        "class": Part(_EVERY, lambda texts: names.index(texts[0]), lambda place: [names[place]]),
        "page": number(1, 10**6, 1),
        "picture": text(),
    }
    take("data", parts, of=dataset.name)
    with bar:
        st.segmented_control("Split", ["train", "test"], key="data_split", required=True, on_change=_first_page)
        st.selectbox("Class", [_EVERY, *range(len(names))], key="data_class", width=200, on_change=_first_page,
                     format_func=lambda place: clean(names[place]) if place != _EVERY else f"all {len(names)} classes")  # fmt: skip
    state = st.session_state
    split: Split = dataset.train if state["data_split"] == "train" else dataset.test
    wanted = state["data_class"]
    rows = in_turn(split.labels) if wanted == _EVERY else np.flatnonzero(split.labels == wanted)
    pages = max(1, math.ceil(len(rows) / PAGE))
    state["data_page"] = min(state["data_page"], pages)
    here = rows[(state["data_page"] - 1) * PAGE :][:PAGE]
    st.caption(
        f"{plain(dataset.name)} · {state['data_split']}, n = {len(split.labels):,} · {len(rows):,} match · "
        "choose a picture to see it varied below"
    )
    event = image_grid(
        split.images[here],
        [names[label] for label in split.labels[here]],
        [str(name) for name in split.ids[here]],
        key="data_grid",
        tile=64,
    )
    with st.container(horizontal_alignment="center"):
        st.pagination(pages, key="data_page")
    state["data_picture"] = event.opened or state["data_picture"]
    give("data", parts)
    found = np.flatnonzero(split.ids == state["data_picture"])
    return split, int(found[0]) if len(found) else int(here[0]) if len(here) else None


def in_turn(labels: np.ndarray) -> np.ndarray:
    """Row numbers, the classes taking turns: imported pictures lie class by class, and a page is to show all of them."""
    by_class = np.argsort(labels, kind="stable")
    turn = np.empty(len(labels), np.int64)
    turn[by_class] = np.arange(len(labels)) - np.searchsorted(labels[by_class], labels[by_class])
    return np.lexsort((labels, turn))


def vary(dataset: Dataset, split: Split, row: int) -> None:
    """One picture as stored, as the chosen augmentation varies it, and normalised as the network gets it."""
    st.header(
        "One picture, varied",
        anchor=False,
        help="Augmentation shows the network a new variation of each training picture in every epoch. "
        "Normalisation then brings each colour to mean 0 and standard deviation 1.",
    )
    label = dataset.class_names[split.labels[row]]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        settings = {name: _control(name) for name in ("flip", "shift", "mirror_edges", "cutout")}
        draw = st.number_input(
            "Draw", 0, 10**6, key="data_draw", width=130, help="Another number, other random variations."
        )
    original = np.asarray(split.images[row])
    variation = draw_variation(DataConfig(**settings), DRAWS, np.random.default_rng(draw))
    varied = augment(np.repeat(original[None], DRAWS, axis=0), variation)  # [DRAWS, 3, 32, 32]
    view = normalised_view(varied[0], dataset.mean, dataset.std)
    st.caption(f"{plain(label)} · {plain(split.ids[row])}")
    with st.container(horizontal=True):
        _tile(original, "as stored", f"{label} as stored")
        for position, picture in enumerate(varied, start=1):
            _tile(picture, f"varied {position}", f"{label}, variation {position}")
        _tile(view.pixels, "varied 1, normalised", f"{label}, variation 1, normalised")
    low = f"{view.low:.2f}".replace("-", "−")
    st.caption(
        f"Normalised: values from {low} to {view.high:.2f}, shown from black (−{view.bound:.2f}) over grey (0) "
        f"to white (+{view.bound:.2f}), the same range for every picture of {plain(dataset.name)}; mean "
        f"{_three(dataset.mean)} and standard deviation {_three(dataset.std)} of the training part (red, green, blue)."
    )


def _control(name: str) -> Any:
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


def _tile(pixels: np.ndarray, caption: str, alt: str) -> None:
    st.image(enlarged(pixels, ZOOM), caption=caption, alt=alt, output_format="PNG")


def _three(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:.3f}" for value in values)


def _first_page() -> None:
    st.session_state["data_page"] = 1
