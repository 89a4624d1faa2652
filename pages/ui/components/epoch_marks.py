"""One small mark for each epoch, right, wrong or not shown; a click or an arrow key chooses one.

No native element shows fifty small marks that are coloured, named on hover and chosen by keyboard. Text reaches the
browser as data and is set as `textContent`.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import streamlit as st

from cifar_core.figures import CORRECT, WRONG

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.epoch_marks",
    html="<div class='marks' role='listbox' aria-label='Epochs' aria-orientation='horizontal'></div>",
    css=(_HERE / "epoch_marks.css").read_text("utf-8"),
    js=(_HERE / "epoch_marks.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class EpochMark:
    """What is shown of one epoch."""

    epoch: int
    right: bool | None  # None: the picture was not shown then
    best: bool  # whether it is the reported one
    words: str  # on hover, and for screen readers


def epoch_marks(marks: Sequence[EpochMark], shown: int, *, key: str, on_chosen: Callable[[int], None]) -> None:
    """Show the marks in the order given.

    Args:
        marks: one per epoch.
        shown: the epoch that is chosen.
        key: the widget's key.
        on_chosen: called with an epoch of `marks` before the script runs again.
    """
    epochs = {mark.epoch for mark in marks}

    def report() -> None:
        chosen = st.session_state[key].get("chosen")
        if isinstance(chosen, int) and chosen in epochs:
            on_chosen(chosen)

    _component(
        key=key,
        data={"marks": [asdict(mark) for mark in marks], "shown": shown, "right": CORRECT, "wrong": WRONG},
        on_chosen_change=report,
    )
