"""The filters and the sort of the Misclassified page: its URL parameters, its widgets, and the filter they make."""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from cifar_core.evaluate import Score
from cifar_core.runs import Run, without_validation
from cifar_core.samples import FILTERS, OUTCOMES, SORTS, SampleFilter
from pages.ui.markdown import escaped_sentence
from pages.ui.understand.gallery import GALLERY_URL_PARAMETERS
from pages.ui.url_state import UrlParameter, any_of, free_text, number_range, one_of, reset_widgets, whole_number
from pages.ui.wording import epoch_word

MAX_PER_PAIR = 1000
FIRST_FILTER = "confidence"  # stands above the pictures; the other scores are under "More filters"
PER_PAIR_HELP = (
    "At most this many of each pair true → predicted, the first ones in the sort: more variety. 0 is no limit."
)


def filter_url_parameters(class_names: Sequence[str], epochs: Sequence[int], best: int) -> dict[str, UrlParameter]:
    """Return the URL parameters of the Misclassified page."""
    return {
        "epoch": one_of(epochs, best),
        "outcome": one_of(OUTCOMES, "mistakes"),
        "true": any_of(class_names),
        "predicted": any_of(class_names),
        **{name: number_range(*_slider_bounds(score, len(class_names))) for name, score in FILTERS.items()},
        "text": free_text(),
        "sort": one_of(list(SORTS), "loss"),
        "per_pair": whole_number(0, MAX_PER_PAIR, 0),
        **GALLERY_URL_PARAMETERS,
    }


def _slider_bounds(score: Score, classes: int) -> tuple[float, float]:
    """Return the least and the largest value of a score, rounded outwards to a slider's step."""
    low, high = score.bounds(classes)
    return math.floor(100 * low) / 100, math.ceil(100 * high) / 100


def show_filters(
    page: str, run: Run, class_names: Sequence[str], epochs: Sequence[int], parameters: dict[str, UrlParameter]
) -> tuple[SampleFilter, str]:
    """Show the widgets; return the filter and the name of the sort."""

    def go_to_first_page() -> None:  # another filter gives another list, shown from its first page
        st.session_state[f"{page}_page"] = 1

    def shared(name: str) -> dict[str, Any]:
        return {"key": f"{page}_{name}", "on_change": go_to_first_page}

    with st.grid(4, min_column_width=190, gap="small"):
        true = st.multiselect("True class", class_names, placeholder="any", **shared("true"))
        predicted = st.multiselect("Predicted class", class_names, placeholder="any", **shared("predicted"))
        ranges = _show_range(FIRST_FILTER, parameters, shared(FIRST_FILTER))
        sort = st.selectbox(
            "Sort by", list(SORTS), format_func=lambda name: SORTS[name].title, help=_sort_help(), **shared("sort")
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        outcome = st.segmented_control("Show", OUTCOMES, required=True, format_func=str.capitalize, **shared("outcome"))
        per_pair = st.number_input(
            "At most per pair",
            0,
            MAX_PER_PAIR,
            width=150,
            **shared("per_pair"),
            help=PER_PAIR_HELP,
        )
        wanted = st.text_input(
            "Find in id", width=220, type="search", help="Part of the picture's name in the dataset.", **shared("text")
        )
        with st.popover("More filters", icon=":material/tune:"):
            show_epoch_slider(page, run, epochs, parameters["epoch"].default)
            for name in FILTERS:
                if name != FIRST_FILTER:
                    ranges |= _show_range(name, parameters, shared(name))
        st.button(
            "Reset", icon=":material/restart_alt:", key=f"{page}_reset", on_click=reset_widgets, args=(page, parameters)
        )
    return SampleFilter(tuple(true), tuple(predicted), ranges, wanted, outcome, per_pair), sort


def show_epoch_slider(page: str, run: Run, epochs: Sequence[int], best: int) -> int:
    """Show a slider over the epochs, the reported one marked; with a single epoch there is no choice."""
    if len(epochs) < 2:
        return best
    word = epoch_word(run)
    unvalidated = without_validation(run.dataset.unvalidated or ()) if run.dataset else ""
    chosen: int = st.select_slider(
        "Epoch",
        epochs,
        key=f"{page}_epoch",
        format_func=lambda epoch: f"{epoch} ({word})" if epoch == best else str(epoch),
        help="What the network got wrong at the end of each epoch. "
        + (
            f"The best one was chosen by the validation part. {escaped_sentence(unvalidated)}".strip()
            if word == "best"
            else "There is no validation part to choose one by, so the last one is reported."
        ),
    )
    return chosen


def _show_range(
    name: str, parameters: dict[str, UrlParameter], shared: dict[str, Any]
) -> dict[str, tuple[float, float]]:
    """Show a slider over all values of a score; return its range by its name, or nothing while it keeps everything."""
    score, bounds = FILTERS[name], parameters[name].default
    value: tuple[float, float] = st.slider(score.title, *bounds, step=0.01, help=score.explanation, **shared)
    return {} if value == bounds else {name: value}


def _sort_help() -> str:
    return "\n\n".join(f"**{sort.title}.** {sort.help}" for sort in SORTS.values())
