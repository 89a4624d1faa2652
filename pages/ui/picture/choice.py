"""The test pictures on the Picture page: chosen by thumbnail, number or id, then one of them large.

The page's parameters in the URL: `id` (the picture that is open), `epoch`, `calibrated` (whether its probabilities are
shown with a temperature), `outcome`, `true` and `find`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.data.dataset_limits import MAX_ID
from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.samples import SampleFilter
from cifar_core.workspace import Workspace
from pages.ui.markdown import escaped
from pages.ui.picture.drawer import PICTURE_PAGE, open_picture
from pages.ui.picture.navigation import Neighbours, show_neighbours
from pages.ui.picture.shown_picture import ShownPicture, find_picture
from pages.ui.picture.view import show_picture
from pages.ui.understand.gallery import GALLERY_URL_PARAMETERS, show_gallery, show_shared
from pages.ui.understand.gallery_query import GalleryContent, GalleryQuery
from pages.ui.understand.recompute_button import best_epoch_findings, show_unreadable_epoch
from pages.ui.understand.selection_bar import show_selection_bar
from pages.ui.url_state import UrlParameter, free_text, one_of

OUTCOMES = {"all": "All", "mistakes": "Mistakes"}
FIND_HELP = "The number of a picture, counted from 0 as in tables of predictions, or part of its id."


@dataclass(frozen=True)
class PicturesInOrder(GalleryQuery):
    """The test pictures that match, in the order of the dataset."""

    def load(self) -> GalleryContent:
        """Return the pictures that match; as `GalleryQuery.load`, but the text may be a number too."""
        text = self.sample_filter.text
        content = GalleryQuery.load(replace(self, sample_filter=replace(self.sample_filter, text="")))
        rows = matching(content.rows.sort_values("index", ignore_index=True), text)
        return replace(content, query=self, rows=rows)


def matching(rows: pd.DataFrame, find: str) -> pd.DataFrame:
    """Return the rows of the sample table whose id has `find` in it, after the row with that number, if any."""
    text = find.strip().casefold()
    if not text:
        return rows
    numbered = rows["index"] == (int(text) if text.isdecimal() and len(text) < 10 else -1)
    named = rows["id"].str.casefold().str.contains(text, regex=False)
    return pd.concat([rows[numbered], rows[named & ~numbered]], ignore_index=True)


def picture_url_parameters(class_names: Sequence[str], epochs: Sequence[int], best: int) -> dict[str, UrlParameter]:
    """Return what the URL says about the test pictures."""
    return {
        "id": free_text(MAX_ID),
        "epoch": one_of(epochs, best),
        "outcome": one_of(list(OUTCOMES), "all"),
        "true": one_of(class_names, None),
        "find": free_text(),
        **GALLERY_URL_PARAMETERS,
    }


def show_test_pictures(workspace: Workspace, run: Run) -> None:
    """Show the picture that is open; where none is, those to choose from."""
    best_epoch_findings(workspace, run)  # where it is damaged, the page ends with the button that mends it
    query = _query(workspace, run)
    try:
        content = query.load()
    except RunError as error:
        show_unreadable_epoch(PICTURE_PAGE, run, error)
        return
    wanted = st.session_state[f"{PICTURE_PAGE}_id"]
    picture = find_picture(content, wanted)
    if picture is not None:
        _show_one(content, picture)
        return
    if wanted:
        st.warning(
            f"There is no picture {escaped(wanted)} in this run's test set. Choose one below.",
            icon=":material/search_off:",
        )
    text = st.session_state[f"{PICTURE_PAGE}_find"]
    _show_choice(replace(query, sample_filter=replace(query.sample_filter, text=text)).load())


def _query(workspace: Workspace, run: Run) -> PicturesInOrder:
    """Return what the filters keep; what was typed to find a picture does not say which one is next."""
    epoch, outcome, true = (st.session_state[f"{PICTURE_PAGE}_{name}"] for name in ("epoch", "outcome", "true"))
    kept = SampleFilter(true=(true,) if true else (), outcome=outcome)
    return PicturesInOrder(PICTURE_PAGE, workspace, run, epoch, kept, "confidence")


def _show_choice(content: GalleryContent) -> None:
    """Show the test pictures as tiles; a click opens one on this page."""
    first_page = partial(st.session_state.__setitem__, f"{PICTURE_PAGE}_page", 1)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.segmented_control(
            "Show",
            list(OUTCOMES),
            required=True,
            key=f"{PICTURE_PAGE}_outcome",
            format_func=OUTCOMES.__getitem__,
            on_change=first_page,
        )
        st.selectbox(
            "True class",
            content.findings.predictions.class_names,
            index=None,
            placeholder="any",
            key=f"{PICTURE_PAGE}_true",
            width=200,
            on_change=first_page,
        )
        st.text_input(
            "Number or id",
            key=f"{PICTURE_PAGE}_find",
            type="search",
            width=220,
            live=True,
            help=FIND_HELP,
            on_change=first_page,
        )
        st.caption(f"{len(content.rows):,} of {len(content.findings.table):,} test pictures", width="content")
        show_shared(content)
    show_gallery(content)
    show_selection_bar(content.query.workspace, content)


def _show_one(content: GalleryContent, picture: ShownPicture) -> None:
    """Show the open picture with the way to the next one, to all of them, and to the mistakes."""
    epoch_key = f"{PICTURE_PAGE}_epoch"
    epoch = st.session_state[epoch_key]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_neighbours(_neighbours(content, picture), PICTURE_PAGE, partial(open_picture, PICTURE_PAGE))
        st.button(
            "All test pictures",
            icon=":material/grid_view:",
            key=f"{PICTURE_PAGE}_choose",
            on_click=open_picture,
            args=(PICTURE_PAGE, ""),
        )
        st.page_link(
            "pages/misclassified.py",
            label="Back to the mistakes",
            icon=":material/arrow_back:",
            query_params={"run": picture.run.id},  # filters and epoch come back as they were left
        )
    with st.container(width=880):
        show_picture(picture, epoch, epoch_key, f"{PICTURE_PAGE}_calibrated")


def _neighbours(content: GalleryContent, picture: ShownPicture) -> Neighbours:
    """Return the pictures before and after the open one, which may itself be outside the filters."""
    numbers, ids = content.rows["index"].to_numpy(), content.rows["id"]
    place = int(np.searchsorted(numbers, picture.row))
    inside = place < len(numbers) and int(numbers[place]) == picture.row
    after = place + 1 if inside else place
    return Neighbours(
        before=ids.iloc[place - 1] if place else "",
        after=ids.iloc[after] if after < len(ids) else "",
        words=f"{place + 1:,} of {len(ids):,}" if inside else "outside the filters",
    )
