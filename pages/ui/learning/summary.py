"""What the Learning page says first: the sentence, and what one should know of its numbers."""

import streamlit as st

from cifar_core.analyse.learning import KNOWN
from cifar_core.evaluate import LearningSummary
from cifar_core.text import counted, percent
from pages.ui.learning.choice import PART_WORDS
from pages.ui.learning.loaded import Learned
from pages.ui.markdown import escaped_sentence

_TRAINING_NOTE = (
    "Each was judged in the steps that learned from it, as those saw it: changed by augmentation and dropout, where "
    "these are on."
)
_ONE_EPOCH = "There is one epoch: over it nothing can vary or be forgotten, so the map shows AUM."


def learning_sentence(summary: LearningSummary, split: str, last: int) -> str:
    """Return how many pictures were never learned and how many forgotten, in one sentence.

    Args:
        summary: of the pictures of the part.
        split: which part.
        last: the last epoch that was looked at.
    """
    n, never, forgotten = summary.n, summary.never_learned, summary.forgotten
    pictures = counted(n, f"{PART_WORDS[split]} picture")
    again = f"{forgotten:,} {_was(forgotten)} forgotten at least once" if forgotten else "none was forgotten"
    if never:
        return f"{never:,} of {pictures} {_was(never)} never {KNOWN[split]}, {again}, by epoch {last}."
    return f"Each of {pictures} was right at least once by epoch {last}; {again}."


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def show_summary(learned: Learned) -> None:
    """Show the sentence, the numbers beside it, and what one should know of them."""
    facts, summary = learned.facts, learned.summary
    with st.container(gap=None):
        st.header(learning_sentence(summary, facts.split, facts.epochs[-1]), anchor=False)
        steady = summary.unforgettable
        parts = [
            f"{steady:,} ({percent(steady / summary.n)}) were {KNOWN[facts.split]} and never forgotten",
            f"mean p(true class) {summary.confidence:.2f}",
            f"variability {summary.variability:.2f}",
            f"correctness {percent(summary.correctness)}",
            f"AUM {summary.aum:.2f}".replace("-", "−"),
            f"n = {summary.n:,}",
        ]
        st.caption(" · ".join(parts))
        notes = [_TRAINING_NOTE if facts.split == "train" else "", facts.note]
        notes += [_ONE_EPOCH] if len(facts.epochs) == 1 else []
        if any(notes):
            st.caption(f":material/info: {escaped_sentence(' '.join(filter(None, notes)))}")
