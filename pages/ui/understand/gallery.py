"""The gallery: pages of tiles with the predictions of a run, and their selection.

The session keeps, for each page and run, which pictures are selected. Which page of tiles and which picture are open
is in the URL (`GALLERY_URL_PARAMETERS`).
"""

from collections.abc import Set
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.samples import tile_lines
from cifar_core.text import no_pictures
from pages.ui.components.image_grid import GridEvent, image_grid
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped
from pages.ui.picture.drawer import open_picture, show_picture_detail
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery, selected_ids
from pages.ui.url_state import UrlParameter, free_text, one_of, whole_number

PAGE_SIZES = (48, 96, 192)  # pictures on a page of tiles
GALLERY_URL_PARAMETERS: dict[str, UrlParameter] = {
    "page": whole_number(1, 1_000_000, 1),
    "size": one_of(PAGE_SIZES, PAGE_SIZES[0]),
    "image": free_text(),
}


def _empty_message(content: GalleryContent) -> str:
    """Return the sentence where no picture is shown, with a way to some where there is one."""
    found, true = content.findings, content.query.sample_filter.true
    support = dict(zip(found.predictions.class_names, found.classes["support"], strict=True))
    if true and not any(support[name] for name in true):
        return f"There are {no_pictures(found.predictions.split)} of {escaped(', '.join(true))}."
    if not content.query.selectable:
        return "There is no such picture."
    if content.findings.table["correct"].all():
        return "There are no mistakes: every picture is predicted correctly. Correct and All, above, show them."
    return "No picture matches. Widen a filter to see some."


def show_gallery(content: GalleryContent) -> None:
    """Show one page of tiles with its page numbers, and the picture that is open large."""
    shown = rows_on_page(content)
    if shown.empty:
        st.info(_empty_message(content), icon=":material/filter_alt_off:")
        return
    query = content.query
    event = image_grid(
        content.split.images[shown["index"].to_numpy()],
        [tile_lines(row, query.sort) for _, row in shown.iterrows()],
        shown["id"].tolist(),
        key=f"{query.page}_grid",
        selected=selected_ids(query) if query.selectable else (),
        on_change=partial(_on_grid_changed, query, frozenset(shown["id"])) if query.selectable else None,
    )
    if event.opened:
        open_picture(query.page, event.opened)
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        if len(content.rows) > min(PAGE_SIZES):
            st.pagination(_page_count(content), key=f"{query.page}_page")
            st.segmented_control(
                "Pictures on a page",
                PAGE_SIZES,
                required=True,
                key=f"{query.page}_size",
                format_func="{} a page".format,
                label_visibility="collapsed",
            )
    if st.session_state[f"{query.page}_image"]:
        show_picture_detail(query)


def rows_on_page(content: GalleryContent) -> pd.DataFrame:
    """Return the rows of the open page of tiles; the last page where the filters leave fewer pages."""
    key, size = f"{content.query.page}_page", st.session_state[f"{content.query.page}_size"]
    if st.session_state[key] > _page_count(content):
        st.session_state[key] = _page_count(content)
    first = (st.session_state[key] - 1) * size
    return content.rows.iloc[first : first + size]


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


def _page_count(content: GalleryContent) -> int:
    size: int = st.session_state[f"{content.query.page}_size"]
    return max(1, -(-len(content.rows) // size))


def _on_grid_changed(query: GalleryQuery, shown: Set[str], event: GridEvent) -> None:
    """Take over the selection among the tiles shown; what is selected elsewhere stays."""
    st.session_state[query.selection_key] = (selected_ids(query) - shown) | event.selected
