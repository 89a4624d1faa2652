"""The selected pictures of a run: one selection for all pages, kept in the session and in the browser.

The session key is that of `GalleryQuery.selection_key`. The browser's storage brings a selection back after a reload.
"""

from functools import partial

import streamlit as st

from pages.ui.caches import load_findings
from pages.ui.components.browser_storage import browser_storage
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.understand.gallery import rows_on_page
from pages.ui.understand.gallery_query import GalleryQuery, selected_ids

_RESTORED_KEY = "selection_restored"  # session: whether the selection came back from the browser just now


def select_page(query: GalleryQuery) -> None:
    """Add the pictures on the page of tiles that is open to the selection; for a callback."""
    with show_errors_as_toast():
        st.session_state[query.selection_key] = selected_ids(query) | set(rows_on_page(query.load())["id"])


def select_all(query: GalleryQuery) -> None:
    """Add all pictures that match to the selection; for a callback."""
    with show_errors_as_toast():
        st.session_state[query.selection_key] = selected_ids(query) | set(query.load().rows["id"])


def clear_selection(query: GalleryQuery) -> None:
    """Forget the selection; for a callback."""
    st.session_state[query.selection_key] = set()


@st.fragment
def keep_in_browser(query: GalleryQuery) -> None:
    """Keep the selection in the browser; draw the page anew when one comes back from there.

    A fragment, so that a browser with nothing to say costs no second look of the page.
    """
    heard = f"{query.selection_key}_heard" in st.session_state
    browser_storage(
        query.selection_key,
        sorted(selected_ids(query)) if heard else [],
        heard=heard,
        on_heard=partial(_restore, query),
    )
    if st.session_state.pop(_RESTORED_KEY, False):
        st.rerun(scope="app")


def _restore(query: GalleryQuery, kept: list[str]) -> None:
    """Select what the browser kept, as far as the run still has it, beside what was selected meanwhile."""
    st.session_state[f"{query.selection_key}_heard"] = True
    if not kept:
        return
    with show_errors_as_toast():
        before = selected_ids(query)
        known = set(load_findings(query.workspace, query.run, query.epoch).table["id"])
        st.session_state[query.selection_key] = before | known.intersection(kept)
        st.session_state[_RESTORED_KEY] = st.session_state[query.selection_key] != before
