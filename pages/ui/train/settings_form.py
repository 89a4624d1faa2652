"""The settings of a run as widgets, made from the hyperparameter table: a slider and a number field for one value.

Reads and writes only the session, through `form_state`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from cifar_core.config import GROUP_TITLES, settings_by_group, settings_in_effect, spec_of
from cifar_core.data import DatasetState
from cifar_core.devices import missing_devices
from cifar_core.runs import USEFUL_GAIN, gain_words
from cifar_core.spec import Spec, allowed_range, value_words
from cifar_core.sweeps.space import sweepable
from cifar_core.text import counted
from pages.ui.markdown import escaped, escaped_sentence, single_line
from pages.ui.train.form_state import form_address, lesson_address, number_fields
from pages.ui.url_state import give_first

ABOVE_GROUPS = ("dataset", "epochs")  # the settings that stand beside Start
_MAX_EVEN_STEPS = 200  # steps up to which a slider moves evenly
_MAX_SLIDER_SPAN = 1_000_000  # a range this wide, such as that of the seed, has no useful stops


def show_dataset_and_epochs(settings: Mapping[str, Any], datasets: list[DatasetState], most_epochs: int = 0) -> None:
    """Show the two settings that people change most; `most_epochs` is how many this person may have, 0: no limit."""
    _show_dataset_choice(datasets, settings["dataset"])
    spec = spec_of("epochs")
    spec = replace(spec, high=min(spec.high, most_epochs)) if most_epochs else spec
    give_first("train_set_epochs", settings["epochs"])
    st.number_input(
        labelled("epochs"),
        key="train_set_epochs",
        help=f"{spec.help} Allowed: {allowed_range(spec)}.",
        step=1,
        width=170,
    )


def show_setting_groups(
    settings: Mapping[str, Any], own: int, changed: Sequence[str], *, linked: bool = False, gain: float | None = None
) -> None:
    """Show all other settings that mean something beside the others, a folded group each, whose line says what is set.

    Args:
        settings: setting -> value, as the widgets say.
        own: how many validation pictures of its own the dataset has.
        changed: names of the settings that are not as the preset has them; they are bold.
        linked: whether a button beside each slider leads to the effect of the setting, with these settings.
        gain: how many times as fast two processes train these settings here; they are offered where that is useful.
    """
    swept, address = (set(sweepable(settings, own)), form_address() | lesson_address()) if linked else (set(), {})
    for group, names in settings_by_group(settings_in_effect(settings, own)).items():
        shown = [name for name in names if name not in ABOVE_GROUPS]
        if settings["processes"] == 1 and (gain or 0) < USEFUL_GAIN:
            shown = [name for name in shown if name != "processes"]
        line = f"**{GROUP_TITLES[group]}**: {_group_words(group, shown, settings, changed)}"
        with st.expander(line, key=f"train_group_{group}"):  # with a key it stays open when its line changes
            for name in shown:
                spec = spec_of(name)
                if name == "processes":
                    spec = replace(spec, help=f"{spec.help} {gain_words(gain)}")
                _show_setting(name, spec, settings[name], address if name in swept else None)
                if name == "own_validation" and settings[name]:
                    st.caption(f"{counted(own, 'picture')}, instead of a share of the training pictures.")


def labelled(name: str) -> str:
    """Return a setting's label with unit and identifier, as Markdown: the identifier is that of the command line."""
    spec = spec_of(name)
    return f"{spec.label}{f' ({spec.unit})' if spec.unit else ''} `{name}`"


def _group_words(group: str, names: Sequence[str], settings: Mapping[str, Any], changed: Sequence[str]) -> str:
    """Return what is set in a group, as Markdown: `Adam, learning rate 0.001, batch size 64 pictures`.

    A switch that is off and an amount of none are left out.
    """
    words = []
    for name in names:
        spec, value = spec_of(name), settings[name]
        text, label = escaped(value_words(spec, value)), spec.label[0].lower() + spec.label[1:]
        if value is False or (spec.zero and value == 0):
            text = f"no {label}" if name in changed else ""
        elif value is True:
            text = label
        elif spec.label != GROUP_TITLES[group]:
            text = f"{label} {text}"
        words.append(f"**{text}**" if text and name in changed else text)
    return ", ".join(filter(None, words)) or "none"


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


