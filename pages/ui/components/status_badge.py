"""The state of a run as a badge."""

import streamlit as st

from cifar_core.runs import Run
from pages.ui.wording import (
    status_display,
)


def status_badge(run: Run) -> None:
    """Show the run's state as a word with a colour and an icon."""
    word, colour, icon = status_display(run)
    st.badge(word, color=colour, icon=icon)
