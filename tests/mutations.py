"""Hypothesis strategies for damaged files: any bytes, and valid files with some bytes or some values changed."""

import json
import math
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

DEEP = "[" * 100_000  # nested deeper than any reader of JSON allows
HUGE = 10**400  # larger than any float
EXTREMES = [HUGE, -HUGE, 2**63, -1, 0, 1e308, math.nan, math.inf, -0.0, "", "\ud800", "\0", "NaN", "1" * 5000]
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(EXTREMES)
VALUES = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=5,
)


def places(content: Any) -> Iterator[tuple[Any, Any]]:
    """Every value in JSON, by its container and its key or index there."""
    if isinstance(content, dict | list):
        for key in list(content) if isinstance(content, dict) else range(len(content)):
            yield content, key
            yield from places(content[key])


@st.composite
def other_values(draw: st.DrawFn, content: Any) -> Any:
    """JSON with one to three of its values replaced by others of any type, or removed."""
    changed = json.loads(json.dumps(content))
    for _ in range(draw(st.integers(1, 3))):
        there = list(places(changed))
        if there:
            holder, key = there[draw(st.integers(0, len(there) - 1))]
            if draw(st.integers(0, 4)):
                holder[key] = draw(VALUES)
            else:
                del holder[key]
    return changed


@st.composite
def other_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with some bytes changed, inserted, removed or repeated, or cut off; sometimes any other bytes."""
    match draw(st.sampled_from(["flip", "flip", "cut", "insert", "twice", "drop", "any"])):
        case "cut":
            return content[: draw(st.integers(0, len(content)))]
        case "any":
            return draw(st.binary(max_size=300))
        case what:
            changed = bytearray(content)
            for _ in range(draw(st.integers(1, 4))):
                at = draw(st.integers(0, max(0, min(len(changed), draw(st.sampled_from([60, 600, 10**9]))) - 1)))
                if what == "flip":
                    changed[at : at + 1] = bytes([draw(st.integers(0, 255))])
                elif what == "insert":
                    changed[at:at] = draw(st.binary(min_size=1, max_size=20))
                elif what == "twice":
                    changed[at:at] = changed[at : at + draw(st.integers(1, 300))]
                else:
                    del changed[at : at + draw(st.integers(1, 300))]
            return bytes(changed)


def as_json(value: Any) -> bytes:
    """As Python writes it, with NaN and lone surrogates too."""
    return json.dumps(value).encode("utf-8", "surrogatepass")


def other_json(content: bytes) -> st.SearchStrategy[bytes]:
    """A JSON file with other values or other bytes, or nested too deep."""
    odd = [b"", DEEP.encode(), b'{"a":' + DEEP.encode(), b"\xef\xbb\xbf" + content, content.decode().encode("utf-16")]
    return (
        other_values(json.loads(content)).map(as_json)
        | VALUES.map(as_json)
        | other_bytes(content)
        | st.sampled_from(odd)
    )
