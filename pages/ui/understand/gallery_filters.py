"""What the Misclassified page shows, in which order: its URL parameters, its rows of widgets, the filter they make."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pandas as pd
import streamlit as st

from cifar_core.runs import Run, without_validation
from cifar_core.samples import FILTERS, OUTCOMES, SORTS, SampleFilter, Sort, filter_parts, score_range, sorts_of
from pages.ui.markdown import escaped, escaped_sentence
from pages.ui.understand.filter_panel import MAX_PER_PAIR
from pages.ui.understand.gallery import GALLERY_URL_PARAMETERS
from pages.ui.url_state import (
    UrlParameter,
    any_of,
    any_words,
    free_text,
    number_range,
    one_of,
    reset_widgets,
    whole_number,
)
from pages.ui.wording import epoch_word

TILE_SIZES = {"S": 64, "M": 96, "L": 160}  # CSS pixels of a picture
_HOW = ("page", "size", "image", "tile")  # how the pictures are shown, not which


def filter_url_parameters(class_names: Sequence[str], table: pd.DataFrame) -> dict[str, UrlParameter]:
    """Return the URL parameters of the Misclassified page, apart from the epoch that the table is of.

    Args:
        class_names: that can be chosen.
        table: of all pictures, with the columns that come from elsewhere.
    """
    return {
        "outcome": one_of(OUTCOMES, "mistakes"),
        "true": any_of(class_names),
        "predicted": any_of(class_names),
        **{name: number_range(*score_range(table, name)) for name in FILTERS},
        "text": free_text(),
        **({"wrong_in": number_range(0.0, float(table["wrong_of"].max()))} if "wrong_in" in table else {}),
        "sort": one_of(list(sorts_of(table)), "loss"),
        "tags": any_words(),
        "per_pair": whole_number(0, MAX_PER_PAIR, 0),
        "tile": one_of(list(TILE_SIZES), "M"),
        **GALLERY_URL_PARAMETERS,
    }


def chosen_filter(page: str, parameters: Mapping[str, UrlParameter]) -> tuple[SampleFilter, str]:
    """Return the filter and the sort that the widgets of the page say; a whole range keeps everything."""
    said: dict[str, Any] = {name: st.session_state[f"{page}_{name}"] for name in parameters}
    ranges = {name: said[name] for name in FILTERS if said[name] != parameters[name].default}
    chosen: dict[str, Any] = {name: tuple(said[name]) for name in ("true", "predicted", "tags")}
    chosen |= {name: said[name] for name in ("text", "outcome", "per_pair")}
    if "wrong_in" in said and said["wrong_in"] != parameters["wrong_in"].default:
        chosen["wrong_in"] = said["wrong_in"]
    return SampleFilter(ranges=ranges, **chosen), said["sort"]


def show_view_row(page: str, sorts: Mapping[str, Sort]) -> None:
    """Show the choice of outcome and of sort, of `sorts_of` the table."""
    outcome, sort = st.session_state[f"{page}_outcome"], st.session_state[f"{page}_sort"]

    def sort_title(name: str) -> str:  # choosing another one may change the outcome
        return sorts[name].title_for(outcome) if name == sort else sorts[name].title

    with st.container(horizontal=True, gap="small"):
        st.segmented_control(
            "Show",
            OUTCOMES,
            required=True,
            format_func=str.capitalize,
            key=f"{page}_outcome",
            on_change=partial(go_to_first_page, page),
            label_visibility="collapsed",
        )
        st.segmented_control(
            "Sort by",
            list(sorts),
            required=True,
            format_func=sort_title,
            key=f"{page}_sort",
            wrap=True,
            on_change=partial(_on_sort, page),
            label_visibility="collapsed",
        )


def show_tile_sizes(page: str) -> int:
    """Show the choice of tile size; return the width of a picture in CSS pixels."""
    size = st.segmented_control(
        "Tile size", list(TILE_SIZES), required=True, key=f"{page}_tile", label_visibility="collapsed"
    )
    return TILE_SIZES[size or "M"]


def show_panel_button(page: str) -> bool:
    """Show the button that opens the panel with the filters and folds it; return whether it is open."""
    panel = f"{page}_panel"
    is_open = bool(st.session_state.get(panel))
    st.button(
        "Hide filters" if is_open else "Filters",
        icon=":material/expand_less:" if is_open else ":material/add:",
        key=f"{page}_fold",
        on_click=partial(_choose, panel, not is_open),
    )
    return is_open


def show_chips(
    page: str, parameters: Mapping[str, UrlParameter], sample_filter: SampleFilter, *, predicted: str = "predicted"
) -> None:
    """Show a chip for each filter, which lifts it, and Reset where there is anything to set back.

    Args:
        page: prefix of the widget keys.
        parameters: of the filters.
        sample_filter: what is kept.
        predicted: as `filter_parts` takes it.
    """
    for name, words in filter_parts(sample_filter, predicted=predicted):
        if name not in ("outcome", "verdict"):  # those choices stand above
            st.button(
                escaped(words),
                icon=":material/close:",
                icon_position="right",
                key=f"{page}_lift_{name}",
                help="Lift this filter",
                on_click=partial(_lift, page, name, parameters[name].default),
            )
    if any(st.session_state[f"{page}_{name}"] != each.default for name, each in parameters.items() if name not in _HOW):
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            type="tertiary",
            key=f"{page}_reset",
            on_click=partial(_reset, page, parameters),
        )


def show_epoch_slider(page: str, run: Run, epochs: Sequence[int], best: int) -> None:
    """Show a slider over the epochs without a label, the reported one marked; a single epoch is no choice.

    Args:
        page: prefix of the widget's key.
        run: whose epochs these are.
        epochs: the finished ones, ascending.
        best: the reported one.
    """
    if len(epochs) < 2:
        return
    word = epoch_word(run)
    unvalidated = without_validation(run.dataset.unvalidated or ()) if run.dataset else ""
    st.select_slider(
        "Epoch",
        epochs,
        key=f"{page}_epoch",
        format_func=lambda epoch: f"epoch {epoch} ({word})" if epoch == best else f"epoch {epoch}",
        label_visibility="collapsed",
        help="What the network got wrong at the end of each epoch. "
        + (
            f"The best one was chosen by the validation part. {escaped_sentence(unvalidated)}".strip()
            if word == "best"
            else "There is no validation part to choose one by, so the last one is reported."
        ),
    )


def go_to_first_page(page: str) -> None:
    """For a callback: another filter gives another list, shown from its first page."""
    st.session_state[f"{page}_page"] = 1


def _on_sort(page: str) -> None:
    go_to_first_page(page)
    sort = SORTS.get(st.session_state[f"{page}_sort"])  # none: see `url_to_widgets`
    if sort is not None and sort.is_of_mistakes:
        st.session_state[f"{page}_outcome"] = "mistakes"


def _choose(key: str, value: Any) -> None:
    st.session_state[key] = value


def _reset(page: str, parameters: Mapping[str, UrlParameter]) -> None:
    go_to_first_page(page)
    reset_widgets(page, parameters, keep=_HOW)


def _lift(page: str, name: str, default: Any) -> None:
    """Take a filter back."""
    go_to_first_page(page)
    _choose(f"{page}_{name}", default)
