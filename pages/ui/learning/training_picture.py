"""One training picture large, in a drawer over the list: its label, its numbers, the answers of the epochs."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import streamlit as st

from cifar_core.analyse import read_kept
from cifar_core.analyse.learning import LEARNING, LearningParameters
from cifar_core.evaluate import explain_forgetting
from cifar_core.runs import Run
from cifar_core.text import percent
from cifar_core.workspace import Workspace
from pages.ui.components.epoch_marks import EpochMark, epoch_marks
from pages.ui.components.images import enlarged
from pages.ui.error_messages import show_errors
from pages.ui.glossary import glossary_is_open
from pages.ui.learning.choice import PAGE_KEY
from pages.ui.learning.loaded import Learned, load_epoch_answers, load_learned
from pages.ui.learning.part_pictures import load_part_pictures
from pages.ui.markdown import escaped
from pages.ui.picture.drawer import open_picture
from pages.ui.picture.navigation import Neighbours, show_neighbours
from pages.ui.picture.over_epochs import show_learning_numbers

_TIMES = 8  # as wide as its pixels
_EPOCH_KEY = f"{PAGE_KEY}_training_epoch"


@dataclass(frozen=True)
class TrainingList:
    """The pictures that the drawer goes through; kept by callbacks, so it holds no tables."""

    workspace: Workspace
    run: Run
    names: tuple[str, ...]


def show_training_picture(pictures: TrainingList) -> None:
    """Show the open picture in a drawer on the right; closing it removes the picture from the URL."""
    if glossary_is_open():
        return
    drawer = st.dialog(
        "Training picture", width="medium", position="right", on_dismiss=partial(open_picture, PAGE_KEY, "")
    )
    drawer(_show_in_drawer)(pictures)


def _show_in_drawer(pictures: TrainingList) -> None:
    """Fill the drawer. It is redrawn by itself, and the run may be deleted by then."""
    with show_errors():
        workspace, run, name = pictures.workspace, pictures.run, st.session_state[f"{PAGE_KEY}_image"]
        kept = read_kept(workspace, run, LEARNING, LearningParameters("train"))
        learned = load_learned(workspace, run, kept) if kept is not None else None
        if learned is None or name not in learned.row_of:
            st.warning("There is no such picture among those that this run learned from.")
            return
        _show_neighbours(pictures.names, name)
        _show_picture(pictures, learned, learned.row_of[name])


def _show_neighbours(names: tuple[str, ...], name: str) -> None:
    at = names.index(name) if name in names else None
    neighbours = Neighbours(
        before=names[at - 1] if at else "",
        after=names[at + 1] if at is not None and at + 1 < len(names) else "",
        words=f"{at + 1:,} of {len(names):,}" if at is not None else "outside the list",
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        show_neighbours(neighbours, PAGE_KEY, partial(open_picture, PAGE_KEY))


def _show_picture(pictures: TrainingList, learned: Learned, row: int) -> None:
    """Show one picture: it, its label, its numbers, its epochs."""
    found = learned.table.iloc[row]
    part = load_part_pictures(pictures.workspace, pictures.run, "train")
    answer = f"last predicted {escaped(found['predicted'])}" if found["shown"] else "never shown"
    image = part.at(np.array([found["index"]]))[0]
    with st.container(horizontal=True, gap="medium"):
        st.image(enlarged(image, _TIMES), width=_TIMES * image.shape[-1])
        with st.container(width=240, gap="small"):
            st.markdown(f"**true {escaped(found['true'])} → {answer}**")
            st.caption(escaped(learned.names[row]))
            if part.missing:
                st.caption(escaped(part.missing))
    _show_epochs(pictures, learned, row)
    if found["shown"]:
        show_learning_numbers(found)


def _show_epochs(pictures: TrainingList, learned: Learned, row: int) -> None:
    """Show a mark for each epoch, and what was said at the chosen one."""
    answers = load_epoch_answers(pictures.workspace, pictures.run, "train")
    label, classes = int(learned.table["true"].cat.codes.iloc[row]), learned.facts.class_names
    predicted, p_true = answers.predicted[:, row], answers.p_true[:, row]
    marks = [
        EpochMark(epoch, None if answer < 0 else bool(answer == label), False, _words(classes, epoch, answer, p, label))
        for epoch, answer, p in zip(answers.epochs, predicted.tolist(), p_true.tolist(), strict=True)
    ]
    shown = predicted >= 0
    told = [epoch for epoch, each in zip(answers.epochs, shown, strict=True) if each]
    st.markdown(f"**While it was learned.** {explain_forgetting(predicted[shown] == label, told)}")
    chosen = st.session_state.get(_EPOCH_KEY)
    at = answers.epochs.index(chosen) if chosen in answers.epochs else len(marks) - 1
    epoch_marks(marks, marks[at].epoch, key=f"{PAGE_KEY}_training_marks", on_chosen=_choose_epoch)
    st.caption(escaped(marks[at].words))


def _words(classes: tuple[str, ...], epoch: int, answer: int, p_true: float, label: int) -> str:
    """Return what was said at an epoch: `epoch 3: wrong, dog; p(cat) 12.0 %`."""
    if answer < 0:
        return f"epoch {epoch}: not shown"
    verdict = "right" if answer == label else f"wrong, {classes[answer]}"
    return f"epoch {epoch}: {verdict}; p({classes[label]}) {percent(p_true)}"


def _choose_epoch(epoch: int) -> None:
    st.session_state[_EPOCH_KEY] = epoch
