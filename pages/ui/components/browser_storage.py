"""A list of texts in the browser's own storage (localStorage), so that it survives a reload of the page.

No native element reaches that storage. It is kept by this address and this browser only, and losing it is harmless: a
private window or a full storage keeps nothing.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

MAX_ITEMS = 10_000
_component = st.components.v2.component(
    "cifar_core.browser_storage",
    html="<span></span>",
    js=(Path(__file__).parent / "browser_storage.js").read_text("utf-8"),
)


def browser_storage(name: str, items: Sequence[str], *, heard: bool, on_heard: Callable[[list[str]], None]) -> None:
    """Keep `items` in the browser under this name.

    Args:
        name: of the list.
        items: what is to be kept, at most the first 10,000; written once the browser has been `heard`.
        heard: whether this session knows what the browser keeps; until then nothing there is overwritten.
        on_heard: called with what the browser keeps, texts from anywhere, once it has said so.
    """
    key = f"browser_storage_{name}"
    _component(
        key=key,
        data={"name": name, "items": list(items[:MAX_ITEMS]) if heard else [], "heard": heard},
        on_heard_change=lambda: _handle_report(key, name, on_heard),
    )


def _handle_report(key: str, name: str, on_heard: Callable[[list[str]], None]) -> None:
    """Hand on what the browser says after a check; a report of another list is none."""
    report = st.session_state[key].get("heard")
    if isinstance(report, dict) and report.get("name") == name:
        on_heard(_texts(report.get("items")))


def _texts(items: Any) -> list[str]:
    return [item for item in items if isinstance(item, str)][:MAX_ITEMS] if isinstance(items, list) else []
