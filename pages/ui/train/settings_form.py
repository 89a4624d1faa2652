"""The settings of a run as widgets, made from the hyperparameter table: a slider and a number field for one value.

Reads and writes only the session. `train_settings` (field name -> value) is the truth and the widgets copy it, so that
neither a page switch nor a view that reruns by itself loses a setting.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from cifar_core.bench import expected_accuracy
from cifar_core.config import RunConfig, Spec, hyperparameters, make_config, parse_settings, range_words, spec_of
from cifar_core.data import DatasetState
from cifar_core.presets import PRESETS
from cifar_core.runs import Run, estimate_run
from cifar_core.text import clock
from cifar_core.workspace import Workspace
from pages.ui.frame import run_labels
from pages.ui.markdown import clean
from pages.ui.wording import percent

SETTINGS = "train_settings"
PRESET = "train_preset"
EARLIER = "train_earlier"
MADE_FROM = "train_made_from"  # id of the run whose settings these were, until a preset takes their place
GROUPS = {"data": "Data", "model": "Model", "optimizer": "Optimiser", "augmentation": "Augmentation", "machine": "Run"}
AUGMENTATION = ("flip", "shift", "mirror_edges", "cutout", "flip_test", "shift_test")
KEPT_BY_PRESETS = ("dataset", "seed", "device", "max_seconds")  # a preset says how to train, not on what or where
_FINE = 200  # steps up to which a slider moves evenly
_ENDLESS = 1_000_000  # a range this wide (a seed) has no sensible stops


def show_presets(workspace: Workspace, runs: list[Run]) -> None:
    """The preset row, each with its time on this machine; the one that the settings equal is marked."""
    current = _settings()
    st.session_state[PRESET] = next((name for name in PRESETS if _preset_settings(name) == current), None)
    times = {name: estimate_run(workspace, make_config(_preset_settings(name)), runs) for name in PRESETS}

    def label(name: str) -> str:
        estimate = times[name]
        return PRESETS[name].title + (f" · {clock(estimate.start_up + estimate.seconds)}" if estimate else "")

    st.pills(
        "Start from",
        list(PRESETS),
        key=PRESET,
        format_func=label,
        on_change=_load_preset,
        wrap=True,
        help="  \n".join(f"**{preset.title}**: {_promise(name)}" for name, preset in PRESETS.items()),
    )


def _promise(preset: str) -> str:
    """What a preset is and what it reached when it was measured."""
    expected = expected_accuracy(preset)
    if expected is None:
        return PRESETS[preset].help
    runs = f"mean of {expected.seeds} runs" if expected.seeds > 1 else "one run"
    return f"{PRESETS[preset].help} {percent(expected.mean)} on JPEG copies of CIFAR-10's test pictures ({runs})."


def preset_words() -> str:
    """The marked preset's promise; empty where the settings are a person's own."""
    chosen = st.session_state.get(PRESET)
    return _promise(chosen) if chosen else ""


def show_earlier(runs: list[Run]) -> None:
    """A select box that loads the settings of an earlier run."""
    known = {run.id: run for run in runs if not run.problem}
    if known:
        made_from = st.session_state.get(MADE_FROM)
        st.session_state[EARLIER] = made_from if made_from in known else None
        st.selectbox(
            "Settings of an earlier run",
            list(known),
            index=None,
            key=EARLIER,
            placeholder="Choose a run",
            format_func=run_labels(known.values()).__getitem__,
            on_change=_load_earlier,
            args=(known,),
            width=260,
            help="Fills in its settings. Change what you like; the new run notes which run it was made from.",
        )


def show_settings(datasets: list[DatasetState]) -> dict[str, Any]:
    """Every hyperparameter that means something beside the others, grouped.

    Returns:
        Field name -> value as the person has set it, not yet checked; what is not shown keeps its value.
    """
    settings = _settings()
    tabs = dict(zip(GROUPS, st.tabs(list(GROUPS.values())), strict=True))
    for group, name, spec, _ in hyperparameters():
        other, values = spec.only_with
        if other and settings[other] not in values:
            continue
        with tabs["augmentation" if name in AUGMENTATION else group]:
            if name == "dataset":
                settings[name] = _choose_dataset(spec, datasets, settings[name])
            else:
                settings[name] = _show(name, spec, settings[name])
    st.session_state[SETTINGS] = settings
    return settings


def load_settings(config: RunConfig) -> None:
    """Put the settings of `config` into every widget; called from a callback."""
    st.session_state[SETTINGS] = config.flat()
    for name, value in config.flat().items():
        for key, part in _parts(name, value):
            st.session_state[key] = part


def stops(spec: Spec) -> list[Any]:
    """The values at which a slider stops: even steps, else powers of two (whole numbers) or 1-2-5 (others).

    Empty where only a number field makes sense.
    """
    if spec.kind not in ("int", "float", "ints") or spec.high - spec.low >= _ENDLESS:
        return []
    number: Callable[[float], Any] = float if spec.kind == "float" else int
    steps = round((spec.high - spec.low) / spec.step)
    if not spec.log and steps <= _FINE:
        return [number(round(spec.low + step * spec.step, 10)) for step in range(steps + 1)]
    if spec.log and spec.kind != "float":
        ladder = [2.0**power for power in range(31)]
    else:
        ladder = [round(lead * 10.0**power, 10) for power in range(-9, 7) for lead in (1, 2, 5)]
    least = spec.low if spec.log else max(spec.low, spec.step)
    inside = [number(value) for value in ladder if least <= value <= spec.high and value == number(value)]
    return sorted({number(spec.low), *inside, number(spec.high)})


def _settings() -> dict[str, Any]:
    return dict(st.session_state.setdefault(SETTINGS, make_config().flat()))


def _preset_settings(preset: str) -> dict[str, Any]:
    current = _settings()
    kept, _ = parse_settings(
        {name: current[name] for name in KEPT_BY_PRESETS}, {name: spec_of(name) for name in KEPT_BY_PRESETS}
    )
    return make_config(kept, preset=preset).flat()  # what breaks its rule is not kept


def _load_preset() -> None:
    chosen = st.session_state[PRESET]
    if chosen is not None:
        st.session_state[MADE_FROM] = None
        load_settings(make_config(_preset_settings(chosen)))


def _load_earlier(known: Mapping[str, Run]) -> None:
    chosen = st.session_state[MADE_FROM] = st.session_state[EARLIER]
    if chosen in known:
        load_settings(known[chosen].config)


def _parts(name: str, value: Any) -> list[tuple[str, Any]]:
    """The number fields of a setting: (widget key, value), one for each number of an `ints`."""
    if isinstance(value, list | tuple):
        return [(f"train_set_{name}_{position}", part) for position, part in enumerate(value)]
    return [(f"train_set_{name}", value)]


def _choose_dataset(spec: Spec, datasets: list[DatasetState], value: str) -> str:
    known = {state.name: state for state in datasets}
    usable = [state.name for state in datasets if state.state == "ready" or state.name == "drawn10"]
    options = usable if value in usable else [*usable, value]
    st.session_state.setdefault("train_set_dataset", value)
    return str(
        st.selectbox(
            spec.label,
            options,
            key="train_set_dataset",
            help=f"{spec.help} More of them: the Data page.",
            format_func=lambda name: (
                " · ".join(dict.fromkeys((name, clean(known[name].title)))) if name in known else clean(name)
            ),
        )
    )


def _show(name: str, spec: Spec, value: Any) -> Any:
    """One setting, by its kind; returns its value."""
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
        _number(part_key, label, spec, part)
        for label, (part_key, part) in zip(labels, _parts(name, value), strict=True)
    ]
    return numbers if spec.kind == "ints" else numbers[0]


def _number(key: str, label: str, spec: Spec, value: float) -> Any:
    """A slider of sensible stops with a number field beside it that takes any value; both say the same.

    The field has no bounds: a browser would keep what lies outside from us, and the old value would stand beside it unsaid.
    Whoever checks the settings says the rule.
    """
    number: Callable[[float], Any] = float if spec.kind == "float" else int
    ladder = stops(spec)
    label += f" ({spec.unit})" if spec.unit else ""
    text = f"{spec.help} Allowed: {range_words(spec)}."
    st.session_state.setdefault(key, number(value))
    with st.container(horizontal=True, vertical_alignment="bottom", key=f"{key}_row"):
        if ladder:
            held = number(min(max(st.session_state[key], spec.low), spec.high))  # the number field holds the truth
            st.session_state[f"{key}_slider"] = held
            st.select_slider(
                label,
                sorted({*ladder, held}),  # a typed value is a stop too
                key=f"{key}_slider",
                help=text,
                format_func=lambda stop: f"{stop:g}",
                on_change=partial(_follow_slider, key),
            )
        typed = st.number_input(
            f"{label}, exact" if ladder else label,
            key=key,
            help=None if ladder else text,
            format="%g" if spec.kind == "float" else "%d",
            step=100 * spec.low if spec.log and spec.kind == "float" else number(spec.step),
            width=130 if ladder else 260,
            label_visibility="collapsed" if ladder else "visible",
        )
    if not spec.low <= typed <= spec.high:
        st.markdown(f":small[:red[Allowed: {range_words(spec)}.]]")
    return typed


def _follow_slider(key: str) -> None:
    st.session_state[key] = st.session_state[f"{key}_slider"]


def in_words(value: Any) -> str:
    """A setting's value as a person reads it."""
    match value:
        case bool():
            return "on" if value else "off"
        case list() | tuple():
            return ", ".join(str(part) for part in value)
        case float():
            return f"{value:g}"
        case _:
            return clean(value)
