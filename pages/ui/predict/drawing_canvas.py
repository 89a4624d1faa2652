"""A small canvas to draw on with mouse, finger or pen: brush sizes, a few colours, undo and clear.

No native element draws. The strokes stay in the browser (also when the canvas is left and shown again); a while after
each stroke the drawing is sent as a PNG, the same drawing under the same id. A session that has not got it, as after
the page was loaded again, gets it once the canvas is shown.
"""

import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

_DRAWING_ID = re.compile(r"[a-z0-9]{1,40}")
_SESSION_KEY = "own_drawing_session"  # session: what tells it from others
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.drawing_canvas",
    html="""<div class="drawing">
  <canvas width="256" height="256" role="img"
    aria-label="Canvas to draw on with mouse, finger or pen. Without one of them, upload or paste a picture."></canvas>
  <div class="row colours" role="group" aria-label="Colour"></div>
  <div class="row">
    <div class="row brushes" role="group" aria-label="Brush"></div>
    <button type="button" class="word undo">Undo</button>
    <button type="button" class="word clear">Clear</button>
  </div>
</div>""",
    css=(_HERE / "drawing_canvas.css").read_text("utf-8"),
    js=(_HERE / "drawing_canvas.js").read_text("utf-8"),
)


def drawing_canvas(*, key: str, on_draw: Callable[[str, Any], None]) -> None:
    """Show the canvas.

    Args:
        key: the widget's key.
        on_draw: called before the script runs again with the id of the drawing and its content, a PNG that goes through
            `sent_file`; the content is empty once the last stroke has been undone.
    """

    def report() -> None:
        drawn = st.session_state[key].get("drawn")
        drawing = drawn.get("id") if isinstance(drawn, dict) else None
        if isinstance(drawing, str) and _DRAWING_ID.fullmatch(drawing):
            on_draw(drawing, drawn.get("content"))

    data = {"session": st.session_state.setdefault(_SESSION_KEY, secrets.token_hex(8))}
    _component(key=key, data=data, on_drawn_change=report)
