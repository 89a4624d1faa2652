"""The epochs of a list of pictures: a slider that is played, and how many of them are right after each."""

import numpy as np
import streamlit as st

from cifar_core.errors import RunError
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.learning.choice import PAGE_KEY
from pages.ui.learning.loaded import Learned, load_epoch_answers
from pages.ui.understand.epoch_playback import show_epoch_player


def show_list_epochs(workspace: Workspace, run: Run, learned: Learned, rows: np.ndarray) -> int:
    """Show the slider, and how many pictures of a list were right at the chosen epoch; a single one is not chosen.

    Returns:
        the chosen epoch.
    """
    epochs = learned.facts.epochs
    if len(epochs) < 2:
        return epochs[-1]
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
        answers = answers_at(workspace, run, learned, int(epoch))[rows]
        labels = learned.table["true"].cat.codes.to_numpy()[rows]
        right, shown = int((answers == labels).sum()), int((answers >= 0).sum())
        of = f"{shown:,}" if shown == len(rows) else f"{shown:,} shown"
        st.markdown(f"**{right:,}** right of {of}", width="content")  # short: it stays in the line of the slider
    return int(epoch)


def answers_at(workspace: Workspace, run: Run, learned: Learned, epoch: int) -> np.ndarray:
    """Return the class predicted for each picture of the part at an epoch, int [N]; -1 where it was not shown.

    Args:
        workspace, run: of which run.
        learned: the part.
        epoch: the epoch; the last one needs no reading.

    Raises:
        RunError: the run no longer has the answers of that epoch.
    """
    table = learned.table
    if epoch == learned.facts.epochs[-1]:
        return np.where(table["last_shown"] == epoch, table["predicted"].cat.codes, -1)
    found = load_epoch_answers(workspace, run, learned.facts.split)
    if epoch not in found.epochs or found.predicted.shape[1] != len(table):
        raise RunError(f"Run {run.id} no longer has the answers of epoch {epoch}: compute its data map again.")
    answers: np.ndarray = found.predicted[found.epochs.index(epoch)]
    return answers
