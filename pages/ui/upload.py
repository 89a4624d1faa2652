"""Pictures that a person brings, or test pictures for a person who has none at hand.

The content of a file decides what it is; its name is shown as text and never used as a path.
"""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from cifar_core.data import decode_picture
from cifar_core.errors import CifarCoreError
from cifar_core.runs import Run
from cifar_core.settings import read_limits
from cifar_core.workspace import Workspace
from pages.ui.caches import test_split
from pages.ui.frame import guard
from pages.ui.text import clean, plain, sentence

ENDINGS = ["png", "jpg", "jpeg", "webp", "bmp"]
MAX_FILES = 24
MAX_MEGABYTES = 20  # of one file


@dataclass(frozen=True)
class Picture:
    """A picture to be predicted."""

    name: str
    pixels: np.ndarray  # uint8 [3, 32, 32], what the network sees
    original: bytes | None  # the file as it was uploaded; None for a picture of the dataset
    label: int | None = None  # the true class, where it is known


def upload_limit(workspace: Workspace) -> int:
    """MB that one file from a browser may have: as this server's settings say, and no more than Streamlit takes."""
    most = int(st.get_option("server.maxUploadSize"))
    with guard():
        return min(most, read_limits(workspace).upload_mb)
    return most


def uploaded_pictures(workspace: Workspace) -> list[Picture]:
    """The uploader; a file that is no picture gets its sentence, and the others go on."""
    files = st.file_uploader(
        "Pictures",
        ENDINGS,
        accept_multiple_files=True,
        key="predict_files",
        max_upload_size=min(MAX_MEGABYTES, upload_limit(workspace)),
        help="PNG, JPEG, WEBP or BMP, one or several.",
    )
    if len(files) > MAX_FILES:
        st.warning(f"{len(files)} files: the first {MAX_FILES} are shown.", icon=":material/info:")
    pictures = []
    for file in files[:MAX_FILES]:
        name, content = clean(file.name), file.getvalue()
        try:
            pictures.append(Picture(name, decode_picture(content, name=name), content))
        except CifarCoreError as error:
            st.error(sentence(error), icon=":material/broken_image:")
    return pictures


def test_pictures(workspace: Workspace, run: Run) -> list[Picture]:
    """One picture of the run's test set, chosen by its number.

    Raises:
        DataError: the run's dataset is not here any more.
    """
    split = test_split(workspace, run)
    row = int(
        st.number_input(
            "Test picture",
            0,
            len(split.labels) - 1,
            key="predict_row",
            width=220,
            help=f"Any of the {len(split.labels):,} test pictures of {plain(run.config.data.dataset)}.",
        )
    )
    name = clean(split.ids[row])
    return [Picture(name, np.asarray(split.images[row]), None, int(split.labels[row]))]