def _show_dataset_choice(datasets: list[DatasetState], value: str) -> None:
    known = {state.name: state for state in datasets}
    usable = [state.name for state in datasets if state.state == "ready" or state.name == "drawn10"]
    options = usable if value in usable else [*usable, value]
    give_first("train_set_dataset", value)
    st.selectbox(
        labelled("dataset"),
        options,
        key="train_set_dataset",
        help=f"{spec_of('dataset').help} The Data page gets more of them.",
        width=260,
        format_func=lambda name: (
            " · ".join(dict.fromkeys((name, single_line(known[name].title)))) if name in known else single_line(name)
        ),
    )


def _show_setting(name: str, spec: Spec, value: Any, address: Mapping[str, str] | None) -> None:
    """Show one setting by its kind; beside a slider, with an address of the settings, the way to its effect."""
    key = f"train_set_{name}"
    if spec.kind == "bool":
        give_first(key, value)
        st.toggle(labelled(name), key=key, help=spec.help)
    elif spec.kind == "choice":
        _show_choice(name, spec, value)
    else:
        labels = [f"{spec.label}, {item} `{name}`" for item in spec.items] or [labelled(name)]
        for label, (part_key, part) in zip(labels, number_fields(name, value), strict=True):
            with st.container(horizontal=True, vertical_alignment="bottom", key=f"{part_key}_row"):
                has_slider = _show_number(part_key, label, spec, part)
                if has_slider and address is not None:
                    _show_effect_link(name, spec, address)
            if not spec.low <= st.session_state[part_key] <= spec.high:
                st.markdown(f":small[:red[Allowed: {allowed_range(spec)}.]]")


def _show_choice(name: str, spec: Spec, value: str) -> None:
    """Show a setting with a few values; devices that are not here cannot be chosen, and the reason is said."""
    key = f"train_set_{name}"
    give_first(key, value)
    absent = missing_devices() if name == "device" else {}
    st.segmented_control(
        labelled(name),
        [choice for choice in spec.choices if choice not in absent or choice == value],
        key=key,
        help=spec.help,
        required=True,
        format_func=lambda choice: value_words(spec, choice),
    )
    for choice, reason in absent.items():
        words = f"{value_words(spec, choice)}: not on this machine: {reason}."
        st.caption(f":material/block: {escaped_sentence(words)}")


def _show_number(key: str, label: str, spec: Spec, value: float) -> bool:
    """Show a slider of useful stops with a number field beside it that takes any value; both show the same value.

    The field has no bounds, because a browser would not send a value outside of them and the old value would stay
    without a word. The check of the settings says the rule. Returns whether there is a slider.
    """
    number: Callable[[float], Any] = float if spec.kind == "float" else int
    stops = slider_stops(spec)
    text = f"{spec.help} Allowed: {allowed_range(spec)}."
    give_first(key, number(value))
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
    st.number_input(
        f"{label}, exact" if stops else label,
        key=key,
        help=None if stops else text,
        format="%g" if spec.kind == "float" else "%d",
        step=100 * spec.low if spec.log and spec.kind == "float" else number(spec.step),
        width=130 if stops else 260,
        label_visibility="collapsed" if stops else "visible",
    )
    return bool(stops)


def _show_effect_link(name: str, spec: Spec, address: Mapping[str, str]) -> None:
    """Show the way to the effect of a setting, with the settings of the form; a link, so that it opens in a tab too."""
    st.page_link(
        "pages/sweep.py",
        label="Effect",
        icon=":material/experiment:",
        help=f"See what it does: a few values of {spec.label.lower()}, each with a few seeds.",
        query_params={"effect": name, **address},
        width="content",
    )


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
