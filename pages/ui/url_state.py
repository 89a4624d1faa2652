"""What a person chose on a page, kept in the page's URL, so that a view can be reloaded, sent and stepped back to.

The URL (`st.query_params`) and the widgets (`st.session_state["<page>_<name>"]`) say the same. `url_to_widgets`, before
the widgets are drawn, follows a URL that was changed from outside: a link, a reload, the back button. `widgets_to_url`,
after them, writes what the widgets say. A page's own URL is remembered for the session, because the links in the
sidebar drop it. A default value is left out of the URL, so that it follows when the default changes.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

_PAGE_KEY = "url_page"  # session: the page that was drawn last
_ARRIVED_KEY = "url_arrived"  # session: whether the one that is drawn now is another one


@dataclass(frozen=True)
class UrlParameter:
    """One parameter of a URL. `read` gets its texts and raises ValueError where they make no sense."""

    default: Any
    read: Callable[[list[str]], Any]
    write: Callable[[Any], list[str]]


@dataclass(frozen=True)
class _LastSeen:
    """What the URL said about one parameter when the page was last drawn."""

    texts: list[str]
    default: Any
    subject: str


def note_page(page: str) -> None:
    """Note which page is drawn: its own URL is restored on arrival from another page, and not after a step back."""
    state = st.session_state
    state[_ARRIVED_KEY] = state.get(_PAGE_KEY) != page
    state[_PAGE_KEY] = page


def url_to_widgets(page: str, parameters: Mapping[str, UrlParameter], subject: str = "") -> None:
    """Set the widgets of `page` from the URL where it was changed from outside.

    Args:
        page: prefix of the widget keys.
        parameters: what the URL of the page holds.
        subject: the run or dataset that the parameters are about; for another one the URL is read again.
    """
    memory = _last_seen(page)
    if st.session_state.pop(f"{page}_leaving", False):
        for name in memory:
            st.session_state.pop(f"{page}_{name}", None)
        memory.clear()
    if st.session_state.get(_ARRIVED_KEY) and not any(name in st.query_params for name in (*memory, *parameters)):
        for name, seen in memory.items():
            if seen.texts:
                st.query_params[name] = seen.texts
    for name, parameter in parameters.items():
        key, texts = f"{page}_{name}", st.query_params.get_all(name)
        before = memory.get(name, _LastSeen([], parameter.default, subject))
        if key not in st.session_state or (texts, subject) != (before.texts, before.subject):
            st.session_state[key] = _parse(parameter, texts)
        elif parameter.default != before.default and st.session_state[key] == before.default:
            st.session_state[key] = parameter.default
        memory[name] = _LastSeen(texts, parameter.default, subject)


def widgets_to_url(page: str, parameters: Mapping[str, UrlParameter]) -> None:
    """Write what the widgets of `page` say into the URL; default values are left out."""
    memory, chosen = _last_seen(page), {}
    for name, parameter in parameters.items():
        value = st.session_state[f"{page}_{name}"]
        texts = parameter.write(value) if value != parameter.default else []
        memory[name] = replace(memory[name], texts=texts)
        if texts:
            chosen[name] = texts
    present = {name: st.query_params.get_all(name) for name in st.query_params}
    wanted = {name: texts for name, texts in present.items() if name not in parameters} | chosen
    if wanted != present:  # all at once, so that one change is one step for the back button
        st.query_params.from_dict(wanted)


def go_to(page: str, address: Mapping[str, str]) -> None:
    """Rerun the page at another address of its own, as if it had been opened there; one step for the back button.

    Args:
        page: prefix of the widget keys.
        address: the parameters of the URL, without default values.
    """
    st.session_state[f"{page}_leaving"] = True
    st.query_params.from_dict(address)
    st.rerun()


def reset_widgets(page: str, parameters: Mapping[str, UrlParameter], keep: Sequence[str] = ()) -> None:
    """Set the widgets of `page` back to their defaults; for a callback."""
    for name, parameter in parameters.items():
        if name not in keep:
            st.session_state[f"{page}_{name}"] = parameter.default


def one_of(options: Sequence[Any], default: Any) -> UrlParameter:
    """A choice of one of `options` (texts, or numbers shown as texts)."""
    by_text = {str(option): option for option in options}

    def read(texts: list[str]) -> Any:
        if texts[0] not in by_text:
            raise ValueError(texts[0])
        return by_text[texts[0]]

    return UrlParameter(default, read, lambda value: [] if value is None else [str(value)])


def any_of(options: Sequence[str]) -> UrlParameter:
    """A choice of any of `options`; unknown ones are left out."""
    return UrlParameter([], lambda texts: [text for text in options if text in texts], list)


def whole_number(low: int, high: int, default: int) -> UrlParameter:
    """A whole number from `low` to `high`."""
    return UrlParameter(default, lambda texts: max(low, min(high, int(texts[0]))), lambda value: [str(value)])


def number_range(low: float, high: float) -> UrlParameter:
    """A range inside `low`..`high`, written as `0.5~1`."""

    def read(texts: list[str]) -> tuple[float, float]:
        start, end = (max(low, min(high, float(text))) for text in texts[0].split("~"))
        if not (math.isfinite(start) and math.isfinite(end)):
            raise ValueError(texts[0])
        return min(start, end), max(start, end)

    return UrlParameter((low, high), read, lambda value: [f"{value[0]:g}~{value[1]:g}"])


def on_off(default: bool) -> UrlParameter:
    """A switch, written as 1 or 0."""
    return UrlParameter(default, lambda texts: texts[0] == "1", lambda value: ["1" if value else "0"])


def free_text(longest: int = 200) -> UrlParameter:
    """Free text."""
    return UrlParameter("", lambda texts: texts[0][:longest], lambda value: [value] if value else [])


def _last_seen(page: str) -> dict[str, _LastSeen]:
    memory: dict[str, _LastSeen] = st.session_state.setdefault(f"{page}_address", {})
    return memory


def _parse(parameter: UrlParameter, texts: list[str]) -> Any:
    try:
        return parameter.read(texts) if texts else parameter.default
    except ValueError:
        return parameter.default
