"""The pictures behind a number of the Trust page, as a grid with the way to Misclassified."""

from collections.abc import Mapping
from functools import partial

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from cifar_core.runs import Run
from cifar_core.samples import SampleFilter
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.components.scroll_here import scroll_here
from pages.ui.trust.choice import PAGE_KEY, PICTURES, choose_pictures
from pages.ui.understand.gallery import show_gallery, show_shared
from pages.ui.understand.gallery_query import GalleryQuery
from pages.ui.understand.selection_bar import show_selection_bar

PICTURES_HEIGHT = 470  # CSS pixels: the chart beside them stays in view while one looks through them
UNSCROLLED = 9  # so few pictures have room without scrolling
FIRST_TILE = 260  # CSS pixels from the top of the column to the end of its first tile


def mark_place_of_pictures() -> None:
    """Mark where the pictures stand, so that a click goes there where they are out of sight."""
    scroll_here(PICTURES, FIRST_TILE)


def show_pictures(
    workspace: Workspace,
    run: Run,
    epoch: int,
    wanted: SampleFilter,
    *,
    choice: str,
    title: str,
    link: Mapping[str, str],
) -> None:
    """Show the pictures that pass a filter, with a chip that lifts it.

    Args:
        workspace: where.
        run: whose pictures.
        epoch: whose predictions.
        wanted: which pictures.
        choice: the parameter of the page that chose them.
        title: what they have in common.
        link: the address of the same pictures on Misclassified, without the run; {} where it has no such filter.
    """
    content = GalleryQuery(PAGE_KEY, workspace, run, epoch, wanted, "loss").load()
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.button(
            title,
            key=f"{PAGE_KEY}_lift",
            icon=":material/close:",
            icon_position="right",
            help="Lift this choice",
            on_click=partial(choose_pictures, choice, None),
        )
        if link and not content.rows.empty:
            st.page_link(
                "pages/misclassified.py",
                label="Open in Misclassified",
                icon=":material/open_in_new:",
                query_params={"run": run.id, **link},
            )
    if content.rows.empty:
        st.info("There is no such picture.", icon=":material/image_not_supported:")
        return
    st.markdown(_count_words(content.rows["correct"].to_numpy()))
    show_shared(content)
    with st.container(height=PICTURES_HEIGHT if len(content.rows) > UNSCROLLED else "content", border=False):
        show_gallery(content)
    show_selection_bar(workspace, content)


def _count_words(correct: NDArray[np.bool_]) -> str:
    """Return how many pictures there are, and how many of them are right where some are and some are not."""
    words = f"**{counted(len(correct), 'picture')}**"
    if correct.all() or not correct.any():
        return words
    return f"{words}, {correct.sum():,} right, {(~correct).sum():,} wrong"
