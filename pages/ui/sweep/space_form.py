"""The settings that a sweep varies: ticked, each with a range or a list of values, filled in around its value now.

The session and the URL hold them as texts that `parse_space` reads: `learning_rate=0.0001..0.1`. The widgets follow
them, and say them anew.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import streamlit as st

from cifar_core.config import hyperparameters, spec_of
from cifar_core.spec import Spec, allowed_range, value_words
from cifar_core.sweeps.space import even_values, sweepable
from cifar_core.sweeps.suggested import list_text, suggested_text
from cifar_core.text import did_you_mean
from pages.ui.train.settings_form import labelled
from pages.ui.url_state import UrlParameter, give, give_first

MOST_SWEPT = 40  # settings in an address; there are fewer
_LONGEST = 400  # characters of one of them
GRID_VALUES = 3  # of each number that is filled in for a grid
_SPACE_KEY = "sweep_set"  # session: the texts
_DRAWN_KEY = "sweep_set_drawn"  # session: the texts that the widgets say
_BASE_KEY = "sweep_set_base"  # session: the settings beside which they were filled in
_TICKED_KEY = "sweep_ticked"
_FIELDS = ("from", "to", "choice", "list")


def space_parameter(settings: Mapping[str, Any]) -> UrlParameter:
    """The texts in the URL, as many as there are; the learning rate alone is varied by default.

    Args:
        settings: of the form, beside which the default is filled in.
    """

    def read(texts: list[str]) -> list[str]:
        found = {}
        for text in texts[:MOST_SWEPT]:
            name = text.partition("=")[0]
            if name not in _names():
                raise ValueError(f"There is no setting {name[:_LONGEST]!r}{did_you_mean(name, _names())}.")
            found[name] = text[:_LONGEST]
        return list(found.values())

    return UrlParameter([suggested_text("learning_rate", settings["learning_rate"])], read, list)


def show_space(settings: Mapping[str, Any], own: int, *, listed: bool) -> list[str]:
    """Show what can be varied, and a row for each setting that is; return the texts that `parse_space` reads.

    Args:
        settings: all of them, as the form says.
        own: how many validation pictures of its own the dataset has.
        listed: whether values are to be listed, as for a grid, and a range is none.
    """
    texts = [_refilled(text, settings) for text in st.session_state[_SPACE_KEY]]
    if texts != st.session_state.get(_DRAWN_KEY) or _TICKED_KEY not in st.session_state:
        _let_widgets_follow(texts)
    swept = {text.partition("=")[0]: text for text in texts}
    ticked = st.multiselect(
        "Settings to vary",
        _offered(settings, own, swept),
        key=_TICKED_KEY,
        format_func=lambda name: spec_of(name).label,
        placeholder="Tick the settings to vary",
        help="Each that you tick gets a range or a list of values below. The others stay as they are set.",
    )
    shown = []
    for name in (name for name in _names() if name in ticked):
        text = swept.get(name) or suggested_text(name, settings[name])
        shown.append(_show_row(as_list(text, GRID_VALUES) if listed else text))
    st.session_state[_SPACE_KEY] = st.session_state[_DRAWN_KEY] = shown
    st.session_state[_BASE_KEY] = dict(settings)
    return shown


def use_ranges() -> None:
    """Turn lists of numbers into ranges from the least to the greatest, as samplers want them; for a callback."""
    st.session_state[_SPACE_KEY] = [_as_range(text) for text in st.session_state[_SPACE_KEY]]


def as_list(text: str, k: int) -> str:
    """Return the text with `k` even values instead of a range; a list as it is, and what cannot be read."""
    name, _, rest = text.partition("=")
    ends = _ends(rest) if spec_of(name).kind in ("int", "float") else None
    return list_text(name, even_values(name, *ends, k)) if ends and ends[0] < ends[1] else text


def _as_range(text: str) -> str:
    name, _, rest = text.partition("=")
    if spec_of(name).kind not in ("int", "float") or ".." in rest:
        return text
    try:
        numbers = [float(part) for part in rest.split("|")]
    except ValueError:
        return text
    return f"{name}={min(numbers):.10g}..{max(numbers):.10g}"


def _names() -> list[str]:
    return [name for _, name, _, _ in hyperparameters()]


def _offered(settings: Mapping[str, Any], own: int, swept: Collection[str]) -> list[str]:
    """Return the settings that can be varied, also those that only a varied choice brings into effect."""
    found = {*sweepable(settings, own), *swept}
    for name in swept:
        for choice in spec_of(name).choices:
            found |= set(sweepable({**settings, name: choice}, own))
    return [name for name in _names() if name in found]


def _refilled(text: str, settings: Mapping[str, Any]) -> str:
    """Return the text as it would be filled in now, where it is as it was filled in and the setting has changed."""
    name, before = text.partition("=")[0], st.session_state.get(_BASE_KEY, settings)
    if text == suggested_text(name, before[name]):
        return suggested_text(name, settings[name])
    return text


def _let_widgets_follow(texts: Sequence[str]) -> None:
    give(_TICKED_KEY, [text.partition("=")[0] for text in texts])
    for name in _names():
        for field in _FIELDS:
            st.session_state.pop(_key(field, name), None)


def _key(field: str, name: str) -> str:
    return f"sweep_{field}_{name}"


def _ends(rest: str) -> tuple[float, float] | None:
    """Return the ends of a range of numbers; None for what is none."""
    try:
        low, high = map(float, rest.split(".."))
    except ValueError:
        return None
    return low, high


def _show_row(text: str) -> str:
    """Show one setting with what is tried of it; return its text as the widgets say it."""
    name, _, rest = text.partition("=")
    spec = spec_of(name)
    ends = _ends(rest) if spec.kind in ("int", "float") else None
    if ends is not None:
        return f"{name}={_show_range(name, spec, ends)}"
    if spec.kind in ("bool", "choice"):
        return f"{name}={_show_choices(name, spec, rest)}"
    return f"{name}={_show_list(name, spec, rest)}"


def _show_range(name: str, spec: Spec, ends: tuple[float, float]) -> str:
    number = float if spec.kind == "float" else int
    powers = ", tried in powers" if spec.log else ""
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"sweep_row_{name}"):
        found = []
        for field, label, end in zip(_FIELDS, (f"{labelled(name)}, from", "to"), ends, strict=False):
            give_first(_key(field, name), number(end))
            value = st.number_input(
                label,
                key=_key(field, name),
                format="%g" if spec.kind == "float" else "%d",
                step=_step(spec),
                width=260 if field == "from" else 150,
                help=f"{spec.help} Allowed: {allowed_range(spec)}{powers}." if field == "from" else None,
            )
            found.append(f"{value:.10g}" if value is not None else "")
    return "..".join(found)


def _step(spec: Spec) -> Any:
    if spec.kind == "int":
        return int(spec.step)
    return 100 * spec.low if spec.log else float(spec.step)


def _show_choices(name: str, spec: Spec, rest: str) -> str:
    options = list(spec.choices) or ["false", "true"]
    give_first(_key("choice", name), [part for part in rest.split("|") if part in options])
    chosen = st.pills(
        labelled(name),
        options,
        selection_mode="multi",
        key=_key("choice", name),
        format_func=lambda choice: value_words(spec, choice) if spec.choices else {"true": "on"}.get(choice, "off"),
        help=spec.help,
    )
    return "|".join(option for option in options if option in chosen)


def _show_list(name: str, spec: Spec, rest: str) -> str:
    give_first(_key("list", name), rest)
    of = f" Each is {len(spec.items)} numbers with commas: {', '.join(spec.items)}." if spec.items else ""
    return st.text_input(
        f"{labelled(name)}, values with | between them",
        key=_key("list", name),
        max_chars=_LONGEST,
        width=420,
        help=f"{spec.help}{of} Allowed: {allowed_range(spec)}.",
    )
