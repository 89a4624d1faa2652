"""The lists of pictures: what became of each from A to B, filtered, sorted and exported like any grid."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd
import streamlit as st

from cifar_core.evaluate import VERDICTS, PairedComparison
from cifar_core.samples import OUTCOMES, sorts_of
from cifar_core.workspace import Workspace
from pages.ui.compare.choice import PAGE_KEY
from pages.ui.components.scroll_here import ask_to_scroll, scroll_here
from pages.ui.understand.filter_panel import show_filter_panel
from pages.ui.understand.gallery import show_gallery, show_shared
from pages.ui.understand.gallery_filters import (
    chosen_filter,
    filter_url_parameters,
    go_to_first_page,
    show_chips,
    show_panel_button,
    show_tile_sizes,
)
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery
from pages.ui.understand.joined_columns import RunAtEpoch
from pages.ui.understand.selection import select_all
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import UrlParameter, any_of, one_of

ALL = "all"
LISTS = (*VERDICTS, ALL)
MEANINGS = {
    "fixed": "wrong in A, right in B",
    "broken": "right in A, wrong in B",
    "both wrong": "wrong in A and in B",
    "both right": "right in A and in B",
    ALL: "whatever A and B say",
}
PICTURES = "compare_pictures"  # their place, for `ask_to_scroll`
PICTURES_HEIGHT = 470  # CSS pixels: what stands beside them stays in view while one looks through them
UNSCROLLED = 9  # so few pictures have room without scrolling
FIRST_TILE = 230  # CSS pixels from the top of the column to the end of its first tile
_NO_FILTERS = ("verdict", "page", "size", "image", "tile", "sort", "outcome")


def list_counts(comparison: PairedComparison) -> dict[str, int]:
    """Return how many pictures are in each list."""
    counts = (comparison.fixed, comparison.broken, comparison.both_wrong, comparison.both_right, comparison.n)
    return dict(zip(LISTS, counts, strict=True))


def picture_url_parameters(
    class_names: Sequence[str], names: Sequence[str], table: pd.DataFrame, counts: Mapping[str, int]
) -> dict[str, UrlParameter]:
    """Return what the URL says of the pictures.

    Args:
        class_names: that B knows.
        names: that A or B knows.
        table: B's sample table, with the counts over its seeds where it has repeats.
        counts: of the lists; unless another one is chosen, what only B gets wrong is shown, since a person must know
            that before taking B; where nothing is, the first list that is not empty.
    """
    first = next((name for name in ("broken", *LISTS) if counts[name]), ALL)
    return filter_url_parameters(class_names, table) | {
        "outcome": one_of(OUTCOMES, "all"),
        "verdict": one_of(LISTS, first),
        "other_predicted": any_of(names),
        "predicted_by_one": any_of(names),
    }


def keep_cell(matrix: str, true: str, predicted: str) -> None:
    """Show the pictures of one cell, whatever became of them; for a callback.

    Args:
        matrix: `predicted` for that of B, `other_predicted` for that of A, `predicted_by_one` for their difference.
        true: name of the class of the row.
        predicted: name of the class of the column.
    """
    state = st.session_state
    for name in ("predicted", "other_predicted", "predicted_by_one"):
        state[f"{PAGE_KEY}_{name}"] = [predicted] if name == matrix else []
    state[f"{PAGE_KEY}_true"], state[f"{PAGE_KEY}_verdict"] = [true], ALL
    go_to_first_page(PAGE_KEY)
    ask_to_scroll(PICTURES)


def keep_class(true: str) -> None:
    """Show the pictures of one class in the list that is open; for a callback."""
    for name in ("predicted", "other_predicted", "predicted_by_one"):
        st.session_state[f"{PAGE_KEY}_{name}"] = []
    st.session_state[f"{PAGE_KEY}_true"] = [true]
    go_to_first_page(PAGE_KEY)
    ask_to_scroll(PICTURES)


def show_pictures(
    workspace: Workspace,
    pair: tuple[RunAtEpoch, RunAtEpoch],
    counts: Mapping[str, int],
    parameters: Mapping[str, UrlParameter],
) -> None:
    """Show the filters, and the pictures of the chosen list that pass them."""
    a, b = pair
    scroll_here(PICTURES, FIRST_TILE)
    verdict = st.session_state[f"{PAGE_KEY}_verdict"]
    chosen, sort = chosen_filter(PAGE_KEY, parameters)
    wanted = replace(
        chosen,
        verdict=() if verdict == ALL else (verdict,),
        other_predicted=tuple(st.session_state[f"{PAGE_KEY}_other_predicted"]),
        predicted_by_one=tuple(st.session_state[f"{PAGE_KEY}_predicted_by_one"]),
    )
    content = GalleryQuery(PAGE_KEY, workspace, b.run, b.epoch, wanted, sort, a).load()
    filters = {name: each for name, each in parameters.items() if name not in _NO_FILTERS}
    with st.container(gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            is_open = show_panel_button(PAGE_KEY)
            _show_sort(content.table)
            tile = show_tile_sizes(PAGE_KEY)
            show_chips(PAGE_KEY, filters, wanted, predicted="B predicts")
        if is_open:
            show_filter_panel(PAGE_KEY, content, parameters, partial(go_to_first_page, PAGE_KEY))
        _show_count(content, verdict, counts[verdict])
    with st.container(height=PICTURES_HEIGHT if len(content.rows) > UNSCROLLED else "content", border=False):
        show_gallery(content, tile=tile)
    show_selection_bar(workspace, content)


def show_lists(counts: Mapping[str, int]) -> None:
    """Show the choice of a list, each with its number of pictures."""
    st.segmented_control(
        "List",
        LISTS,
        required=True,
        key=f"{PAGE_KEY}_verdict",
        format_func=lambda name: "All" if name == ALL else f"{name.capitalize()} {counts[name]:,}",
        label_visibility="collapsed",
        wrap=True,
        on_change=partial(go_to_first_page, PAGE_KEY),
    )


def _show_sort(table: pd.DataFrame) -> None:
    sorts = sorts_of(table)
    st.selectbox(
        "Sort by",
        list(sorts),
        key=f"{PAGE_KEY}_sort",
        format_func=lambda name: f"Sort: {sorts[name].title_for('all').lower()}",
        help="Scores are those of B.",
        label_visibility="collapsed",
        width=210,
        on_change=partial(go_to_first_page, PAGE_KEY),
    )


def _show_count(content: GalleryContent, verdict: str, whole: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        of = "" if len(content.rows) == whole else f" of {whole:,}"
        st.markdown(f"**{len(content.rows):,}**{of} {MEANINGS[verdict]}", width="content")
        st.button(
            "Select all that match",
            key=f"{PAGE_KEY}_select_all",
            type="tertiary",
            icon=":material/select_all:",
            disabled=content.rows.empty,
            on_click=select_all,
            args=(content.query,),
        )
        show_shared(content)
