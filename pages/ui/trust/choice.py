"""What a person chose on the Trust page, kept in its URL: a view, a bin, a threshold, a list of pictures."""

from typing import Any

import streamlit as st

from cifar_core.evaluate import BINS, OUTCOMES
from pages.ui.components.scroll_here import ask_to_scroll
from pages.ui.understand.gallery import GALLERY_URL_PARAMETERS
from pages.ui.url_state import UrlParameter, number, on_off, one_of

PAGE_KEY = "trust"
PICTURES = "trust_pictures"  # the place of the chosen pictures, for `ask_to_scroll`
VIEWS = {"calibration": "How sure, how right", "threshold": "Answer only when sure", "sets": "Sets of classes"}
DEFAULT_THRESHOLD = 0.9
WANTED_LOW, WANTED_HIGH = 1.0, 100.0  # per cent
TRUST_URL_PARAMETERS: dict[str, UrlParameter] = {
    "view": one_of(list(VIEWS), "calibration"),
    "scaled": on_off(False),
    "bin": one_of(range(BINS), None),
    "threshold": number(0.0, 1.0, DEFAULT_THRESHOLD),
    "wanted": number(WANTED_LOW, WANTED_HIGH, None),
    "list": one_of(OUTCOMES, None),
    **GALLERY_URL_PARAMETERS,
}


def chosen(name: str) -> Any:
    """Return what a widget of the page says: one of `TRUST_URL_PARAMETERS`."""
    return st.session_state[f"{PAGE_KEY}_{name}"]


def choose(name: str, value: Any) -> None:
    """Let a widget of the page say this; for a callback."""
    st.session_state[f"{PAGE_KEY}_{name}"] = value


def choose_pictures(name: str, value: Any) -> None:
    """Show the pictures of a bin (`bin`) or of an outcome (`list`), or none with None; for a callback."""
    choose(name, value)
    on_pictures_changed()


def on_pictures_changed() -> None:
    """Go to the first page of pictures and to where they stand, and deselect what was clicked; for a callback."""
    choose("page", 1)
    st.session_state[f"{PAGE_KEY}_turn"] = st.session_state.get(f"{PAGE_KEY}_turn", 0) + 1
    ask_to_scroll(PICTURES)


def clicked_key(name: str) -> str:
    """Return the key of a chart or table whose parts choose; a new one deselects what was clicked, so that it can be
    clicked again."""
    return f"{PAGE_KEY}_{name}_{st.session_state.get(f'{PAGE_KEY}_turn', 0)}"
