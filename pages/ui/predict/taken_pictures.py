"""The pictures of its own that a session has taken, newest first: small arrays, not the files they came in.

They stay when the entrance, the page or the run is another one. What a run needs of a picture depends on its dataset
(how a picture is fitted, how many bits of 16-bit grey count), so each picture is kept as every dataset would read it.
"""

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast

import numpy as np
import streamlit as st
from PIL import Image

from cifar_core.data import FIT_TITLES, Fit, decode_upright, fit_picture
from cifar_core.errors import DataError
from cifar_core.runs import Run

MAX_PICTURES = 24
PREVIEW_SIDE = 256  # pixels, the longer one: twice of what is shown, for fine screens
Source = Literal["uploaded", "pasted", "photo", "drawn"]
_NAMES: dict[Source, str] = {"uploaded": "picture", "pasted": "pasted picture", "photo": "photo", "drawn": "drawing"}
_TAKEN_KEY = "own_pictures"  # session: the pictures, newest first
_BEFORE_KEY = "own_before"  # session: the pictures before some were removed, for Undo
_TOLD_KEY = "own_told"  # session: sentences about what was not taken, until they were shown
_COUNTS_KEY = "own_counts"  # session: how many pictures ever came from each source, for names and ids


@dataclass(frozen=True)
class Reading:
    """A picture as a dataset with so many bits of grey reads it."""

    preview: bytes  # PNG, the whole picture made small
    pixels: dict[Fit, np.ndarray]  # uint8 [3, 32, 32], what the network sees


@dataclass(frozen=True)
class OwnPicture:
    """A picture that a person gave."""

    id: str
    title: str  # its name, and how it came where the name does not say it
    width: int  # as given, upright
    height: int
    readings: dict[int, Reading]  # by the bits of 16-bit grey that count

    def seen_by(self, run: Run) -> tuple[Reading, np.ndarray, Fit]:
        """The picture as the dataset of a run reads it: its reading, uint8 [3, 32, 32], and how it was fitted."""
        bits, fit = (run.dataset.grey_bits, run.dataset.fit) if run.dataset else (16, "crop")
        reading = self.readings[bits]
        return reading, reading.pixels[fit], fit


def taken_pictures() -> list[OwnPicture]:
    """The pictures of this session, newest first."""
    return cast(list[OwnPicture], st.session_state.setdefault(_TAKEN_KEY, []))


def room_for(count: int) -> int:
    """How many of so many new pictures can be taken; the others are told of."""
    room = min(count, MAX_PICTURES - len(taken_pictures()))
    if room < count:
        taken = f"Only {room} of {count:,} pictures were taken" if room else "No picture was taken"
        tell(f"{taken}, because {MAX_PICTURES} can stand here. Remove some, then choose the others again.")
    return room


def take_picture(content: bytes, source: Source, name: str = "", picture_id: str = "") -> None:
    """Take a picture file into the list; one with the id of a picture there takes its place.

    Args:
        content: the whole file.
        source: how it came.
        name: of the file; else it gets one.
        picture_id: else it gets one.

    Raises:
        DataError: the list is full, or the file is no picture that can be read; the list is as before.
    """
    pictures = taken_pictures()
    known = next((place for place, picture in enumerate(pictures) if picture.id == picture_id), None)
    if known is None and len(pictures) >= MAX_PICTURES:
        raise DataError(f"{MAX_PICTURES} pictures stand here already: remove some to take another one.")
    counts = st.session_state.setdefault(_COUNTS_KEY, Counter())
    number = counts[source] + 1
    title = f"{name} · {source}" if name else f"{_NAMES[source]} {number}"
    made = _read(content, picture_id or f"{source}-{number}", name or f"The {_NAMES[source]}", title)
    st.session_state.pop(_BEFORE_KEY, None)
    if known is not None:
        pictures[known] = replace(made, title=pictures[known].title)
    else:
        counts[source] = number
        pictures.insert(0, made)


def remove_pictures(ids: Sequence[str]) -> None:
    """Remove pictures; for a callback. `undo_removal` brings them back until another one is taken."""
    pictures = taken_pictures()
    st.session_state[_BEFORE_KEY] = pictures
    st.session_state[_TAKEN_KEY] = [picture for picture in pictures if picture.id not in ids]


def forget_picture(picture_id: str) -> None:
    """Remove a picture that its maker has taken back; for a callback."""
    st.session_state[_TAKEN_KEY] = [picture for picture in taken_pictures() if picture.id != picture_id]


def undo_removal() -> None:
    """Bring back what was removed last; for a callback, which a double click calls twice."""
    st.session_state[_TAKEN_KEY] = st.session_state.pop(_BEFORE_KEY, taken_pictures())


def removed_count() -> int:
    """How many pictures `undo_removal` would bring back."""
    return len(st.session_state.get(_BEFORE_KEY, taken_pictures())) - len(taken_pictures())


def tell(sentence: str) -> None:
    """Keep a sentence about what was not taken until the page is drawn next; also for a callback."""
    st.session_state.setdefault(_TOLD_KEY, []).append(sentence)


def told_sentences() -> list[str]:
    """Return the sentences that `tell` kept, once."""
    return cast(list[str], st.session_state.pop(_TOLD_KEY, []))


def _read(content: bytes, picture_id: str, name: str, title: str) -> OwnPicture:
    upright = decode_upright(content, name=name)
    readings = {16: _reading(upright.image)}
    # Only where the file leaves open how many levels of grey count does the dataset decide.
    open_grey = upright.grey_peak is not None
    readings[12] = _reading(decode_upright(content, name=name, grey_bits=12).image) if open_grey else readings[16]
    return OwnPicture(picture_id, title, upright.width, upright.height, readings)


def _reading(image: Image.Image) -> Reading:
    """Read a decoded picture, which is made small here."""
    pixels = {fit: fit_picture(image, fit) for fit in FIT_TITLES}
    image.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)  # browsers show neither TIFF nor PPM
    return Reading(buffer.getvalue(), pixels)
