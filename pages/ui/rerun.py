"""Rerunning a page because the disk has changed, without losing a click that came meanwhile."""

from typing import NoReturn

import streamlit as st


def rerun_page() -> NoReturn:
    """Run the page's script again, from a fragment that reads the disk by itself.

    A click that came while the fragment ran has priority: `st.rerun` alone would replace the page that a click in the
    sidebar has just asked for by this one.
    """
    st.empty()  # drawing an element lets Streamlit serve the click first
    st.rerun()
