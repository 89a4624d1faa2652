"""The gallery: pages of tiles with the predictions of a run.

A click opens a picture, a tick selects it. The session keeps which pictures are selected (`selection.py`); which page
of tiles and which picture are open is in the URL (`GALLERY_URL_PARAMETERS`).
"""

from collections.abc import Collection, Mapping
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.samples import SHARED_BY_VERDICT, filter_parts, shared_words, tile_label, tile_lines
from cifar_core.text import no_pictures
from pages.ui.components.image_grid import GridEvent, Mark, image_grid
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.picture.drawer import last_closed, open_picture, show_picture_detail
from pages.ui.tags.tag_buttons import pictures_to_tag, press_tag_key
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery, selected_ids
from pages.ui.understand.run_pictures import show_missing_pictures
from pages.ui.url_state import UrlParameter, free_text, one_of, whole_number

PAGE_SIZES = (48, 96, 192)  # pictures on a page of tiles
GALLERY_URL_PARAMETERS: dict[str, UrlParameter] = {
    "page": whole_number(1, 1_000_000, 1),
    "size": one_of(PAGE_SIZES, PAGE_SIZES[0]),
    "image": free_text(),
}


def _empty_message(content: GalleryContent) -> str:
    """Return the sentence where no picture is shown: what is filtered, and a way to some where there is one."""
    found, sample_filter = content.findings, content.query.sample_filter
    support = dict(zip(found.predictions.class_names, found.classes["support"], strict=True))
    if sample_filter.true and not any(support[name] for name in sample_filter.true):
        return f"There are {no_pictures(found.predictions.split)} of {escaped(', '.join(sample_filter.true))}."
    if sample_filter.outcome == "mistakes" and found.table["correct"].all():
        return "There are no mistakes: every picture is predicted correctly. Correct and All, above, show them."
    predicted = "B predicts" if content.query.against else "predicted"
    parts = [words for part, words in filter_parts(sample_filter, predicted=predicted) if part != "outcome"]
    only = {"mistakes": ["only wrong ones"], "correct": ["only correct ones"]}.get(sample_filter.outcome, [])
    return escaped_sentence(f"No picture matches: {', '.join(only + parts)}. Widen a filter to see some.")


def show_shared(content: GalleryContent) -> None:
    """Show what all pictures have in common, which no tile repeats, apart from what the filters say already."""
    wanted = content.query.sample_filter
    filtered = {words for _, words in filter_parts(wanted)}
    filtered |= {SHARED_BY_VERDICT.get(verdict, "") for verdict in wanted.verdict}
    if not content.rows.empty and (news := [words for words in shared_words(content.rows) if words not in filtered]):
        st.markdown(f"All: {escaped(', '.join(news))}", width="content")


def show_gallery(content: GalleryContent, *, tile: int = 96) -> None:
    """Show one page of tiles with its page numbers, and the picture that is open large; `show_shared` stands above.

    Args:
        content: the pictures.
        tile: width of a picture on screen, in CSS pixels.
    """
    shown = rows_on_page(content)
    if shown.empty:
        st.info(_empty_message(content), icon=":material/filter_alt_off:")
        return
    query, shared = content.query, shared_words(content.rows)
    if content.pictures.missing:
        show_missing_pictures(query.workspace, query.run, content.pictures.missing, f"{query.page}_missing")
    captions = [tile_lines(row, query.sort, shared) for row in shown.to_dict("records")]
    image_grid(
        content.split.images[shown["index"].to_numpy()],
        captions,
        shown["id"].tolist(),
        key=f"{query.page}_grid",
        labels=[tile_label(lines, shared) for lines in captions],
        marks=_marks(content.rows, shown),
        selected=selected_ids(query),
        on_change=partial(_on_grid_changed, query, dict(zip(shown["id"], shown["tags"], strict=True))),
        tile=tile,
        opened=st.session_state[f"{query.page}_image"],
        closed=last_closed(query.page),
    )
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


def _page_count(content: GalleryContent) -> int:
    size: int = st.session_state[f"{content.query.page}_size"]
    return max(1, -(-len(content.rows) // size))


def _marks(rows: pd.DataFrame, shown: pd.DataFrame) -> list[Mark]:
    """Return whether each picture shown is right, where there are right and wrong ones."""
    if rows["correct"].nunique() < 2:
        return [""] * len(shown)
    return ["right" if correct else "wrong" for correct in shown["correct"]]


def _on_grid_changed(query: GalleryQuery, tags: Mapping[str, Collection[str]], event: GridEvent) -> None:
    """Take over what was selected and what no longer; open the picture clicked; tag the one with the focus.

    Args:
        query: of the pictures shown.
        tags: of each picture shown.
        event: what the person did.
    """
    st.session_state[query.selection_key] = (selected_ids(query) - event.removed) | event.added
    for name, number in event.pressed:
        press_tag_key(pictures_to_tag(query.workspace, query.run, [name]), number, tags.get(name, ()))
    if event.opened:
        open_picture(query.page, event.opened)
