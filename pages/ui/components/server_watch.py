"""Says that the app was closed, while the page of a server that went away still stands in the browser.

Streamlit's own words then are about itself. No native element works without the server.
"""

from pathlib import Path

import streamlit as st

from pages.ui.server.access import is_shared

_HERE = Path(__file__).parent
_component = st.components.v2.component(
    "cifar_core.server_watch",
    html="<div class='notice' role='alert' popover='manual'>\n</div>",
    css=(_HERE / "server_watch.css").read_text("utf-8"),
    js=(_HERE / "server_watch.js").read_text("utf-8"),
)
_LATER = "This page then goes on by itself. Runs that train go on meanwhile."
CLOSED_HERE = (
    "The app on this machine was closed.",
    f"To start it again, type “make run” in a terminal in the project's folder. {_LATER}",
)
GONE_ELSEWHERE = (
    "The server does not answer any more.",
    f"It was closed, or the network to it is cut. Ask who runs it to start it again. {_LATER}",
)


def watch_server() -> None:
    """Let the browser ask every few seconds whether the server still answers, and show a notice while it does not."""
    title, text = GONE_ELSEWHERE if is_shared() else CLOSED_HERE
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    address = f"/{base}/_stcore/health" if base else "/_stcore/health"
    _component(key="server_watch", data={"address": address, "title": title, "text": text})
