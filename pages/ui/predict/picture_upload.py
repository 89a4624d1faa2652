"""Pictures that a person brings, or test pictures for a person who has none at hand.

The content of a file decides what it is; its name is shown as text and never used as a path.
"""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from cifar_core.data import decode_picture
from cifar_core.errors import DataError
from cifar_core.files import MB, size_text
from cifar_core.runs import Run
from cifar_core.settings import read_limits
from cifar_core.workspace import Workspace
from pages.ui.caches import test_split
from pages.ui.frame import guard
from pages.ui.markdown import clean, plain, sentence
from pages.ui.server.upload_quota import drop_uploads, field_key, refused_uploads

ENDINGS = ["png", "jpg", "jpeg", "webp", "bmp"]
MAX_FILES = 24
MAX_MEGABYTES = 20  # of one file
TOLD = "predict_told"  # session: why the last uploader was emptied


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
        key=field_key("predict_files"),
        max_upload_size=min(MAX_MEGABYTES, upload_limit(workspace)),
        help=f"PNG, JPEG, WEBP or BMP, up to {MAX_FILES} at a time.",
    )
    refused = refused_uploads()
    if len(files) > MAX_FILES:
        _start_over(f"{len(files) + refused:,} files were chosen; {MAX_FILES} at a time are taken. None of them was "
                    "looked at: choose fewer.")  # fmt: skip
    if TOLD in st.session_state:
        st.error(sentence(st.session_state.pop(TOLD)), icon=":material/filter_none:")
    if refused:
        st.warning(f"{refused:,} more files were refused: together they would be more than the "
                   f"{upload_limit(workspace):,} MB that may be here at a time.", icon=":material/filter_none:")  # fmt: skip
    pictures = []
    for file in files:
        with guard():
            pictures.append(_picture(clean(file.name), file))
    return pictures


def _picture(name: str, file: UploadedFile) -> Picture:
    if file.size > MAX_MEGABYTES * MB:  # the browser may not have looked
        raise DataError(f"{name} has {size_text(file.size)}; a picture may have {MAX_MEGABYTES} MB.")
    content = file.getvalue()
    return Picture(name, decode_picture(content, name=name), content)


def _start_over(told: str) -> NoReturn:
    """Drop everything that was sent and draw an empty uploader with the reason."""
    drop_uploads()
    st.session_state[TOLD] = told
    st.rerun()


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
