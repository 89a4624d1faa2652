"""A dozen test pictures of a run that is watched: how each is answered after the newest epoch, and which turned."""

from collections.abc import Sequence

import numpy as np
import streamlit as st

from cifar_core.data import Split
from cifar_core.errors import DataError, RunError
from cifar_core.runs import LearningStep, Run, choose_dozen, read_learning_step
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.run_folder import RunFolder
from cifar_core.samples.table import printable
from cifar_core.text import counted, first_names
from cifar_core.workspace import Workspace
from pages.ui.caches import file_identity, load_dataset, load_test_split
from pages.ui.components.image_grid import image_grid
from pages.ui.data.pictures_so_far import show_pictures_so_far
from pages.ui.markdown import escaped
from pages.ui.understand.run_pictures import show_missing_pictures

_TILE = 56  # CSS pixels: six in a row in windows of 1366 and of 800
_HELP = (
    "Chosen by the seed of the run, as evenly over the classes as possible, before any answer was known. "
    "A click opens a picture."
)


def show_learning_pictures(workspace: Workspace, run: Run) -> None:
    """Show the pictures; in their place those that are drawn now, where the dataset is not there yet.

    Those of a dataset that is gone or another one by now cannot be shown, and a line says so.
    """
    try:
        split, names = _test_pictures(workspace, run)
    except (DataError, RunError) as error:
        if run.active:
            show_pictures_so_far(workspace, run.config.data.dataset)
        else:
            show_missing_pictures(workspace, run, str(error), "train_dozen")
        return
    rows = _rows(run.config.data.dataset, len(split.labels), run.config.machine.seed, split.labels)
    labels = np.asarray(split.labels[rows], np.int64)
    step = _step(workspace, run, rows, labels)
    st.markdown(words_on_step(step, len(rows), run), help=_HELP)
    captions = _captions(step, labels, names)
    event = image_grid(
        split.images[rows],
        captions,
        [printable(split.ids[row]) for row in rows],
        key="train_dozen",
        labels=_labels(captions, step),
        marks=[""] * len(rows) if step is None else ["right" if right else "wrong" for right in step.right],
        tile=_TILE,
    )
    if step is not None and run.last is not None and run.last.epoch > 1:
        st.caption(words_on_turned(step, [names[label] for label in labels]))
    if event.opened:
        epoch = {"epoch": str(run.last.epoch)} if run.last else {}
        st.switch_page("pages/picture.py", query_params={"run": run.id, "id": event.opened, **epoch})


def _test_pictures(workspace: Workspace, run: Run) -> tuple[Split, Sequence[str]]:
    """Return the test pictures and the names of their classes, also before the run has opened its data.

    Raises:
        DataError, RunError: they are not here (yet), or are others than those of the run.
    """
    if run.dataset is not None:
        return load_test_split(workspace, run), run.dataset.class_names
    dataset = load_dataset(workspace, run.config.data.dataset)
    return dataset.test, dataset.class_names


@st.cache_data(max_entries=32, show_spinner=False)
def _rows(dataset: str, count: int, seed: int, _labels: np.ndarray) -> np.ndarray:
    return choose_dozen(np.asarray(_labels), seed)


def _step(workspace: Workspace, run: Run, rows: np.ndarray, labels: np.ndarray) -> LearningStep | None:
    if run.last is None:
        return None
    file = as_stored(RunFolder(workspace.runs / run.id)).probs("test", run.last.epoch)
    return _read_step(workspace, run, run.id, run.last.epoch, file_identity(file), rows, labels)


@st.cache_data(max_entries=64, show_spinner=False)
def _read_step(
    _workspace: Workspace, _run: Run, run_id: str, epoch: int, identity: object, rows: np.ndarray, labels: np.ndarray
) -> LearningStep | None:
    return read_learning_step(_workspace, _run, epoch, rows, labels)


def words_on_step(step: LearningStep | None, count: int, run: Run) -> str:
    """Return how many of the pictures are right after the newest epoch: the line above them."""
    if step is None or run.last is None:
        waits = ": right or wrong after each epoch" if run.active else ""
        return f"**{counted(count, 'test picture')}**{waits}"
    return f"**{int(step.right.sum())} of {counted(count, 'test picture')}** right after epoch {run.last.epoch}"


def words_on_turned(step: LearningStep, true: Sequence[str]) -> str:
    """Return which pictures turned with the newest epoch: the line below them, so that it moves none of them.

    Args:
        step: what the run answers.
        true: the true class of each picture.
    """
    words = []
    for turned, way in ((step.turned_right, "right"), (step.turned_wrong, "wrong")):
        if turned.any():
            names = first_names([true[int(place)] for place in np.flatnonzero(turned)])
            words.append(f"{int(turned.sum())} turned {way} with this epoch: {escaped(names)}")
    return " · ".join(words) or "None turned with this epoch."


def _captions(step: LearningStep | None, labels: np.ndarray, names: Sequence[str]) -> list[str]:
    """Return what stands under each picture: the predicted class, and the true one where that is another."""
    true = [names[label] for label in labels]
    if step is None:
        return true
    return [
        name if right else f"{names[index]}\ntrue {name}"
        for name, index, right in zip(true, step.predicted, step.right, strict=True)
    ]


def _labels(captions: Sequence[str], step: LearningStep | None) -> list[str]:
    """Return what a screen reader says of each picture: what stands on it, whether it is right, whether it turned."""
    if step is None:
        return [f"{caption}, no answer yet" for caption in captions]
    turned = step.turned_right | step.turned_wrong
    return [
        f"{caption}, {'right' if right else 'wrong'}{', turned with this epoch' if new else ''}"
        for caption, right, new in zip(captions, step.right, turned, strict=True)
    ]
