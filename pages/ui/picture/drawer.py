"""The drawer that a click on a tile opens: one picture over the grid that it comes from.

Which picture is open is in the URL, as `image` over a grid and as `id` on the Picture page.
"""

from functools import partial

import streamlit as st

from pages.ui.error_messages import show_errors
from pages.ui.glossary import glossary_is_open
from pages.ui.picture.navigation import Neighbours, show_neighbours
from pages.ui.picture.shown_picture import find_picture
from pages.ui.picture.view import show_picture
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery, selected_ids

PICTURE_PAGE = "picture"  # prefix of the keys of the page that shows an open picture itself, without a drawer


def open_picture(page: str, image: str) -> None:
    """Show a picture large, or none; the URL follows."""
    name = "id" if page == PICTURE_PAGE else "image"
    if not image:
        st.session_state[_closed_key(page)] = st.session_state.get(f"{page}_{name}", "")
    st.session_state[f"{page}_{name}"] = image
    st.session_state.pop(_epoch_key(page), None)  # the next picture begins at the epoch of its tile
    if image:
        st.query_params[name] = image
    else:
        st.query_params.pop(name, None)


def last_closed(page: str) -> str:
    """Return the id of the picture that was open when the drawer of this page was closed last."""
    closed: str = st.session_state.get(_closed_key(page), "")
    return closed


def show_picture_detail(query: GalleryQuery) -> None:
    """Show the open picture in a drawer on the right; closing it removes the picture from the URL."""
    if glossary_is_open():
        return
    drawer = st.dialog("Picture", width="medium", position="right", on_dismiss=partial(open_picture, query.page, ""))
    drawer(_show_in_drawer)(query)


def _show_in_drawer(query: GalleryQuery) -> None:
    """Fill the drawer. It is redrawn by itself, and the run may be deleted by then."""
    with show_errors():
        content = query.load()
        wanted = st.session_state[f"{query.page}_image"]
        picture = find_picture(content, wanted)
        if picture is None:
            st.warning("There is no such picture in this run's test set.")
            return
        epoch_key = _epoch_key(query.page)
        _forget_other_epoch(epoch_key, (query.run.id, query.epoch, wanted))
        epoch = st.session_state.get(epoch_key, content.findings.predictions.epoch)
        _show_head(content, wanted, epoch)
        show_picture(picture, epoch, epoch_key, _calibrated_key(query.page))


def _show_head(content: GalleryContent, wanted: str, epoch: int) -> None:
    """Show Previous and Next in the order of the grid, whether the picture is selected, and the way to its page."""
    query, ids = content.query, content.rows["id"].tolist()
    place = ids.index(wanted) if wanted in ids else None
    neighbours = Neighbours(
        before=ids[place - 1] if place else "",
        after=ids[place + 1] if place is not None and place + 1 < len(ids) else "",
        words=f"{place + 1:,} of {len(ids):,}" if place is not None else "outside the filters",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_neighbours(neighbours, query.page, partial(open_picture, query.page))
        _show_selected(query, wanted)
        link = {"run": query.run.id, "id": wanted, "epoch": str(epoch), **_page_order(query)}
        if st.session_state.get(_calibrated_key(query.page)):
            link["calibrated"] = "1"
        st.page_link("pages/picture.py", label="Open as a page", icon=":material/open_in_full:", query_params=link)


def _show_selected(query: GalleryQuery, wanted: str) -> None:
    """Show whether the picture is selected, as a button with a key."""
    chosen = wanted in selected_ids(query)
    st.button(
        "Selected" if chosen else "Select",
        icon=":material/check_box:" if chosen else ":material/check_box_outline_blank:",
        shortcut="S",
        key=f"{query.page}_pick",
        on_click=_toggle_selected,
        args=(query, wanted),
    )


def _toggle_selected(query: GalleryQuery, wanted: str) -> None:
    st.session_state[query.selection_key] = selected_ids(query) ^ {wanted}


def _page_order(query: GalleryQuery) -> dict[str, str]:
    """Return the parameters that let the Picture page go through the same pictures, as far as it has such a choice."""
    wanted = query.sample_filter
    order = {"outcome": "mistakes"} if wanted.outcome == "mistakes" else {}
    return order | ({"true": wanted.true[0]} if len(wanted.true) == 1 else {})


def _forget_other_epoch(epoch_key: str, shown: tuple[str, int, str]) -> None:
    """Forget the epoch that was played of another picture, grid or run: a link leaves a drawer without closing it."""
    if st.session_state.get(f"{epoch_key}_of") != shown:
        st.session_state[f"{epoch_key}_of"] = shown
        st.session_state.pop(epoch_key, None)


def _epoch_key(page: str) -> str:
    return f"{page}_played_epoch"


def _calibrated_key(page: str) -> str:
    return f"{page}_drawer_calibrated"


def _closed_key(page: str) -> str:
    return f"{page}_closed_image"
