"""The entrances for a person's own pictures: upload, paste, camera, draw. Each takes pictures into the session's list.

The content of a file decides what it is; its name is shown as text and never used as a path.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from cifar_core.data import EXTENSIONS, FORMATS
from cifar_core.errors import DataError
from cifar_core.text import counted
from cifar_core.workspace import Workspace
from pages.ui.markdown import single_line
from pages.ui.predict.drawing_canvas import drawing_canvas
from pages.ui.predict.paste_zone import paste_zone
from pages.ui.predict.sent_picture import MAX_PICTURE_MB, sent_file, uploaded_file
from pages.ui.predict.taken_pictures import MAX_PICTURES, Source, forget_picture, room_for, take_picture, tell
from pages.ui.server.upload_quota import drop_uploads, refused_upload_count, upload_field_key, upload_limit_mb
from pages.ui.url_state import one_of, url_to_widgets, widgets_to_url

PREFIX = "own"  # of the widgets' keys
CAMERA_KEY = f"{PREFIX}_camera"
ENTRANCES = {"upload": "Upload", "paste": "Paste", "camera": "Camera", "draw": "Draw"}
_MAX_NAME = 150  # characters of a file's name
_CLIPBOARD_NAME = "image.png"  # what browsers call each copied picture that is no file


def show_entrance(workspace: Workspace) -> None:
    """Let a person choose an entrance, and show it alone, so that no camera starts before it was chosen."""
    parameters = {"entrance": one_of(list(ENTRANCES), "upload")}
    url_to_widgets(PREFIX, parameters)
    entrance = st.segmented_control(
        "How the picture comes",
        list(ENTRANCES),
        required=True,
        key=f"{PREFIX}_entrance",
        format_func=ENTRANCES.__getitem__,
        label_visibility="collapsed",
    )
    widgets_to_url(PREFIX, parameters)
    if entrance == "paste":
        paste_zone(key=f"{PREFIX}_paste", on_paste=_take_pasted)
    elif entrance == "camera":
        st.camera_input("Take a photo", key=CAMERA_KEY, on_change=_take_photo)
        st.caption(
            "Nothing to see? This device has no camera, or the browser may not use it: the icon beside the address "
            "allows it, on this machine and over https. The other ways need none."
        )
    elif entrance == "draw":
        drawing_canvas(key=f"{PREFIX}_draw", on_draw=_take_drawing)
        st.caption("Draw with the mouse, a finger or a pen: the network answers after each stroke.")
    else:
        _show_uploader(workspace)


def _show_uploader(workspace: Workspace) -> None:
    """Show the uploader; what it has brought is taken, and the next field is empty: the list shows the pictures."""
    limit = upload_limit_mb(workspace)
    files = st.file_uploader(
        "Pictures",
        EXTENSIONS,
        accept_multiple_files=True,
        key=upload_field_key(f"{PREFIX}_files"),
        max_upload_size=min(MAX_PICTURE_MB, limit),
        help=f"{FORMATS}, up to {MAX_PICTURES} in the list.",
    )
    if not files:
        return
    refused = refused_upload_count()
    if refused:
        tell(
            f"{counted(refused, 'more file')} {'was' if refused == 1 else 'were'} refused: "
            f"together the files would take more than the {limit:,} MB that may be sent at a time."
        )
    with st.spinner(f"Reading {counted(len(files), 'picture')}…"):
        for file in files[: room_for(len(files))]:
            name = single_line(file.name, _MAX_NAME)
            _take(partial(uploaded_file, file, name), "uploaded", name)
    drop_uploads()
    st.rerun()


def _take_photo() -> None:
    photo = st.session_state.get(CAMERA_KEY)
    if photo is not None:
        _take(partial(uploaded_file, photo, "The photo"), "photo")
        drop_uploads()  # the browser still shows it; the server need not keep the file


def _take_pasted(files: list[tuple[str, Any]]) -> None:
    for file_name, content in files[: room_for(len(files))]:
        name = "" if file_name == _CLIPBOARD_NAME else single_line(file_name, _MAX_NAME)

        def read(content: Any = content, name: str = name) -> bytes:
            return sent_file(content, name or "What was pasted")

        _take(read, "pasted", name)


def _take_drawing(drawing: str, content: Any) -> None:
    if content == "":
        forget_picture(drawing)
    else:
        _take(lambda: sent_file(content, "The drawing"), "drawn", picture_id=drawing)


def _take(read: Callable[[], bytes], source: Source, name: str = "", picture_id: str = "") -> None:
    """Take one picture; what is none is told, and others of the same batch are taken."""
    try:
        take_picture(read(), source, name, picture_id)
    except DataError as error:
        tell(str(error))
