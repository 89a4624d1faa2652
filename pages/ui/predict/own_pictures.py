"""A person's own pictures and what the network answers. A helper process asks it, so the server never loads torch."""

import contextlib

import numpy as np
import streamlit as st

from cifar_core.data import conversion
from cifar_core.evaluate import with_temperature
from cifar_core.runs import Predictor, PredictorProcess, Run
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence
from pages.ui.picture.temperature import chosen_calibration, show_switch
from pages.ui.predict.answers import show_answer, verdict
from pages.ui.predict.entrances import show_entrance
from pages.ui.predict.taken_pictures import (
    OwnPicture,
    remove_pictures,
    removed_count,
    taken_pictures,
    told_sentences,
    undo_removal,
)

Answer = tuple[np.ndarray, tuple[str, ...]]  # probabilities [K], names of the classes
CARD_WIDTH = 340  # CSS pixels that the entrance and an answer have at least; a wide window has several side by side


def show_own_pictures(workspace: Workspace, run: Run, calibrated_key: str) -> None:
    """Take pictures, ask the network of the run's best epoch, and show what it answers to each, the newest first.

    Args:
        workspace: where the run is.
        run: whose network answers.
        calibrated_key: of the switch that shows its probabilities with a temperature.
    """
    helper = _helper()
    with contextlib.suppress(OSError):  # the first prediction tries again, and says what is wrong
        helper.start()
    cells = st.grid(min_column_width=CARD_WIDTH, gap="medium")
    with cells.cell():
        show_entrance(workspace)
        for sentence in told_sentences():
            st.error(escaped_sentence(sentence), icon=":material/error:")
        pictures = taken_pictures()
        answers = _with_temperature(workspace, run, calibrated_key, _ask(workspace, run, helper, pictures))
        _show_list_head(pictures, verdict(*answers[0]) if answers else "")
        if answers and run.best is not None:
            show_switch(workspace, run, run.best.epoch, calibrated_key)
        with st.expander("What happens to a picture on its way to the network"):
            st.caption(conversion(run.dataset.fit if run.dataset else "crop"))
    if not pictures:
        with cells.cell(), st.container(border=True):
            st.caption(
                "What the network answers to your pictures will be here, the newest first. They stay until "
                "you reload the page."
            )
    for picture, (probs, class_names) in zip(pictures, answers, strict=False):
        with cells.cell(), st.container(border=True):
            show_answer(picture, probs, class_names, run)


def _with_temperature(workspace: Workspace, run: Run, calibrated_key: str, answers: list[Answer]) -> list[Answer]:
    """The answers as the switch wants them."""
    epoch = run.best.epoch if run.best else 0
    found = chosen_calibration(workspace, run, epoch, calibrated_key)
    if found is None:
        return answers
    return [(with_temperature(probs[None], found.temperature[0])[0], names) for probs, names in answers]


def _ask(workspace: Workspace, run: Run, helper: PredictorProcess, pictures: list[OwnPicture]) -> list[Answer]:
    """The probabilities, float32 [K], and class names of each picture; nothing where the network cannot answer."""
    if pictures:
        with show_errors(), st.spinner("Asking the network…"):
            network = Predictor(workspace, run.id, helper)
            probs = network.predict(np.stack([picture.seen_by(run)[1] for picture in pictures]))
            return [(row, network.class_names) for row in probs]
    return []


def _show_list_head(pictures: list[OwnPicture], newest: str) -> None:
    """Show how many pictures there are, the answer to the newest (a phone shows the others further below), and the
    way to be rid of them or to have them back."""
    removed = removed_count()
    if not (pictures or removed):
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        count = counted(len(pictures), "picture")
        st.markdown(f"{count} · newest: **{newest}**" if newest else count, width="content")
        if pictures:
            st.button(
                "Remove all",
                key="own_remove_all",
                icon=":material/delete_sweep:",
                on_click=remove_pictures,
                args=([picture.id for picture in pictures],),
            )
        if removed:
            st.button(f"Bring {removed} back", key="own_undo", icon=":material/undo:", on_click=undo_removal)


@st.cache_resource(show_spinner=False, on_release=PredictorProcess.close)
def _helper() -> PredictorProcess:
    """Return the one helper process of this server. It serves every run, because a process takes seconds to start."""
    return PredictorProcess()
