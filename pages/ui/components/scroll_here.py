"""Scrolls the page to where this stands, after a click whose answer would otherwise be out of sight.

No native element does that.
"""

from pathlib import Path

import streamlit as st

_component = st.components.v2.component(
    "cifar_core.scroll_here",
    html="<span></span>",
    js=(Path(__file__).parent / "scroll_here.js").read_text("utf-8"),
)


def scroll_here(turn: int, key: str) -> None:
    """Scroll here once for each new `turn`, a number that counts the clicks; 0 is none yet."""
    _component(key=key, data={"turn": turn})
