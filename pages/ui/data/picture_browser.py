"""A browser of a dataset's pictures by part and class. What is chosen is in the URL."""

import math
from collections.abc import Sequence

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cifar_core.data import Dataset, Split, parts_of
from pages.ui.components.image_grid import image_grid
from pages.ui.components.scroll_here import ask_to_scroll
from pages.ui.markdown import escaped, single_line
from pages.ui.url_state import UrlParameter, free_text, go_to, one_of, url_to_widgets, whole_number, widgets_to_url

TILES_ON_PAGE = 48  # tiles at once
OPENED = "data_opened"  # the place where a picture is shown that was opened elsewhere
_ALL_CLASSES = -1  # a number, because any text might be the name of a class


def browse_pictures(dataset: Dataset, bar: DeltaGenerator) -> tuple[Split, int | None]:
    """Show the pictures of a part of the dataset, of a class or all, in pages.

    Returns:
        The arrays of the part, and the row of the picture chosen last, else of the first; None where there is none.
    """
    names, parts = dataset.class_names, parts_of(dataset)
    parameters = {
        "split": one_of(list(parts), "train"),
        "class": UrlParameter(_ALL_CLASSES, lambda texts: names.index(texts[0]), lambda place: [names[place]]),
        "page": whole_number(1, 10**6, 1),
        "picture": free_text(),
    }
    url_to_widgets("data", parameters, subject=dataset.name)
    with bar:
        _show_part_and_class(list(parts), names)
    state = st.session_state
    split, part = parts[state["data_split"]]
    labels, wanted = split.labels[part], state["data_class"]
    rows = part[classes_in_turn(labels) if wanted == _ALL_CLASSES else labels == wanted]
    pages = max(1, math.ceil(len(rows) / TILES_ON_PAGE))
    state["data_page"] = min(state["data_page"], pages)
    here = rows[(state["data_page"] - 1) * TILES_ON_PAGE :][:TILES_ON_PAGE]
    shared = "" if wanted == _ALL_CLASSES else f" · all: {escaped(names[wanted])}"
    st.caption(
        f"{escaped(dataset.name)} · {state['data_split']}, n = {len(part):,} · {len(rows):,} match{shared} · "
        "choose a picture to see it varied below"
    )
    labels = [names[label] for label in split.labels[here]]
    event = image_grid(
        split.images[here],
        [""] * len(here) if shared else labels,
        [str(name) for name in split.ids[here]],
        key="data_grid",
        labels=labels,
        tile=64,
    )
    with st.container(horizontal_alignment="center"):
        st.pagination(pages, key="data_page")
    state["data_picture"] = event.opened or state["data_picture"]
    widgets_to_url("data", parameters)
    return split, _row_of(split, part, here, state["data_picture"])


def _row_of(split: Split, part: np.ndarray, here: np.ndarray, name: str) -> int | None:
    """The row of a picture of the part by its id, else the first of those `here`; None where there is none."""
    found = here[split.ids[here] == name]
    if name and not len(found):  # on another page; a copy of a million ids would take longer than the search
        found = np.intersect1d(np.flatnonzero(split.ids == name), part)
    rows = found if len(found) else here
    return int(rows[0]) if len(rows) else None


def open_picture(dataset: Dataset, split: Split, row: int) -> None:
    """Rerun the page with this picture of the dataset open in the browser; what else the URL held is dropped."""
    part = next(part for part, (arrays, rows) in parts_of(dataset).items() if arrays is split and row in rows)
    address = {name: text for name, text in st.query_params.items() if name == "dataset"}
    if part != "train":
        address["split"] = part
    ask_to_scroll(OPENED)
    go_to("data", {**address, "picture": str(split.ids[row])})


def _show_part_and_class(parts: Sequence[str], names: Sequence[str]) -> None:
    st.segmented_control("Split", parts, key="data_split", required=True, on_change=_go_to_first_page)
    st.selectbox(
        "Class",
        [_ALL_CLASSES, *range(len(names))],
        key="data_class",
        width=200,
        on_change=_go_to_first_page,
        format_func=lambda place: single_line(names[place]) if place != _ALL_CLASSES else "all classes",
    )


def classes_in_turn(labels: np.ndarray) -> np.ndarray:
    """Return row numbers in which the classes alternate, because imported pictures are sorted by class."""
    by_class = np.argsort(labels, kind="stable")
    turn = np.empty(len(labels), np.int64)
    turn[by_class] = np.arange(len(labels)) - np.searchsorted(labels[by_class], labels[by_class])
    return np.lexsort((labels, turn))


def _go_to_first_page() -> None:
    st.session_state["data_page"] = 1
