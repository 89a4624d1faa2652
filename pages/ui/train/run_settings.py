"""The settings of a run: those that mean something for it, by group, and what differs from its nearest preset."""

from collections.abc import Sequence

import streamlit as st

from cifar_core.config import GROUP_TITLES, make_config, settings_by_group, spec_of
from cifar_core.presets import PRESETS
from cifar_core.runs import Run
from cifar_core.runs.run import GOES_ON
from cifar_core.spec import value_words
from pages.ui.markdown import escaped
from pages.ui.wording import origin_words


def show_run_settings(run: Run) -> None:
    """Show the settings that mean something for `run`, each with its identifier; those that differ from the nearest
    preset are bold, with what the preset has.
    """
    st.markdown(_preset_line(run))
    with st.grid(2, min_column_width=320, gap="medium"):
        for group, names in settings_by_group(run.settings_in_effect).items():
            with st.container():
                st.markdown(f"**{GROUP_TITLES[group]}**")
                st.table(
                    {f"{spec_of(name).label} `{name}`": _value(run, name) for name in names},
                    border="horizontal",
                    alt=f"Settings of the run: {GROUP_TITLES[group]}",
                )


def changed_line(preset: str, changed: Sequence[str]) -> str:
    """Return `Quick, changed: Epochs, Batch size`, or `Quick`, as Markdown."""
    words = ", ".join(spec_of(name).label.lower() for name in changed)
    return f"**{PRESETS[preset].title}**" + (f", changed: {words}" if words else "")


def _preset_line(run: Run) -> str:
    made = f" Made from the settings of run {escaped(run.parent)}." if run.parent else ""
    if run.origin in GOES_ON and run.parent:
        made = f" The run {origin_words(run)}."
    basis = "The preset" if not run.changed_settings else "Nearest preset:"
    return f"{basis} {changed_line(run.preset, run.changed_settings)}.{made}"


def _value(run: Run, name: str) -> str:
    """Return a value of the run in words, as Markdown; bold where it is not the preset's."""
    spec = spec_of(name)
    words = escaped(value_words(spec, run.config.flat()[name]))
    if name == "device" and run.device:
        words += (
            f" ({escaped(run.device)} in {escaped(run.precision)})" if run.precision else f" ({escaped(run.device)})"
        )
    if name not in run.changed_settings:
        return words
    of_preset = value_words(spec, make_config(preset=run.preset).flat()[name])
    return f"**{words}** ({PRESETS[run.preset].title}: {escaped(of_preset)})"
