"""The effect of one setting: the values that are tried, evenly over a range around the value now, and the seeds."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cifar_core.config import spec_of
from cifar_core.spec import allowed_range, value_words
from cifar_core.sweeps.plan import MOST_SEEDS, SweepOptions
from cifar_core.sweeps.space import even_values, sweepable
from cifar_core.sweeps.suggested import list_text, suggested_list, suggested_range
from cifar_core.text import did_you_mean
from pages.ui.markdown import escaped
from pages.ui.train.form_state import note_wrong, noting
from pages.ui.url_state import UrlParameter, any_words, give, number, url_to_widgets, whole_number

EFFECT = "effect"  # prefix of the keys
MOST_VALUES = 20
VALUES, SEEDS = 5, 3  # by default
_NUMBERS = ("int", "float")


def effect_parameters(settings: Mapping[str, Any], own: int) -> dict[str, UrlParameter]:
    """Follow the URL where it was changed from outside; return what it holds of the setting and of what is tried.

    Args:
        settings: all of them, as the form says.
        own: how many validation pictures of its own the dataset has.
    """
    wrong: list[str] = []
    which = {"effect": noting(_setting_parameter(settings, own), wrong)}
    url_to_widgets(EFFECT, which)
    note_wrong(wrong)
    name = st.session_state[f"{EFFECT}_effect"]
    spec = spec_of(name)
    found: dict[str, UrlParameter] = {
        "values": whole_number(2, MOST_VALUES, VALUES),
        "seeds": whole_number(1, MOST_SEEDS, SEEDS),
    }
    if spec.kind in _NUMBERS:
        low, high = suggested_range(name, settings[name])
        found |= {"low": number(spec.low, spec.high, float(low)), "high": number(spec.low, spec.high, float(high))}
    else:
        found["tried"] = _listed(_texts(name, settings))
    url_to_widgets(EFFECT, found)
    return which | found


def _setting_parameter(settings: Mapping[str, Any], own: int) -> UrlParameter:
    names = sweepable(settings, own)

    def read(texts: list[str]) -> str:
        if texts[0] not in names:
            raise ValueError(f"The effect of {texts[0]!r} cannot be asked for{did_you_mean(texts[0], names)}.")
        return texts[0]

    return UrlParameter("learning_rate", read, lambda value: [value])


def _listed(default: list[str]) -> UrlParameter:
    words = any_words(MOST_VALUES)
    return UrlParameter(default, words.read, words.write)


def show_effect(settings: Mapping[str, Any], own: int) -> None:
    """Show which setting is varied, from where to where, in how many values, and the seeds of each."""
    names = sweepable(settings, own)
    st.selectbox(
        "Setting",
        names,
        key=f"{EFFECT}_effect",
        format_func=lambda name: f"{spec_of(name).label} ({name})",
        on_change=_fill_in,
        args=(dict(settings),),
        width=250,
    )
    name = st.session_state[f"{EFFECT}_effect"]
    if spec_of(name).kind in _NUMBERS:
        _show_ends(name)
    else:
        _show_list(name, settings)
    st.number_input(
        "Seeds each",
        min_value=1,
        max_value=MOST_SEEDS,
        key=f"{EFFECT}_seeds",
        width=120,
        help="How many runs each value gets, which differ in the seed alone: only so it shows what is chance.",
    )


def effect_space(settings: Mapping[str, Any]) -> str:
    """Return what is tried, as `parse_space` reads it: `learning_rate=0.001|0.01|0.1`."""
    name = st.session_state[f"{EFFECT}_effect"]
    if spec_of(name).kind not in _NUMBERS:
        return f"{name}={'|'.join(st.session_state[f'{EFFECT}_tried'])}"
    low, high = (st.session_state[f"{EFFECT}_{end}"] for end in ("low", "high"))
    if not low < high:
        return f"{name}={low:.10g}..{high:.10g}"  # refused, with the reason
    return list_text(name, even_values(name, low, high, st.session_state[f"{EFFECT}_values"]))


def effect_options(space: str) -> SweepOptions:
    """Return the plan of the runs: every value with every seed, once."""
    seeds, values = st.session_state[f"{EFFECT}_seeds"], space.count("|") + 1
    label = spec_of(st.session_state[f"{EFFECT}_effect"]).label
    return SweepOptions(
        runs=values * seeds, seeds=seeds, sampler="grid", name=f"Effect of {label[0].lower()}{label[1:]}"
    )


def values_line(space: str) -> str:
    """Return the values that are tried, as Markdown."""
    name, _, rest = space.partition("=")
    spec = spec_of(name)
    words = [value_words(spec, _typed(spec.kind, text)) for text in rest.split("|")]
    return escaped(f"Tried: {', '.join(words)}.", 1000)


def _typed(kind: str, text: str) -> Any:
    match kind:
        case "int" | "float" if ".." not in text:
            return float(text)
        case "bool":
            return text == "true"
        case _:
            return text


def _show_ends(name: str) -> None:
    spec = spec_of(name)
    for end, label in (("low", "From"), ("high", "To")):
        st.number_input(
            label,
            key=f"{EFFECT}_{end}",
            format="%g",
            step=float(100 * spec.low if spec.log and spec.kind == "float" else spec.step),
            width=130,
            help=f"{spec.help} Allowed: {allowed_range(spec)}.",
        )
    st.number_input(
        "Values",
        min_value=2,
        max_value=MOST_VALUES,
        key=f"{EFFECT}_values",
        width=120,
        help="How many values are tried, evenly from the first to the last" + (", in powers." if spec.log else "."),
    )


def _show_list(name: str, settings: Mapping[str, Any]) -> None:
    spec, texts = spec_of(name), _texts(name, settings)
    options = list(dict.fromkeys([*texts, *st.session_state[f"{EFFECT}_tried"]]))
    st.multiselect(
        "Values",
        options,
        key=f"{EFFECT}_tried",
        format_func=lambda text: value_words(spec, _typed(spec.kind, text)),
        accept_new_options=spec.kind == "ints",
        max_selections=MOST_VALUES,
        width=380,
        help=spec.help + (f" Type others as numbers with commas: {', '.join(spec.items)}." if spec.items else ""),
    )


def _texts(name: str, settings: Mapping[str, Any]) -> list[str]:
    return list_text(name, suggested_list(name, settings[name])).partition("=")[2].split("|")


def _fill_in(settings: Mapping[str, Any]) -> None:
    """Fill in what is tried of the setting that was just chosen; for a callback."""
    name = st.session_state[f"{EFFECT}_effect"]
    if spec_of(name).kind in _NUMBERS:
        for key, end in zip(("low", "high"), suggested_range(name, settings[name]), strict=True):
            give(f"{EFFECT}_{key}", float(end))
    else:
        give(f"{EFFECT}_tried", _texts(name, settings))
