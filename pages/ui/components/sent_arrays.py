"""Large arrays that reach the browser once, whatever else on the page changes.

Each stands in an element of its own, which shows nothing. Streamlit sends an element that has not changed by its hash
alone, so a rerun costs some bytes. Other components of ours find an array in the browser by its digest.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import streamlit as st

_KINDS = {"float32": "<f4", "uint8": "|u1"}
_component = st.components.v2.component(
    "cifar_core.sent_arrays",
    html="<span></span>",
    js=(Path(__file__).parent / "sent_arrays.js").read_text("utf-8"),
)


@dataclass(frozen=True)
class SentArray:
    """An array as it travels: a line with its digest and kind, then its values."""

    digest: str
    content: bytes


def number_array(values: np.ndarray) -> SentArray:
    """Return numbers as they travel, each in 4 bytes, or in one where they are uint8; one dimension."""
    kind = "uint8" if values.dtype == np.uint8 else "float32"
    return _packed(kind, np.ascontiguousarray(values, _KINDS[kind]).tobytes())


def text_array(texts: Sequence[str]) -> SentArray:
    """Return texts as they travel; a line break inside one becomes a space."""
    return _packed("text", "\n".join(text.replace("\n", " ") for text in texts).encode("utf-8", "replace"))


def send_array(array: SentArray, key: str) -> str:
    """Send an array to the browser, where it is as long as this element is on the page.

    Args:
        array: what is sent; the page keeps it in a cache, since making it takes longer than sending it.
        key: the widget's key; of one key only the latest array is kept.

    Returns:
        its digest, by which a component finds it.
    """
    _component(key=key, data=array.content)
    return array.digest


def _packed(kind: str, content: bytes) -> SentArray:
    digest = hashlib.sha256(kind.encode() + content).hexdigest()[:32]
    return SentArray(digest, f"{digest} {kind}\n".encode() + content)
