"""Previous and next picture, also by the arrow keys."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st


@dataclass(frozen=True)
class Neighbours:
    """The ids of the pictures before and after the one that is shown, "" where there is none, and its place."""

    before: str
    after: str
    words: str  # "3 of 312"


def show_neighbours(neighbours: Neighbours, page: str, go: Callable[[str], None]) -> None:
    """Show the buttons Previous and Next; `page` is the prefix of their keys."""
    for label, icon, shortcut, target in (
        ("Previous", ":material/arrow_back:", "Left", neighbours.before),
        ("Next", ":material/arrow_forward:", "Right", neighbours.after),
    ):
        st.button(
            label,
            icon=icon,
            shortcut=shortcut,
            key=f"{page}_{label}",
            disabled=not target,
            on_click=go,
            args=(target,),
        )
    st.caption(neighbours.words, width="content")
