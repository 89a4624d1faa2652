"""What a person chose on a page, kept in the page's URL, so that a view can be reloaded, sent and stepped back to.

The URL (`st.query_params`) and the widgets (`st.session_state["<page>_<name>"]`) say the same. `url_to_widgets`, before
the widgets are drawn, follows a URL that was changed from outside: a link, a reload, the back button. `widgets_to_url`,
after them, writes what the widgets say. A page's own URL is remembered for the session, because the links in the
sidebar drop it. A default value is left out of the URL, so that it follows when the default changes.

The browser sends the URL that it has with every rerun. Between two quick presses it has not received the one that the
first press led to: such an echo of a URL that was replaced is no change from outside.

Streamlit tells the browser the value that a script sets only in that script run. A click may end the run before the
browser has drawn the widget, which would then show its own default and send it as if it had been chosen. So `give` sets
values, and `note_page` sets them again until the browser sends the widget.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import streamlit as st

from pages.ui.server.session import is_step_back, not_sent

_PAGE_KEY = "url_page"  # session: the page that was drawn last
_ARRIVED_KEY = "url_arrived"  # session: whether the one that is drawn now is another one
_VISIT_KEY = "url_visit"  # session: how many times a page was arrived at
_GIVEN_KEY = "url_given"  # session: keys of widgets that were given a value, and that the browser has not sent since
_HIDDEN = "_put_away"  # session, behind a prefix: a view is drawn that does not draw these widgets


@dataclass(frozen=True)
class UrlParameter:
    """One parameter of a URL. `read` gets its texts and raises ValueError where they make no sense."""

    default: Any
    read: Callable[[list[str]], Any]
    write: Callable[[Any], list[str]]


@dataclass(frozen=True)
class _LastSeen:
    """One parameter when the page was last drawn."""

    texts: list[str]  # what its URL says
    value: Any  # what its widget says
    default: Any
    subject: str
    # What the URL said before. It is dropped once the browser has sent `texts`, for then an older one is no echo.
    replaced: tuple[list[str], ...] = ()


def note_page(page: str) -> None:
    """Note which page is drawn: its own URL is restored on arrival from another page, and not after a step back.

    Widgets that the browser may not have drawn are given their values again.
    """
    state = st.session_state
    state[_ARRIVED_KEY] = state.get(_PAGE_KEY) != page
    state[_GIVEN_KEY] = set() if state[_ARRIVED_KEY] else not_sent(state.get(_GIVEN_KEY, ()))
    for key in state[_GIVEN_KEY]:
        if key in state:
            state[key] = state[key]
    state[_VISIT_KEY] = current_visit() + int(state[_ARRIVED_KEY])
    state[_PAGE_KEY] = page


def give(key: str, value: Any) -> None:
    """Set the value of a widget that is drawn later, so that a click meanwhile cannot lose it."""
    st.session_state[key] = value
    st.session_state.setdefault(_GIVEN_KEY, set()).add(key)


def give_first(key: str, value: Any) -> None:
    """Set the value of a widget that has none yet."""
    if key not in st.session_state:
        give(key, value)


def current_page() -> str:
    """Return the page that is drawn, as `note_page` was told."""
    return str(st.session_state.get(_PAGE_KEY, ""))


def has_arrived() -> bool:
    """Return whether the page that is drawn now is another one than the page that was drawn before."""
    return bool(st.session_state.get(_ARRIVED_KEY, False))


def current_visit() -> int:
    """Return a number that stays the same as long as the person stays on the page that is drawn."""
    return int(st.session_state.get(_VISIT_KEY, 0))


def url_to_widgets(page: str, parameters: Mapping[str, UrlParameter], subject: str = "") -> None:
    """Set the widgets of `page` from the URL where it was changed from outside.

    Args:
        page: prefix of the widget keys.
        parameters: what the URL of the page holds.
        subject: the run or dataset that the parameters are about; for another one the URL is read again.
    """
    state, memory = st.session_state, _last_seen(page)
    if state.pop(f"{page}_leaving", False):
        for name in memory:
            state.pop(f"{page}_{name}", None)
        memory.clear()
    arrived = has_arrived()
    if arrived and not any(name in st.query_params for name in (*memory, *parameters)):
        for name, seen in memory.items():
            if seen.texts:
                st.query_params[name] = seen.texts
    url_counts = arrived or is_step_back()
    hidden = state.get(f"{page}{_HIDDEN}", False) and not url_counts
    for name, parameter in parameters.items():
        key, before = f"{page}_{name}", memory.get(name)
        texts = st.query_params.get_all(name) or (before.texts if hidden and before else [])
        if before is None or url_counts:
            seen = _LastSeen(texts, _parse(parameter, texts), parameter.default, subject)
        else:
            value = state.get(key)
            if value is None and parameter.default is not None:
                value = before.value  # a click while the page was being drawn may leave a required choice empty
            seen = _follow(parameter, before, texts, value, subject)
        if key not in state or state[key] != seen.value:
            give(key, seen.value)
        memory[name] = seen


def _follow(parameter: UrlParameter, before: _LastSeen, texts: list[str], value: Any, subject: str) -> _LastSeen:
    """Return what a parameter is now; where a person has changed its widget, the widget counts.

    Args:
        parameter: how it is read, and its default value now.
        before: what it was.
        texts: what the browser sends as its URL.
        value: what the widget says.
        subject: what the parameter is about now.
    """
    changed = value != before.value
    replaced: tuple[list[str], ...] = ()
    if texts != before.texts and (changed or texts in before.replaced):
        texts, replaced = before.texts, before.replaced
    if texts != before.texts or subject != before.subject:
        value = _parse(parameter, texts)
    elif parameter.default != before.default:
        value = _parse(parameter, parameter.write(value) if changed else texts)
    return _LastSeen(texts, value, parameter.default, subject, replaced)


def widgets_to_url(page: str, parameters: Mapping[str, UrlParameter]) -> None:
    """Write what the widgets of `page` say into the URL; default values are left out."""
    write_url({page: parameters})


def write_url(drawn: Mapping[str, Mapping[str, UrlParameter]], hidden: Collection[str] = ()) -> None:
    """Write what several groups of widgets say into the URL, as one step for the back button.

    Args:
        drawn: prefix of the widget keys -> what the URL holds of them; default values are left out.
        hidden: prefixes of widgets that a view of the page does not draw: the URL drops what they say, and
            `url_to_widgets` takes it up again when they are drawn.
    """
    chosen, ours = {}, {name for page in hidden for name in _last_seen(page)}
    for page in hidden:
        st.session_state[f"{page}{_HIDDEN}"] = True
    for page, parameters in drawn.items():
        st.session_state.pop(f"{page}{_HIDDEN}", None)
        memory = _last_seen(page)
        ours |= parameters.keys()
        for name, parameter in parameters.items():
            value = st.session_state[f"{page}_{name}"]
            texts, seen = parameter.write(value) if value != parameter.default else [], memory[name]
            replaced = seen.replaced if texts == seen.texts else (*seen.replaced, seen.texts)
            memory[name] = replace(seen, texts=texts, value=value, replaced=replaced)
            if texts:
                chosen[name] = texts
    present = {name: st.query_params.get_all(name) for name in st.query_params}
    wanted = {name: texts for name, texts in present.items() if name not in ours} | chosen
    if wanted != present:
        st.query_params.from_dict(wanted)


def go_to(page: str, address: Mapping[str, str]) -> None:
    """Rerun the page at another address of its own, as if it had been opened there; one step for the back button.

    Args:
        page: prefix of the widget keys.
        address: the parameters of the URL, without default values.
    """
    forget_widgets(page)
    st.query_params.from_dict(address)
    st.rerun()


def forget_widgets(page: str) -> None:
    """Let the URL alone say what the widgets of `page` are when they are drawn next."""
    st.session_state[f"{page}_leaving"] = True


def reset_widgets(page: str, parameters: Mapping[str, UrlParameter], keep: Sequence[str] = ()) -> None:
    """Set the widgets of `page` back to their defaults; for a callback."""
    for name, parameter in parameters.items():
        if name not in keep:
            give(f"{page}_{name}", parameter.default)


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


def any_words(most: int = 20, longest: int = 40) -> UrlParameter:
    """Any words, each once, that nobody need know here; of too many the first, of a long one its beginning."""
    return UrlParameter([], lambda texts: list(dict.fromkeys(text[:longest] for text in texts[:most])), list)


def whole_number(low: int, high: int, default: int) -> UrlParameter:
    """A whole number from `low` to `high`."""
    return UrlParameter(default, lambda texts: max(low, min(high, int(texts[0]))), lambda value: [str(value)])


def number_range(low: float, high: float) -> UrlParameter:
    """A range inside `low`..`high`, written as `0.5~0.9`; an end that stands at the limit is left out, as in `0.5~`.

    So it stays at the limit where that is another one.
    """

    def read(texts: list[str]) -> tuple[float, float]:
        first, last = texts[0].split("~")
        start, end = float(first or low), float(last or high)
        if not (math.isfinite(start) and math.isfinite(end)):
            raise ValueError(texts[0])
        start, end = (max(low, min(high, limit)) for limit in (start, end))
        return min(start, end), max(start, end)

    def write(value: tuple[float, float]) -> list[str]:
        start, end = value
        return [f"{'' if start <= low else _digits(start)}~{'' if end >= high else _digits(end)}"]

    return UrlParameter((low, high), read, write)


def number(low: float, high: float, default: float | None) -> UrlParameter:
    """A number inside `low`..`high`, with all its digits; None is none."""

    def read(texts: list[str]) -> float:
        value = float(texts[0])
        if not math.isfinite(value):
            raise ValueError(texts[0])
        return max(low, min(high, value))

    return UrlParameter(default, read, lambda value: [] if value is None else [_digits(value)])


def _digits(value: float) -> str:
    """A number with as many digits as bring the same one back: `0.9`, `1`, `0.9333333333333332`."""
    short = f"{value:g}"
    return short if float(short) == value else repr(float(value))


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
