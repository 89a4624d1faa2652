"""Takes pictures from the clipboard: by Ctrl+V anywhere on the page, and by a button where the browser allows it.

No native element does: a chat input takes pasted files, but only where one has clicked into it, and with a second step.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st

from cifar_core.text import MB
from pages.ui.predict.sent_picture import MAX_PICTURE_MB

MAX_PASTED = 24  # files at a time
_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.paste_zone",
    html="""<div class="zone" role="group" aria-label="Paste a picture">
  <div class="keys">Press <kbd>Ctrl</kbd> + <kbd>V</kbd> (<kbd>⌘</kbd> + <kbd>V</kbd> on a Mac)</div>
  <button type="button">Paste</button>
  <div class="status" role="status"></div>
</div>""",
    css=(_HERE / "paste_zone.css").read_text("utf-8"),
    js=(_HERE / "paste_zone.js").read_text("utf-8"),
)


def paste_zone(*, key: str, on_paste: Callable[[list[tuple[str, Any]]], None]) -> None:
    """Show where one can paste.

    Args:
        key: the widget's key.
        on_paste: called before the script runs again with the name and the unchecked content of each file, which goes
            through `sent_file`.
    """
    turn_key = f"{key}_turn"

    def report() -> None:
        st.session_state[turn_key] = st.session_state.get(turn_key, 0) + 1
        on_paste(_named_contents(st.session_state[key].get("pasted")))

    data = {"limit": MAX_PICTURE_MB * MB, "limitText": f"{MAX_PICTURE_MB} MB", "most": MAX_PASTED}
    _component(key=key, data={**data, "turn": st.session_state.get(turn_key, 0)}, on_pasted_change=report)


def _named_contents(report: Any) -> list[tuple[str, Any]]:
    """The files of a report: whatever it is, it becomes a short list of names and contents."""
    files = report.get("files") if isinstance(report, dict) else None
    entries = files[:MAX_PASTED] if isinstance(files, list) else [None]
    return [
        (str(entry.get("name", ""))[:255], entry.get("content")) if isinstance(entry, dict) else ("", None)
        for entry in entries
    ]
