"""What the Data page shows of one dataset: its pictures, checks, tags or card; and going there from elsewhere."""

import streamlit as st

from pages.ui.components.scroll_here import ask_to_scroll, scroll_here

VIEWS = ("Pictures", "Checks", "Tags", "Card")
_PLACE = "data_views"
_ARRIVED_KEY = "data_arrived"  # session: whether this page was shown already


def look_inside(name: str, view: str) -> None:
    """Choose a dataset and what is shown of it, and go there; for a callback."""
    st.session_state["data_dataset"], st.session_state["data_view"] = name, view
    ask_to_scroll(_PLACE)


def scroll_to_views() -> None:
    """Scroll here after `look_inside`, and where a link to one of these views was opened."""
    if _ARRIVED_KEY not in st.session_state and "view" in st.query_params:
        ask_to_scroll(_PLACE)
    st.session_state[_ARRIVED_KEY] = True
    scroll_here(_PLACE)
