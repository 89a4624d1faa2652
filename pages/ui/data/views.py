"""What the Data page shows of one dataset: its pictures, its checks or its card; and going there from elsewhere."""

import streamlit as st

from pages.ui.components.scroll_here import scroll_here

VIEWS = ("Pictures", "Checks", "Card")
_TURN_KEY = "data_view_turn"  # session: how often a click led here


def look_inside(name: str, view: str) -> None:
    """Choose a dataset and what is shown of it, and go there; for a callback."""
    state = st.session_state
    state["data_dataset"], state["data_view"] = name, view
    state[_TURN_KEY] = state.get(_TURN_KEY, 0) + 1


def scroll_to_views() -> None:
    """Scroll here after `look_inside`."""
    scroll_here(st.session_state.get(_TURN_KEY, 0), "data_views")
