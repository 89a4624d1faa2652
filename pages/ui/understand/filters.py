"""The filters and the sort of the Misclassified page: what its address holds, its widgets, and what they ask for."""

import math
from collections.abc import Sequence
from typing import Any

import streamlit as st

from cifar_core.analyse import OUTCOMES, SORTS, SampleFilter
from cifar_core.evaluate import LOSS_CLIP
from cifar_core.runs import Run
from pages.ui.understand.gallery import PARTS
from pages.ui.url_state import Part, choice, choices, number, reset, span, text
from pages.ui.wording import epoch_word

RANGES = ("loss", "margin", "entropy")
MAX_PER_PAIR = 1000


def address_parts(class_names: Sequence[str], epochs: Sequence[int], best: int) -> dict[str, Part]:
    """What the address of the page holds."""
    return {
        "epoch": choice(epochs, best),
        "outcome": choice(OUTCOMES, "mistakes"),
        "true": choices(class_names),
        "predicted": choices(class_names),
        "confidence": span(0.0, 1.0),
        **{name: span(*bounds) for name, bounds in score_bounds(len(class_names)).items()},
        "text": text(),
        "sort": choice(list(SORTS), "loss"),
        "per_pair": number(0, MAX_PER_PAIR, 0),
        **PARTS,
    }


def score_bounds(classes: int) -> dict[str, tuple[float, float]]:
    """The least and the largest value each score can take, rounded outwards to a slider's step."""
    return {
        "loss": (0.0, float(math.ceil(-math.log(LOSS_CLIP)))),
        "margin": (0.0, 1.0),
        "entropy": (0.0, math.ceil(100 * math.log(classes)) / 100),
    }


def show_filters(
    page: str, run: Run, class_names: Sequence[str], epochs: Sequence[int], parts: dict[str, Part]
) -> tuple[SampleFilter, str]:
    """The widgets; what they ask for: which pictures, in which order."""

    def first() -> None:  # another filter, another list: begin at its first page
        st.session_state[f"{page}_page"] = 1

    def shared(name: str) -> dict[str, Any]:
        return {"key": f"{page}_{name}", "on_change": first}

    with st.grid(4, min_column_width=190, gap="small"):
        true = st.multiselect("True class", class_names, placeholder="any", **shared("true"))
        predicted = st.multiselect("Predicted class", class_names, placeholder="any", **shared("predicted"))
        confidence = st.slider("Confidence", 0.0, 1.0, step=0.01, help="Probability of the predicted class.",
                               **shared("confidence"))  # fmt: skip
        sort = st.selectbox("Sort by", list(SORTS), format_func=lambda name: SORTS[name].title, help=_sorts_explained(),
                            **shared("sort"))  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        outcome = st.segmented_control("Show", OUTCOMES, required=True, format_func=str.capitalize, **shared("outcome"))
        per_pair = st.number_input("At most per pair", 0, MAX_PER_PAIR, width=150, **shared("per_pair"),
                                   help="At most this many of each pair true → predicted, the first ones in the sort: "
                                        "more variety. 0 is no limit.")  # fmt: skip
        wanted = st.text_input("Find in id", width=220, type="search", help="Part of the picture's name in the dataset.",
                               **shared("text"))  # fmt: skip
        with st.popover("More filters", icon=":material/tune:"):
            choose_epoch(page, run, epochs, parts["epoch"].default)
            ranges = {name: _range(name, parts[name].default, shared(name)) for name in RANGES}
        st.button("Reset", icon=":material/restart_alt:", key=f"{page}_reset", on_click=reset, args=(page, parts))
    chosen = SampleFilter(tuple(true), tuple(predicted), confidence, **ranges, text=wanted, outcome=outcome,
                          per_pair=per_pair)  # fmt: skip
    return chosen, sort


def choose_epoch(page: str, run: Run, epochs: Sequence[int], best: int) -> int:
    """A slider over the epochs that have predictions, the one that counts marked; nothing to choose where there is one."""
    if len(epochs) < 2:
        return best
    word = epoch_word(run)
    chosen: int = st.select_slider(
        "Epoch", epochs, key=f"{page}_epoch", format_func=lambda epoch: f"{epoch} ({word})" if epoch == best else str(epoch),
        help="What the network got wrong at the end of each epoch. "
             + ("The best one was chosen by the validation part." if word == "best"
                else "There is no validation part to choose one by, so the last one counts."),
    )  # fmt: skip
    return chosen


def _range(name: str, bounds: tuple[float, float], shared: dict[str, Any]) -> tuple[float, float] | None:
    """A slider over all values of a score; None while it keeps everything."""
    value: tuple[float, float] = st.slider(name.capitalize(), *bounds, step=0.01, help=SORTS[name].help, **shared)
    return None if value == bounds else value


def _sorts_explained() -> str:
    return "\n\n".join(f"**{sort.title}.** {sort.help}" for sort in SORTS.values())
