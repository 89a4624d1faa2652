"""Drawing a page anew because the disk has changed, without losing a click that came meanwhile."""

from typing import NoReturn

import streamlit as st


def rerun_page() -> NoReturn:
    """Run the page's script again; for a view that looks by itself.

    What a person asked for while the view looked comes first: `st.rerun` alone would put this page in the place of the one
    that a click in the sidebar has just asked for.
    """
    st.empty()  # here Streamlit leaves for what was asked
    st.rerun()
