"""Where the settings of a new run start from: a preset, or the settings of an earlier run."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from cifar_core.config import make_config, spec_of
from cifar_core.data import DatasetState
from cifar_core.measured import expected_accuracy
from cifar_core.presets import PRESETS
from cifar_core.runs import MachineSpeed, Run, estimate_run
from cifar_core.spec import parse_settings
from pages.ui.run_focus import run_labels
from pages.ui.train.settings_form import MADE_FROM_KEY, current_settings, load_settings
from pages.ui.wording import estimate_words, percent

PRESET_KEY = "train_preset"
EARLIER_RUN_KEY = "train_earlier"
# A preset sets how to train, not on which data or machine.
KEPT_BY_PRESETS = ("dataset", "own_validation", "seed", "device", "max_seconds")


def show_presets(runs: list[Run], datasets: list[DatasetState], speed: MachineSpeed | None) -> None:
    """Show the presets, each with its time on this machine; the one that equals the settings is marked."""
    current = current_settings()
    st.session_state[PRESET_KEY] = next((name for name in PRESETS if _preset_settings(name) == current), None)
    times = {name: estimate_run(make_config(_preset_settings(name)), speed, datasets, runs) for name in PRESETS}

    def label(name: str) -> str:
        estimate = times[name]
        return PRESETS[name].title + (f" · {estimate_words(estimate)}" if estimate else "")

    st.pills(
        "Start from",
        list(PRESETS),
        key=PRESET_KEY,
        format_func=label,
        on_change=_load_preset,
        wrap=True,
        help="  \n".join(f"**{preset.title}**: {_description(name)}" for name, preset in PRESETS.items()),
    )


def _description(preset: str) -> str:
    """Return what a preset is for and the accuracy it reached when it was measured."""
    expected = expected_accuracy(preset)
    if expected is None:
        return PRESETS[preset].help
    runs = f"mean of {expected.seeds} runs" if expected.seeds > 1 else "one run"
    return f"{PRESETS[preset].help} {percent(expected.mean)} on JPEG copies of CIFAR-10's test pictures ({runs})."


def marked_preset_description() -> str:
    """Return the description of the marked preset; empty where the settings equal none."""
    chosen = st.session_state.get(PRESET_KEY)
    return _description(chosen) if chosen else ""


def show_earlier_runs(runs: list[Run]) -> None:
    """Show a select box that loads the settings of an earlier run."""
    known = {run.id: run for run in runs if not run.problem}
    if known:
        made_from = st.session_state.get(MADE_FROM_KEY)
        st.session_state[EARLIER_RUN_KEY] = made_from if made_from in known else None
        st.selectbox(
            "Settings of an earlier run",
            list(known),
            index=None,
            key=EARLIER_RUN_KEY,
            placeholder="Choose a run",
            format_func=run_labels(known.values()).__getitem__,
            on_change=_load_earlier_run,
            args=(known,),
            width=260,
            help="Fills in its settings. Change what you like; the new run notes which run it was made from.",
        )


def _preset_settings(preset: str) -> dict[str, Any]:
    current = current_settings()
    kept, _ = parse_settings(
        {name: current[name] for name in KEPT_BY_PRESETS}, {name: spec_of(name) for name in KEPT_BY_PRESETS}
    )
    return make_config(kept, preset=preset).flat()  # a value that breaks its rule is not kept


def _load_preset() -> None:
    chosen = st.session_state[PRESET_KEY]
    if chosen is not None:
        st.session_state[MADE_FROM_KEY] = None
        load_settings(make_config(_preset_settings(chosen)))


def _load_earlier_run(known: Mapping[str, Run]) -> None:
    chosen = st.session_state[MADE_FROM_KEY] = st.session_state[EARLIER_RUN_KEY]
    if chosen in known:
        load_settings(known[chosen].config)
