"""The picture grid: one sprite of all tiles of a page, drawn by one small inline component.

No native element shows a hundred 32 x 32 pictures unsmoothed, selectable by mouse and keyboard, with captions. All text
reaches the browser as data and is set as `textContent`; no text of a person is ever part of HTML, CSS or JavaScript.
"""

import base64
import io
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import streamlit as st
from PIL import Image

from pages.ui.components.sent_arrays import send_array, text_array

SPRITE_COLUMNS = 16  # tiles in a row of the sprite
PICTURE_SIDE = 32  # pixels of a picture, in both directions
Mark = Literal["right", "wrong", ""]
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.image_grid",
    html="<div class='grid'>\n</div>",
    css=(_HERE / "image_grid.css").read_text("utf-8"),
    js=(_HERE / "image_grid.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class GridEvent:
    """What a person did with the pictures shown: which they selected, which no longer, which is to be opened."""

    added: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()
    opened: str | None = None
    pressed: tuple[tuple[str, int], ...] = ()  # each picture that had the focus when a key 1 to 9 was pressed; that key


def image_grid(  # noqa: PLR0913 - what stands on a tile and what it does
    images: np.ndarray,
    captions: Sequence[str],
    keys: Sequence[str],
    *,
    key: str,
    labels: Sequence[str] | None = None,
    marks: Sequence[Mark] | None = None,
    selected: Collection[str] = (),
    on_change: Callable[[GridEvent], None] | None = None,
    tile: int = 96,
    opened: str = "",
    closed: str = "",
) -> GridEvent:
    """Show pictures as tiles with captions; a click or Enter opens one.

    With `on_change` they can be selected too: by the tick in the corner, Space, or a finger that rests on one (with
    Shift a range, Ctrl+A all). Arrow keys move. While none is selected, the keys 1 to 9 are reported too.

    Args:
        images: uint8 [n, 3, 32, 32].
        captions: what stands under each picture, may be empty; a line break starts another line.
        keys: one per picture, unique; what events speak of.
        key: the widget's key.
        labels: what a screen reader says of each picture; else its caption, else its key.
        marks: whether each picture was predicted right; "" leaves that open.
        selected: keys that are marked; those of pictures that are not shown only keep the ticks in sight.
        on_change: called before the script runs again, so that the page can remember what was selected or opened.
        tile: width of a picture on screen, in CSS pixels; a multiple of 32 keeps every pixel the same size.
        opened: the key of the picture that is open large; once it is none, a tile has the focus again.
        closed: which tile: that of the picture that was open last; else the one that was clicked.
    """
    shown_selected = frozenset(selected).intersection(keys)
    st.session_state[f"{key}_shown"] = list(keys)
    with st.container(gap=None):
        pictures = send_array(text_array([sprite(images)]), f"{key}_sprite")  # once, also where captions change
        result = _component(
            key=key,
            data={
                "sprite": pictures,
                "columns": SPRITE_COLUMNS,
                "tile": tile,
                "selectable": on_change is not None,
                "keys": list(keys),
                "captions": list(captions),
                "labels": list(labels or captions),
                "marks": list(marks or [""] * len(keys)),
                "selected": [name for name in keys if name in shown_selected],
                "choosing": bool(selected),
                "opened": opened,
                "closed": closed,
                "turn": st.session_state.get(f"{key}_turn", 0),
                "pressed": st.session_state.get(f"{key}_pressed", 0),
            },
            on_acted_change=lambda: _handle_report(key, on_change),
        )
    return _parse_report(result.get("acted"), keys, st.session_state.get(f"{key}_pressed", 0)) or GridEvent()


def sprite(images: np.ndarray) -> str:
    """Return all pictures in one PNG, `SPRITE_COLUMNS` in a row, as a data URL.

    Args:
        images: uint8 [n, 3, 32, 32].
    """
    count = len(images)
    rows = max(1, -(-count // SPRITE_COLUMNS))
    cells = np.zeros((rows * SPRITE_COLUMNS, PICTURE_SIDE, PICTURE_SIDE, 3), dtype=np.uint8)
    cells[:count] = images.transpose(0, 2, 3, 1)
    # The axes become rows, y, columns, x, channel.
    cells = cells.reshape(rows, SPRITE_COLUMNS, PICTURE_SIDE, PICTURE_SIDE, 3).swapaxes(1, 2)
    buffer = io.BytesIO()
    Image.fromarray(cells.reshape(rows * PICTURE_SIDE, SPRITE_COLUMNS * PICTURE_SIDE, 3)).save(
        buffer, "PNG", compress_level=1
    )
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _handle_report(key: str, on_change: Callable[[GridEvent], None] | None) -> None:
    """Handle a report of the browser: remember its number, and call the page."""
    report = st.session_state[key].get("acted")
    answered = st.session_state.get(f"{key}_pressed", 0)
    event = _parse_report(report, st.session_state.get(f"{key}_shown", []), answered)
    if event is None:
        return
    st.session_state[f"{key}_turn"] = report["turn"]
    if on_change is not None:
        on_change(event)
    # The next report ends a callback at its next access to the session, and holds what has no answer again.
    st.session_state[f"{key}_pressed"] = max([answered, *_new_presses(report.get("pressed"), answered)])


def _parse_report(report: Any, keys: Sequence[str], answered: int) -> GridEvent | None:
    """Return a report of the browser after a check; None where it makes no sense.

    Only pictures that are shown can be selected, opened or tagged: it may have been sent before they were. Presses of
    keys up to number `answered` were in an earlier report as well.
    """
    if not isinstance(report, dict) or type(report.get("turn")) is not int:
        return None
    added, removed = (_known(report.get(name), keys) for name in ("added", "removed"))
    opened = next(iter(_known([report.get("opened")], keys)), None)
    presses = _new_presses(report.get("pressed"), answered)
    return GridEvent(added, removed, opened, tuple(press for press in presses.values() if press[0] in keys))


def _new_presses(pressed: Any, answered: int) -> dict[int, tuple[str, int]]:
    """Return the picture and the digit of each press of a key that was not answered yet, by its number, in order."""
    found = {}
    for press in pressed if isinstance(pressed, list) else []:
        match press:
            case [int(number), str(name), int(digit)] if number > answered and 1 <= digit <= 9:
                found[number] = name, digit
    return dict(sorted(found.items()))


def _known(names: Any, keys: Sequence[str]) -> frozenset[str]:
    wanted = [name for name in names if isinstance(name, str)] if isinstance(names, list) else []
    return frozenset(wanted).intersection(keys)
