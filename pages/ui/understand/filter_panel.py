"""The panel with the filters of the Misclassified page; what they keep is said by chips, also while it is folded."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.figures import histogram_words, small_histogram
from cifar_core.notes import count_tags
from cifar_core.samples import FILTERS, RANGE_STEP, SampleFilter, select_samples
from pages.ui.markdown import escaped
from pages.ui.understand.gallery_query import GalleryContent
from pages.ui.url_state import UrlParameter

MAX_PER_PAIR = 1000
_PER_PAIR_HELP = (
    "At most this many of each pair true → predicted, the first ones in the sort: more variety. 0 is no limit."
)


def show_filter_panel(
    page: str, content: GalleryContent, parameters: Mapping[str, UrlParameter], on_change: Callable[[], None]
) -> None:
    """Show the widgets of all filters but the outcome; what they say is in the session.

    Args:
        page: prefix of the widget keys.
        content: the classes to choose, and all pictures for the histograms and the numbers.
        parameters: of the page's URL; those of scores have the whole range as default.
        on_change: called when a filter changes.
    """

    def shared(name: str) -> dict[str, Any]:  # its state is kept while the panel is folded
        return {"key": f"{page}_{name}", "on_change": on_change, "persist_state": "page"}

    class_names, table = content.findings.predictions.class_names, content.table
    shown = select_samples(table, SampleFilter(outcome=st.session_state[f"{page}_outcome"]))
    with st.container(border=True):
        with st.grid(4, min_column_width=190, gap="small"):
            st.multiselect("True class", class_names, placeholder="any", **shared("true"))
            predicted = "B predicts" if "other_predicted" in parameters else "Predicted class"
            st.multiselect(predicted, class_names, placeholder="any", **shared("predicted"))
            if "other_predicted" in parameters:  # beside the answers of another run
                st.multiselect("A predicts", class_names, placeholder="any", **shared("other_predicted"))
            st.text_input(
                "Find in id",
                type="search",
                live=True,
                help="Part of the picture's name in the dataset.",
                **shared("text"),
            )
            st.number_input("At most per pair", 0, MAX_PER_PAIR, help=_PER_PAIR_HELP, **shared("per_pair"))
        with st.grid(4, min_column_width=190, gap="small"):
            for name in FILTERS:
                with st.container(gap="xxsmall"):
                    _show_range(page, name, shown, parameters[name].default, shared(name))
            if "wrong_in" in parameters:
                with st.container(gap="xxsmall"):
                    _show_wrong_in(page, shown, parameters["wrong_in"].default, shared("wrong_in"))
        if counts := _tag_counts(table, st.session_state[f"{page}_tags"]):
            st.pills(
                "Tags",
                list(counts),
                selection_mode="multi",
                format_func=lambda word: f"{escaped(word)} ({counts[word]:,})",
                help="Own words on pictures, with the number of all test pictures that have them. "
                "A picture passes with any of those chosen.",
                **shared("tags"),
            )


def _tag_counts(table: pd.DataFrame, chosen: Collection[str]) -> dict[str, int]:
    """Return how many pictures have each tag; a chosen one that no picture has any more can still be lifted."""
    return count_tags(table["tags"]) | {word: 0 for word in chosen if not table["tags"].map({word}.issubset).any()}


def _show_range(
    page: str, name: str, shown: pd.DataFrame, limits: tuple[float, float], shared: Mapping[str, Any]
) -> None:
    """Show a slider over the range of a score, under a histogram of the pictures with the chosen outcome."""
    score, values = FILTERS[name], shown[name].to_numpy()
    st.image(
        small_histogram(values, limits, st.session_state[f"{page}_{name}"]),
        width="stretch",
        alt=f"Histogram of {score.title.lower()}: {histogram_words(values, limits, score.text)}",
    )
    unit = "percent" if score.is_share else None
    st.slider(score.title, *limits, step=RANGE_STEP, format=unit, help=score.explanation, **shared)


def _show_wrong_in(page: str, shown: pd.DataFrame, limits: tuple[float, float], shared: Mapping[str, Any]) -> None:
    """Show a slider over the number of seeds with which a picture is wrong, under its histogram."""
    values = shown["wrong_in"].to_numpy()
    st.image(
        small_histogram(values, limits, st.session_state[f"{page}_wrong_in"]),
        width="stretch",
        alt=f"Histogram of the number of seeds: {histogram_words(values, limits, '{:.0f}'.format)}",
    )
    title = f"Wrong in how many of {limits[1]:.0f} seeds"
    help_text = "Each of the runs that differ from this one in the seed alone, and this one, at its reported epoch."
    st.slider(title, *limits, step=1.0, format="%d", help=help_text, **shared)
