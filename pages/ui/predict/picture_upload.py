"""Pictures for the network to predict: uploaded ones, or a test picture for a person who has none at hand.

The content of a file decides what it is; its name is shown as text and never used as a path.
"""

from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import streamlit as st
from PIL import Image
from streamlit.typing import UploadedFile

from cifar_core.data import EXTENSIONS, FIT_TITLES, FORMATS, Fit, decode_upright, fit_picture
from cifar_core.errors import DataError
from cifar_core.runs import Run
from cifar_core.text import MB, counted, size_text
from cifar_core.workspace import Workspace
from pages.ui.components.images import fitted
from pages.ui.error_messages import show_errors
from pages.ui.markdown import escaped_sentence, single_line
from pages.ui.server.upload_quota import drop_uploads, refused_upload_count, upload_field_key, upload_limit_mb

MAX_UPLOADED_PICTURES = 24
MAX_PICTURE_MB = 20  # of one file
PREVIEW_BOX = (192, 288)  # screen pixels, width and height
UPLOAD_PROBLEM_KEY = "predict_told"  # session: why the uploader was emptied


@dataclass(frozen=True)
class InputPicture:
    """A picture to be predicted."""

    name: str
    pixels: np.ndarray  # uint8 [3, 32, 32], what the network sees
    label: int | None = None  # the true class, where it is known
    preview: Image.Image | None = None  # the whole of an uploaded picture, made small
    preview_caption: str = ""
    seen_caption: str = "the 32 × 32 the network sees"


def uploaded_pictures(workspace: Workspace, run: Run) -> list[InputPicture]:
    """Show the uploader and return its pictures; a file that is no picture gets a sentence, and the others count."""
    files = st.file_uploader(
        "Pictures",
        EXTENSIONS,
        accept_multiple_files=True,
        key=upload_field_key("predict_files"),
        max_upload_size=min(MAX_PICTURE_MB, upload_limit_mb(workspace)),
        help=f"{FORMATS}, up to {MAX_UPLOADED_PICTURES} at a time.",
    )
    refused = refused_upload_count()
    if len(files) > MAX_UPLOADED_PICTURES:
        _empty_uploader(
            f"{len(files) + refused:,} files were chosen; {MAX_UPLOADED_PICTURES} at a time can be used. "
            "None of them was predicted: choose fewer."
        )
    if UPLOAD_PROBLEM_KEY in st.session_state:
        st.error(escaped_sentence(st.session_state.pop(UPLOAD_PROBLEM_KEY)), icon=":material/filter_none:")
    if refused:
        st.warning(
            f"{counted(refused, 'more file')} {'was' if refused == 1 else 'were'} refused: "
            "together the files would take more than the "
            f"{upload_limit_mb(workspace):,} MB that may be sent at a time.",
            icon=":material/filter_none:",
        )
    grey_bits, fit = (run.dataset.grey_bits, run.dataset.fit) if run.dataset else (16, "crop")
    pictures = []
    for file in files:
        with show_errors():
            pictures.append(_read_picture(single_line(file.name), file, grey_bits, fit))
    return pictures


def _read_picture(name: str, file: UploadedFile, grey_bits: int, fit: Fit) -> InputPicture:
    if file.size > MAX_PICTURE_MB * MB:  # checked here too, because a browser may not have checked it
        raise DataError(f"{name} has {size_text(file.size)}; a picture may have {MAX_PICTURE_MB} MB.")
    upright = decode_upright(file.getvalue(), name=name, grey_bits=grey_bits)
    # Made here, because browsers show neither TIFF nor PPM, and Streamlit would decode the file a second time.
    preview = fitted(upright.image, *PREVIEW_BOX)
    caption = f"as uploaded, {upright.width:,} × {upright.height:,} pixels"
    how = "" if upright.width == upright.height else f": {FIT_TITLES[fit]}"
    seen = f"{InputPicture.seen_caption}{how}"
    return InputPicture(
        name, fit_picture(upright.image, fit), preview=preview, preview_caption=caption, seen_caption=seen
    )


def _empty_uploader(reason: str) -> NoReturn:
    """Drop everything that was sent and show an empty uploader with the reason."""
    drop_uploads()
    st.session_state[UPLOAD_PROBLEM_KEY] = reason
    st.rerun()
