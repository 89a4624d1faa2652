"""Where the settings of a new run start from: a preset, or the settings of an earlier run."""

from collections.abc import Iterable, Mapping, Sequence

import streamlit as st

from cifar_core.config import make_config
from cifar_core.data import DatasetState
from cifar_core.measured import expected_accuracy
from cifar_core.presets import PRESETS
from cifar_core.runs import MachineSpeed, Run, estimate_run, own_first
from pages.ui.run_focus import run_labels
from pages.ui.train.form_state import PARENT_KEY, PRESET_KEY, chosen_preset, load_preset, load_run
from pages.ui.train.run_settings import changed_line
from pages.ui.wording import estimate_words, percent


def show_presets(dataset: str, runs: list[Run], datasets: list[DatasetState], speed: MachineSpeed | None) -> None:
    """Show the presets, each with its time on the chosen dataset here and the accuracy it reached on CIFAR-10.

    Args:
        dataset: the name of the chosen dataset.
        runs: earlier runs, for the estimates.
        datasets: of the workspace.
        speed: of this machine, as far as it has been measured.
    """

    def facts(preset: str) -> str:
        estimate = estimate_run(make_config({"dataset": dataset}, preset=preset), speed, datasets, runs)
        reached = expected_accuracy(preset)
        return " · ".join(filter(None, (estimate_words(estimate), percent(reached.mean) if reached else "")))

    st.radio(
        "Start from a preset (time here · accuracy on CIFAR-10)",
        list(PRESETS),
        key=PRESET_KEY,
        format_func=lambda preset: PRESETS[preset].title,
        captions=[facts(preset) for preset in PRESETS],
        on_change=_load_chosen_preset,
        horizontal=True,
        help="  \n".join(f"**{preset.title}**: {_description(name)}" for name, preset in PRESETS.items()),
    )


def show_origin(changed: Sequence[str], runs: list[Run]) -> None:
    """Show what the preset is for, or what was changed since with a way back; and the way to an earlier run's settings.

    Args:
        changed: names of the settings that are not as the preset has them.
        runs: earlier runs.
    """
    preset = chosen_preset()
    with st.container(horizontal=True, vertical_alignment="center"):
        words = f"{changed_line(preset, changed)}." if changed else _description(preset)
        st.markdown(f":small[{words}]", width="stretch")
        if changed:
            st.button(
                f"Back to {PRESETS[preset].title}",
                key="train_back",
                icon=":material/undo:",
                on_click=load_preset,
                args=(preset,),
            )
        _show_earlier_runs(runs)


def earlier_runs(runs: Iterable[Run]) -> dict[str, Run]:
    """Return the runs whose settings can be taken, by id, trials last: imported predictions have none."""
    return {run.id: run for run in own_first(runs) if not run.problem and run.has_network}


def _description(preset: str) -> str:
    """Return what a preset is for and the accuracy it reached when it was measured."""
    expected = expected_accuracy(preset)
    if expected is None:
        return PRESETS[preset].help
    runs = f"mean of {expected.seeds} runs" if expected.seeds > 1 else "one run"
    return f"{PRESETS[preset].help} {percent(expected.mean)} on JPEG copies of CIFAR-10's test pictures ({runs})."


def _show_earlier_runs(runs: list[Run]) -> None:
    """Show a select box, behind a button, that loads the settings of an earlier run."""
    known = earlier_runs(runs)
    if st.session_state.get(PARENT_KEY) not in known:
        st.session_state[PARENT_KEY] = None  # it was deleted meanwhile
    if known:
        with st.popover("From an earlier run", icon=":material/history:"):
            st.selectbox(
                "Settings of an earlier run",
                list(known),
                index=None,
                key=PARENT_KEY,
                placeholder="Choose a run",
                format_func=run_labels(known.values()).__getitem__,
                on_change=_load_earlier_run,
                args=(known,),
                help="Fills in its settings. Change what you like; the new run notes which run it was made from.",
            )


def _load_chosen_preset() -> None:
    load_preset(chosen_preset())


def _load_earlier_run(known: Mapping[str, Run]) -> None:
    run = known.get(st.session_state[PARENT_KEY])
    if run is not None:
        load_run(run.id, run.config, run.own_validation)
