"""A table with ticks whose rows come, go and move while it is open: a tick belongs to its run, not to its place."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.elements.lib.column_types import ColumnConfig

_LONG = 24  # characters of a name, beyond which its column is cut
_CUT = 180  # pixels


def text_width(texts: Iterable[str]) -> int | None:
    """Return the width of a column of names: None, as wide as they need, unless one would push the rest aside."""
    return _CUT if max(map(len, texts), default=0) > _LONG else None


def show_ticked_rows(
    name: str, rows: pd.DataFrame, columns: Mapping[str, ColumnConfig], alt: str, height: int, *, ticks: bool = True
) -> list[str]:
    """Show the rows with their ticks; returns the ids of the ticked ones, in the order of the rows.

    The session keeps them under `name`, so that a page may keep them in its URL.

    Args:
        name: of the list in the session.
        rows: `columns`, and `id`.
        columns: how each is drawn, in their order.
        alt: what the table is, in words.
        height: pixels, at most.
        ticks: whether rows can be ticked.
    """
    ids = rows["id"].tolist()
    ticked = set(st.session_state.setdefault(name, []))
    choice: dict[str, Any] = {}
    if ticks:
        key, first = _table_key(name, ids, [row for row, run_id in enumerate(ids) if run_id in ticked])
        choice = {
            "on_select": _follow(name, ids, key),
            "selection_mode": "multi-row",
            "selection_default": {"selection": {"rows": first}},
            "key": key,
        }
    st.dataframe(
        rows[list(columns)],
        height=height if len(ids) > height // 36 - 1 else "content",
        hide_index=True,
        placeholder="–",
        alt=alt,
        column_config=dict(columns),
        **choice,
    )
    return [run_id for run_id in ids if run_id in st.session_state[name]]


def _table_key(name: str, ids: Sequence[str], wanted: list[int]) -> tuple[str, list[int]]:
    """Return the key of the table, and the rows that are ticked when it is first drawn under it.

    Other rows have another key, and so have ticks that were changed elsewhere.
    """
    before, key, first, turn = st.session_state.get(f"{name}_drawn", ((), "", [], 0))
    shown = st.session_state.get(key) if key else None
    if before != tuple(ids) or (sorted(shown["selection"]["rows"]) if shown else first) != wanted:
        turn += 1
        identity = hashlib.sha256(" ".join(ids).encode()).hexdigest()[:8]
        key, first = f"{name}_table_{identity}_{turn}", wanted
    st.session_state[f"{name}_drawn"] = tuple(ids), key, first, turn
    return key, first


def _follow(name: str, ids: Sequence[str], key: str) -> Callable[[], None]:
    def follow() -> None:
        rows = st.session_state[key]["selection"]["rows"]
        hidden = [run_id for run_id in st.session_state[name] if run_id not in ids]
        st.session_state[name] = [*hidden, *(ids[row] for row in rows if row < len(ids))]

    return follow
