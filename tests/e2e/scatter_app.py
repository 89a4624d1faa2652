"""A page with nothing but the scatter map on many points, for the tests of it in a browser."""

from typing import Any

import numpy as np
import streamlit as st

from pages.ui.components.scatter_map import (
    ScatterAxis,
    ScatterColours,
    ScatterEvent,
    ScatterPoints,
    category_colours,
    scatter_map,
    scatter_points,
)

COUNT = 50_000
CLASSES = ("airplane", "cat", "dog")
AXES = (ScatterAxis("Variability", 0.0, 0.5), ScatterAxis("Confidence", 0.0, 1.0))


def places() -> tuple[np.ndarray, np.ndarray]:
    """Where the points are: x and y, float32 [COUNT]."""
    rng = np.random.default_rng(21)
    return (0.5 * rng.random(COUNT)).astype(np.float32), rng.beta(2, 1.2, COUNT).astype(np.float32)


@st.cache_resource
def prepared() -> tuple[ScatterPoints, ScatterColours]:
    """The points and their colours, made once."""
    points = scatter_points(*places(), [f"picture-{index:05d}" for index in range(COUNT)], AXES)
    return points, category_colours("Class", np.arange(COUNT) % len(CLASSES), CLASSES)


def note(event: ScatterEvent) -> None:
    """Keep what was done for the page."""
    if event.opened is not None:
        st.session_state.opened = event.opened
    else:
        st.session_state.chosen = event.selected


def show() -> None:
    """The map, a button that selects from outside, and words on what is selected."""
    state: Any = st.session_state
    st.set_page_config(layout="wide")
    st.title("Map")
    st.button("Again")
    if st.button("First ten"):
        state.chosen = np.arange(10)
    scatter_map(
        *prepared(),
        key="map",
        label="Pictures by variability and confidence.",
        on_change=note,
        selected=state.get("chosen"),
        marked=np.array([5]),
    )
    st.text(f"opened {state.get('opened', '')}")
    chosen = state.get("chosen", np.array([], int))
    st.text(f"selected {len(chosen)}")
    st.text("sum " + str(int(np.sum(chosen))))


if __name__ == "__main__":
    show()
