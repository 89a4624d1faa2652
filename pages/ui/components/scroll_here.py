"""Scrolls the page to where this stands, after a click whose answer would otherwise be out of sight.

No native element does that.
"""

from pathlib import Path

import streamlit as st

_ASKED_KEY = "scroll_asked"  # session: the place to go to when the page is drawn next
_TURN_KEY = "scroll_turn"  # session: how often somebody asked, so that the same place can be asked for twice
_component = st.components.v2.component(
    "cifar_core.scroll_here",
    html="<span></span>",
    js=(Path(__file__).parent / "scroll_here.js").read_text("utf-8"),
)


def ask_to_scroll(place: str) -> None:
    """Go to this place when the page is drawn next; also for a callback."""
    st.session_state[_ASKED_KEY] = place
    st.session_state[_TURN_KEY] = st.session_state.get(_TURN_KEY, 0) + 1


def scroll_here(place: str, room: int | None = None) -> None:
    """Mark a place, and scroll to it if that was asked for.

    Args:
        place: its name, which `ask_to_scroll` gets.
        room: height in CSS pixels that is needed below it: where so much is in view already, nothing moves.
    """
    asked = st.session_state.get(_ASKED_KEY) == place
    if asked:
        del st.session_state[_ASKED_KEY]
    _component(key=f"scroll_{place}", data={"turn": st.session_state[_TURN_KEY] if asked else 0, "room": room})
