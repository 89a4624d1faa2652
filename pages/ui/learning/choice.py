"""What the Learning page shows: part, list, axes, classes, as the URL says; what was chosen, as the session says."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from cifar_core.runs import Run
from pages.ui.components.scroll_here import ask_to_scroll
from pages.ui.learning.lists import LASSO, LISTS
from pages.ui.url_state import UrlParameter, any_of, free_text, one_of

PAGE_KEY = "learning"
PICTURES = "learning_pictures"  # their place, for `ask_to_scroll`
SPLITS = {"train": "Training", "test": "Test"}
PART_WORDS = {"train": "training", "test": "test"}
AXES = {"map": "Variability", "aum": "AUM"}  # across; upwards is the mean p(true class)
COLOURS = {"correctness": "Correctness", "class": "Class", "aum": "AUM"}
VIEWS = {"map": "Map", "table": "Table"}


def split_url_parameters(has_records: bool) -> dict[str, UrlParameter]:
    """Return what the URL says of the part; the training part is shown unless the run noted nothing of it."""
    return {"split": one_of(list(SPLITS), "train" if has_records else "test")}


def view_url_parameters(
    class_names: Sequence[str], epochs: Sequence[int], has_selection: bool
) -> dict[str, UrlParameter]:
    """Return what the URL says of what is shown of the part.

    Args:
        class_names: that can be chosen.
        epochs: that were looked at, ascending.
        has_selection: whether pictures were circled in this session: the list of them is in no URL.
    """
    return {
        "list": one_of(lists_shown(has_selection), "hardest"),
        "class": any_of(class_names),
        "axes": one_of(list(AXES), "map" if len(epochs) > 1 else "aum"),  # over one epoch nothing varies
        "colour": one_of(list(COLOURS), "correctness"),
        "epoch": one_of(list(epochs), epochs[-1]),
        "view": one_of(list(VIEWS), "map"),
        "image": free_text(),
    }


def lists_shown(has_selection: bool) -> list[str]:
    """Return the names of the lists that there are."""
    return [name for name in LISTS if has_selection or name != LASSO]


def chosen_rows(run: Run, split: str, count: int) -> np.ndarray:
    """Return the rows of the table that were circled or chosen: int64, ascending; none of another table.

    Args:
        run: whose pictures.
        split: of which part.
        count: rows of the table now.
    """
    known, rows = st.session_state.get(_chosen_key(run, split), (0, np.array([], np.int64)))
    return np.asarray(rows if known == count else [], np.int64)


def choose_rows(run: Run, split: str, count: int, rows: np.ndarray) -> None:
    """Show exactly these pictures; of none, the list that is shown unasked. For a callback."""
    st.session_state[_chosen_key(run, split)] = (count, rows)
    st.session_state[f"{PAGE_KEY}_list"] = LASSO if len(rows) else "hardest"
    go_to_first_page()
    if len(rows):
        ask_to_scroll(PICTURES)


def go_to_first_page() -> None:
    """For a callback: another list is shown from its first page."""
    st.session_state[f"{PAGE_KEY}_page"] = 1


def ticked_ids(run: Run, split: str) -> set[str]:
    """Return the ids of the pictures that are ticked: of the test part those that are selected on every page."""
    key = f"selected_{run.id}" if split == "test" else f"{PAGE_KEY}_ticked_{run.id}"
    ticked: set[str] = st.session_state.setdefault(key, set())
    return ticked


def set_ticked(run: Run, split: str, ids: set[str]) -> None:
    """Tick these pictures and no others; for a callback."""
    ticked = ticked_ids(run, split)
    ticked.clear()
    ticked.update(ids)


def show_split_choice() -> None:
    """Show the choice of training or test pictures."""
    st.segmented_control(
        "Pictures",
        list(SPLITS),
        required=True,
        key=f"{PAGE_KEY}_split",
        format_func=SPLITS.__getitem__,
        label_visibility="collapsed",
        on_change=go_to_first_page,
    )


def show_view_choices(class_names: Sequence[str]) -> None:
    """Show the choices of what is drawn: map or table, its axes and colours, the classes."""
    choose = partial(st.segmented_control, required=True, label_visibility="collapsed")
    drawn = st.session_state[f"{PAGE_KEY}_view"] == "map"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        choose("View", list(VIEWS), key=f"{PAGE_KEY}_view", format_func=VIEWS.__getitem__)
        choose(
            "Axes",
            list(AXES),
            key=f"{PAGE_KEY}_axes",
            format_func=AXES.__getitem__,
            disabled=not drawn,
            help="What the map shows across: variability, as in a data map, or AUM. Upwards, the mean p(true class).",
        )
        st.selectbox(
            "Colour",
            list(COLOURS),
            key=f"{PAGE_KEY}_colour",
            format_func=lambda name: f"Colour: {COLOURS[name].lower() if name != 'aum' else 'AUM'}",
            label_visibility="collapsed",
            disabled=not drawn,
            width=190,
        )
        st.multiselect(
            "Classes",
            class_names,
            key=f"{PAGE_KEY}_class",
            placeholder="All classes",
            label_visibility="collapsed",
            width=300,
            on_change=go_to_first_page,
        )


def _chosen_key(run: Run, split: str) -> str:
    return f"{PAGE_KEY}_chosen_{run.id}_{split}"
