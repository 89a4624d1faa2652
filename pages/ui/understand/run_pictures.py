"""The test pictures of a run; where they are not here, a stand-in, why, and the buttons that bring them back.

Moves a deleted dataset back, and links a run to another dataset.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import streamlit as st

from cifar_core.data import Split, find_deleted_dataset, list_datasets, restore_dataset
from cifar_core.data.pictures import SIZE
from cifar_core.errors import DataError, RunError
from cifar_core.runs import Predictions, Run, link_dataset, linkable_datasets
from cifar_core.workspace import Workspace
from pages.ui.caches import load_run_dataset
from pages.ui.error_messages import show_errors_as_toast
from pages.ui.markdown import escaped, escaped_sentence

_LINK_HELP = (
    "It has the same test pictures. The numbers stay as they are. On the command line: `runs link RUN DATASET`."
)
_MOST_LINKS = 3  # buttons


@dataclass(frozen=True)
class RunPictures:
    """The test part of a run as its pages show it."""

    split: Split  # in the order of the run's predictions; a stand-in for each picture where they are missing
    dataset: str  # that they come from; "" where they are missing
    missing: str  # why they are not here, a sentence; "" where they are


def run_pictures(workspace: Workspace, run: Run, predictions: Predictions) -> RunPictures:
    """Return the test pictures of a run; its numbers need none, so that a missing dataset leaves every page whole."""
    try:
        dataset = load_run_dataset(workspace, run)
    except (DataError, RunError) as error:
        count = len(predictions.labels)
        images = np.broadcast_to(no_picture(), (count, *no_picture().shape))
        return RunPictures(Split(images, predictions.labels, predictions.ids), "", str(error))
    return RunPictures(dataset.test, dataset.name, "")


@cache
def no_picture() -> np.ndarray:
    """Return what stands in place of a picture: grey, struck through, uint8 [3, 32, 32]."""
    image = np.full((3, SIZE, SIZE), 128, np.uint8)
    diagonal = np.arange(SIZE)
    image[:, diagonal, diagonal] = 96
    image[:, diagonal, diagonal[::-1]] = 96
    return image


def show_missing_pictures(workspace: Workspace, run: Run, missing: str, key: str) -> None:
    """Show why the pictures of a run are not here, with a button for each way to see them again.

    Args:
        workspace: where.
        run: whose pictures are missing.
        missing: why, a sentence.
        key: prefix of the keys.
    """
    name = run.config.data.dataset
    deleted = find_deleted_dataset(workspace, name) is not None and not (workspace.data / name).exists()
    if deleted and run.linked_dataset is None:  # the button says the rest
        missing = f"The dataset {name} was deleted."
    with st.container(border=True, gap="small"):
        st.markdown(f":material/broken_image: {escaped_sentence(missing)} The numbers of the run need no pictures.")
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            if deleted:
                st.button(
                    f"Bring back {escaped(name)}",
                    key=f"{key}_bring_back",
                    icon=":material/undo:",
                    on_click=_bring_back,
                    args=(workspace, name),
                )
            for other in _linkable(workspace, run)[:_MOST_LINKS]:
                st.button(
                    f"Use the pictures of {escaped(other)}",
                    key=f"{key}_link_{other}",
                    icon=":material/link:",
                    help=_LINK_HELP,
                    on_click=_link,
                    args=(workspace, run.id, other),
                )
            st.page_link("pages/data.py", label="Datasets", icon=":material/database:")


def _linkable(workspace: Workspace, run: Run) -> list[str]:
    """Return the datasets with the pictures of a run; looked into again when the datasets have changed."""
    there = tuple((state.name, state.fingerprint) for state in list_datasets(workspace))
    return _find_linkable(workspace, run, (run.id, run.dataset and run.dataset.fingerprint, there))


@st.cache_data(max_entries=32, show_spinner=False)
def _find_linkable(_workspace: Workspace, _run: Run, identity: object) -> list[str]:
    return linkable_datasets(_workspace, _run)


def _bring_back(workspace: Workspace, name: str) -> None:
    with show_errors_as_toast():
        restore_dataset(workspace, name)


def _link(workspace: Workspace, run_id: str, name: str) -> None:
    with show_errors_as_toast():
        link_dataset(workspace, run_id, name)
