"""The epochs of a list of pictures: a slider that is played, and how many of them are right after each."""

import numpy as np
import streamlit as st

from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.learning.choice import PAGE_KEY
from pages.ui.learning.loaded import Learned, load_epoch_answers
from pages.ui.understand.epoch_playback import show_epoch_player


def show_list_epochs(workspace: Workspace, run: Run, learned: Learned, rows: np.ndarray) -> int | None:
    """Show the slider, and how many pictures of a list were right at the chosen epoch.

    Returns:
        the chosen epoch; None for the last one.
    """
    epochs, part = learned.facts.epochs, "in" if learned.facts.split == "train" else "after"
    if len(epochs) < 2:
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width=180):
            epoch = st.select_slider(
                "Epoch",
                epochs,
                key=f"{PAGE_KEY}_epoch",
                label_visibility="collapsed",
                format_func=lambda number: f"epoch {number}",
            )
        show_epoch_player(PAGE_KEY, epochs)
        wanted = None if epoch == epochs[-1] else int(epoch)
        answers = answers_at(workspace, run, learned, wanted)
        labels = learned.table["true"].cat.codes.to_numpy()
        right = int((answers[rows] == labels[rows]).sum())
        st.markdown(f"**{right:,}** of {len(rows):,} right {part} epoch {epoch}", width="content")
    return wanted


def answers_at(workspace: Workspace, run: Run, learned: Learned, epoch: int | None) -> np.ndarray:
    """Return the class predicted for each picture of the part at an epoch, int [N]; -1 where it was not shown.

    Args:
        workspace, run: of which run.
        learned: the part.
        epoch: the epoch; None for the last one at which each was shown, which needs no reading.
    """
    if epoch is None:
        codes: np.ndarray = learned.table["predicted"].cat.codes.to_numpy()
        return codes
    found = load_epoch_answers(workspace, run, learned.facts.split)
    answers: np.ndarray = found.predicted[found.epochs.index(epoch)]
    return answers
