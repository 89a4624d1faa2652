"""How a picture was learned: its class over the epochs as marks, a sentence and numbers, and the keys that play it."""

from functools import partial

import numpy as np
import pandas as pd
import streamlit as st

from cifar_core.evaluate import TERMS, CheckedPredictions, answers_to, explain_forgetting, learning_table
from cifar_core.text import first_names, percent
from pages.ui.components.epoch_marks import EpochMark, epoch_marks
from pages.ui.picture.shown_picture import ShownPicture
from pages.ui.wording import epoch_word

# The numbers beside the sentence, which says the first right epoch and the forgetting events: term, column, text. They
# are written as on the data map.
_NUMBERS = (
    ("mean_p_true", "confidence", "{:.2f}".format),
    ("variability", "variability", "{:.2f}".format),
    ("correctness", "correctness", percent),
    ("aum", "aum", lambda margin: f"{margin:.2f}".replace("-", "−")),
)


def show_over_epochs(picture: ShownPicture, epoch: int, epoch_key: str) -> None:
    """Show what the run predicted after each epoch; a run with one epoch has nothing to compare.

    Args:
        picture: the picture.
        epoch: the one that is shown.
        epoch_key: session key that a choice is written to.
    """
    history = picture.history
    marks = _marks(picture)
    if history.unreadable:
        _show_unreadable(history.unreadable)
    if len(marks) < 2:
        return
    right = history.probs.argmax(axis=1) == picture.label
    st.markdown(f"**Over the epochs.** {explain_forgetting(right, history.epochs)}")
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _show_step("Earlier", ":material/keyboard_arrow_left:", epoch, epoch_key, history.epochs[::-1])
        _show_step("Later", ":material/keyboard_arrow_right:", epoch, epoch_key, history.epochs)
        st.caption(f"epoch {_named(picture, epoch)} is shown", width="content")
    epoch_marks(marks, epoch, key=f"{epoch_key}_marks", on_chosen=partial(_choose_epoch, epoch_key))
    show_learning_numbers(_learned(picture))


def _learned(picture: ShownPicture) -> pd.Series:
    """Return the row of the picture in the learning table of the test part, from its own history alone."""
    history = picture.history
    labels = np.full(len(history.epochs), picture.label)
    answers = answers_to(CheckedPredictions(labels, history.probs, picture.class_names))
    p_true, margin, right = answers.p_true[:, None], answers.margin[:, None], answers.right[:, None]
    return learning_table(p_true, margin, right, np.ones_like(right), history.epochs).iloc[0]


def show_learning_numbers(learned: pd.Series) -> None:
    """Show the numbers of a picture on the data map, each with what it means.

    Args:
        learned: its row of a learning table.
    """
    with st.container(horizontal=True, gap="small"):
        for term, column, text in _NUMBERS:
            words = TERMS[term]
            st.markdown(
                f"{words.title} **{text(learned[column])}**",
                help=f"{words.help} {words.title} = {words.formula}.",
                width="content",
            )


def _marks(picture: ShownPicture) -> list[EpochMark]:
    best = picture.run.best.epoch if picture.run.best else 0
    marks = []
    for epoch, probs in zip(picture.history.epochs, picture.history.probs, strict=True):
        predicted = int(probs.argmax())
        right = predicted == picture.label
        words = (
            f"epoch {_named(picture, epoch)}: {'right' if right else 'wrong'}, "
            f"{picture.class_names[predicted]} {percent(float(probs[predicted]))}"
        )
        marks.append(EpochMark(epoch, right, epoch == best, words))
    return marks


def _named(picture: ShownPicture, epoch: int) -> str:
    """Return the number of an epoch, and that it is the best (or last) one where it is."""
    best = picture.run.best is not None and picture.run.best.epoch == epoch
    return f"{epoch} ({epoch_word(picture.run)})" if best else str(epoch)


def _show_step(label: str, icon: str, epoch: int, epoch_key: str, epochs: tuple[int, ...]) -> None:
    """Show the button that goes to the next of `epochs`, which are in the order of its direction."""
    ahead = epochs[epochs.index(epoch) + 1 :] if epoch in epochs else epochs
    st.button(
        label,
        icon=icon,
        shortcut="Shift+Left" if label == "Earlier" else "Shift+Right",
        key=f"{epoch_key}_{label}",
        disabled=not ahead,
        on_click=_choose_epoch,
        args=(epoch_key, ahead[0] if ahead else epoch),
    )


def _show_unreadable(epochs: tuple[int, ...]) -> None:
    several = len(epochs) > 1
    st.caption(
        f":material/warning: The predictions of epoch{'s' if several else ''} {first_names([str(e) for e in epochs])} "
        f"are missing or damaged: {'they are' if several else 'it is'} left out below."
    )


def _choose_epoch(epoch_key: str, epoch: int) -> None:
    st.session_state[epoch_key] = epoch
