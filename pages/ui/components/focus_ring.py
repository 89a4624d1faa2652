"""A ring around the link that has the keyboard's focus, such as those of the side bar.

Streamlit shows the focus of a link by a background that hardly differs, and its theme has no setting for it.
"""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.focus_ring",
    html="<div class='ring' popover='manual' aria-hidden='true'>\n</div>",
    css=(_HERE / "focus_ring.css").read_text("utf-8"),
    js=(_HERE / "focus_ring.js").read_text("utf-8"),
)


def show_focus_ring() -> None:
    """Draw the ring on this page; it is above everything and takes no clicks."""
    _component(key="focus_ring", data={})
