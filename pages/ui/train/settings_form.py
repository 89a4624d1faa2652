"""The settings of a run as widgets, made from the hyperparameter table: a slider and a number field for one value.

Reads and writes only the session. `train_settings` (field name -> value) holds the values and the widgets copy it, so
that neither a page switch nor a fragment loses a setting.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from cifar_core.config import RunConfig, hyperparameters, make_config
from cifar_core.data import DatasetState
from cifar_core.spec import Spec, range_words
from cifar_core.text import counted
from pages.ui.markdown import single_line

SETTINGS_KEY = "train_settings"
MADE_FROM_KEY = "train_made_from"  # id of the run whose settings were loaded, until a preset replaces them
TABS = {"data": "Data", "model": "Model", "optimizer": "Optimiser", "augmentation": "Augmentation", "machine": "Run"}
AUGMENTATION_FIELDS = ("flip", "shift", "mirror_edges", "cutout", "flip_test", "shift_test")
_MAX_EVEN_STEPS = 200  # steps up to which a slider moves evenly
_MAX_SLIDER_SPAN = 1_000_000  # a range this wide, such as that of the seed, has no useful stops


def show_settings_form(datasets: list[DatasetState]) -> dict[str, Any]:
    """Show every hyperparameter that has a meaning beside the others, in tabs.

    Returns:
        Field name -> value as the person has set it, not yet checked; what is not shown keeps its value.
    """
    settings = current_settings()
    validation = {state.name: state.validation for state in datasets}
    tabs = dict(zip(TABS, st.tabs(list(TABS.values())), strict=True))
    for group, name, spec, _ in hyperparameters():
        own = validation.get(settings["dataset"], 0)  # the dataset is the first setting
        if not _has_effect(name, spec, settings, own):
            continue
        with tabs["augmentation" if name in AUGMENTATION_FIELDS else group]:
            if name == "dataset":
                settings[name] = _show_dataset_choice(spec, datasets, settings[name])
            else:
                settings[name] = _show_setting(name, spec, settings[name])
            if name == "own_validation" and settings[name]:
                st.caption(f"{counted(own, 'picture')}, instead of a share of the training pictures.")
    st.session_state[SETTINGS_KEY] = settings
    return settings


def _has_effect(name: str, spec: Spec, settings: Mapping[str, Any], own: int) -> bool:
    """Return whether a setting means something beside the others; the dataset has `own` validation pictures."""
    beside = {**settings, "own_validation": settings["own_validation"] and own > 0}
    other, values = spec.only_with
    return own > 0 if name == "own_validation" else not other or beside[other] in values


def load_settings(config: RunConfig) -> None:
    """Put the settings of `config` into every widget; called from a callback."""
    st.session_state[SETTINGS_KEY] = config.flat()
    for name, value in config.flat().items():
        for key, part in _number_fields(name, value):
            st.session_state[key] = part


def slider_stops(spec: Spec) -> list[Any]:
    """Return the values at which a slider stops: even steps, else powers of two (whole numbers) or 1-2-5 (others).

    The list is empty where only a number field is useful.
    """
    if spec.kind not in ("int", "float", "ints") or spec.high - spec.low >= _MAX_SLIDER_SPAN:
        return []
    number: Callable[[float], Any] = float if spec.kind == "float" else int
    steps = round((spec.high - spec.low) / spec.step)
    if not spec.log and steps <= _MAX_EVEN_STEPS:
        return [number(round(spec.low + step * spec.step, 10)) for step in range(steps + 1)]
    if spec.log and spec.kind != "float":
        stops = [2.0**power for power in range(31)]
    else:
        stops = [round(lead * 10.0**power, 10) for power in range(-9, 7) for lead in (1, 2, 5)]
    least = spec.low if spec.log else max(spec.low, spec.step)
    inside = [number(value) for value in stops if least <= value <= spec.high and value == number(value)]
    return sorted({number(spec.low), *inside, number(spec.high)})


def current_settings() -> dict[str, Any]:
    return dict(st.session_state.setdefault(SETTINGS_KEY, make_config().flat()))


def _number_fields(name: str, value: Any) -> list[tuple[str, Any]]:
    """Return the number fields of a setting as (widget key, value); an `ints` has one for each of its numbers."""
    if isinstance(value, list | tuple):
        return [(f"train_set_{name}_{position}", part) for position, part in enumerate(value)]
    return [(f"train_set_{name}", value)]


def _show_dataset_choice(spec: Spec, datasets: list[DatasetState], value: str) -> str:
    known = {state.name: state for state in datasets}
    usable = [state.name for state in datasets if state.state == "ready" or state.name == "drawn10"]
    options = usable if value in usable else [*usable, value]
    st.session_state.setdefault("train_set_dataset", value)
    return str(
        st.selectbox(
            spec.label,
            options,
            key="train_set_dataset",
            help=f"{spec.help} The Data page gets more of them.",
            format_func=lambda name: (
                " · ".join(dict.fromkeys((name, single_line(known[name].title))))
                if name in known
                else single_line(name)
            ),
        )
    )


def _show_setting(name: str, spec: Spec, value: Any) -> Any:
    """Show one setting by its kind; return its value."""
    key = f"train_set_{name}"
    if spec.kind == "bool":
        st.session_state.setdefault(key, value)
        return st.toggle(spec.label, key=key, help=spec.help)
    if spec.kind == "choice":
        st.session_state.setdefault(key, value)
        return st.segmented_control(spec.label, spec.choices, key=key, help=spec.help, required=True)
    if spec.kind == "text":
        st.session_state.setdefault(key, value)
        return st.text_input(spec.label, key=key, help=spec.help)
    labels = [f"{spec.label}, {item}" for item in spec.items] or [spec.label]
    numbers = [
        _show_number(part_key, label, spec, part)
        for label, (part_key, part) in zip(labels, _number_fields(name, value), strict=True)
    ]
    return numbers if spec.kind == "ints" else numbers[0]


def _show_number(key: str, label: str, spec: Spec, value: float) -> Any:
    """Show a slider of useful stops with a number field beside it that takes any value; both show the same value.

    The field has no bounds, because a browser would not send a value outside of them and the old value would stay
    without a word. The check of the settings says the rule.
    """
    number: Callable[[float], Any] = float if spec.kind == "float" else int
    stops = slider_stops(spec)
    label += f" ({spec.unit})" if spec.unit else ""
    text = f"{spec.help} Allowed: {range_words(spec)}."
    st.session_state.setdefault(key, number(value))
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}_row"):
        if stops:
            # The number field holds the exact value.
            held = number(min(max(st.session_state[key], spec.low), spec.high))
            st.session_state[f"{key}_slider"] = held
            st.select_slider(
                label,
                sorted({*stops, held}),  # a typed value is a stop too
                key=f"{key}_slider",
                help=text,
                format_func=lambda stop: f"{stop:g}",
                on_change=partial(_follow_slider, key),
            )
        typed = st.number_input(
            f"{label}, exact" if stops else label,
            key=key,
            help=None if stops else text,
            format="%g" if spec.kind == "float" else "%d",
            step=100 * spec.low if spec.log and spec.kind == "float" else number(spec.step),
            width=130 if stops else 260,
            label_visibility="collapsed" if stops else "visible",
        )
    if not spec.low <= typed <= spec.high:
        st.markdown(f":small[:red[Allowed: {range_words(spec)}.]]")
    return typed


def _follow_slider(key: str) -> None:
    st.session_state[key] = st.session_state[f"{key}_slider"]


def setting_text(value: Any) -> str:
    """Return a setting's value as a person reads it."""
    match value:
        case bool():
            return "on" if value else "off"
        case list() | tuple():
            return ", ".join(str(part) for part in value)
        case float():
            return f"{value:g}"
        case _:
            return single_line(value)
