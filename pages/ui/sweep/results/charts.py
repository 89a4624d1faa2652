"""The charts of a sweep with several swept settings: all trials as lines, which setting matters, accuracy and time."""

from collections.abc import Mapping
from functools import partial

import plotly.graph_objects as go
import streamlit as st

from cifar_core.evaluate import TERMS
from cifar_core.figures import NEUTRAL
from cifar_core.figures.sweep import (
    importance_chart,
    importance_words,
    parallel_lines,
    parallel_words,
    reached,
    setting_axis,
    slice_chart,
    slice_words,
    time_chart,
    time_words,
)
from cifar_core.sweeps.importance import FEWEST, STEADY, Importance
from cifar_core.sweeps.space import Dimension
from cifar_core.sweeps.sweep import Sweep
from cifar_core.sweeps.tables import pareto_front
from cifar_core.text import counted
from pages.ui.charts import text_colour, with_readable_axes
from pages.ui.sweep.results.choice import PREFIX, open_trial
from pages.ui.sweep.results.parallel_coordinates import parallel_coordinates

_SLICE_WIDTH = 300  # CSS pixels, at least


def show_lines(sweep: Sweep, runs: Mapping[int, str]) -> None:
    """Show every trial as a line; `runs` are those that a click opens, by the number of the trial."""
    lines = parallel_lines(sweep.plan.space, sweep.trials)
    parallel_coordinates(
        lines,
        runs,
        key=f"{PREFIX}_lines_{sweep.id}",
        label=parallel_words(lines, sweep.trials),
        on_open=partial(open_trial, runs),
    )


def show_settings(sweep: Sweep, importance: Importance | None, best: int | None, runs: Mapping[int, str]) -> None:
    """Show how much each setting matters, and the accuracy against each of them, the most important one first."""
    _show_importance(importance)
    order = list(importance.shares) if importance else []
    space = sorted(sweep.plan.space, key=lambda item: order.index(item.name) if item.name in order else len(order))
    with st.grid(3, min_column_width=_SLICE_WIDTH) as grid:
        for dimension in space:
            with grid.cell():
                _show_slice(sweep, dimension, best, runs)


def _show_slice(sweep: Sweep, dimension: Dimension, best: int | None, runs: Mapping[int, str]) -> None:
    trials = [trial for trial in sweep.trials if reached(trial) is not None]  # all, so that all slices have one scale
    axis = setting_axis(dimension, trials)
    _show_dots(slice_chart(axis, trials, best), slice_words(axis, trials, best), f"slice_{axis.name}", runs)


def _show_importance(importance: Importance | None) -> None:
    if importance is None:
        st.caption(f"How much each setting matters is computed from {FEWEST} finished trials on.")
        return
    st.markdown("**Importance** (PED-ANOVA)", help=TERMS["importance"].help)
    st.plotly_chart(
        with_readable_axes(importance_chart(importance.shares, text_colour() or NEUTRAL)),
        key=f"{PREFIX}_importance",
        alt=importance_words(importance.shares),
        config={"displayModeBar": False},
    )
    best = "the best trial" if importance.better == 1 else f"the best {importance.better:,}"
    rough = f" A rough guide below {STEADY} trials." if importance.trials < STEADY else ""
    st.caption(
        f"It compares {best} of {counted(importance.trials, 'finished trial')} with all of them; the shares sum to "
        f"100\u00a0%.{rough}"
    )


def show_time(sweep: Sweep, best: int | None, runs: Mapping[int, str]) -> None:
    """Show the accuracy of the trials against their training time, with the Pareto front."""
    front = pareto_front(sweep)
    _show_dots(time_chart(sweep.trials, front, best), time_words(sweep.trials, front), "time", runs)
    st.caption(
        f"Pareto front: {counted(len(front), 'trial')} that no other one beats in both accuracy and time. Times were "
        "measured while other runs trained beside.",
        help=TERMS["pareto_front"].help,
    )


def _show_dots(figure: go.Figure, words: str, name: str, runs: Mapping[int, str]) -> None:
    """Show a chart whose dots open runs."""
    key = f"{PREFIX}_{name}"
    st.plotly_chart(
        with_readable_axes(figure),
        key=key,
        on_select=partial(_on_click, key, runs),
        selection_mode="points",
        alt=words,
        config={"displayModeBar": False},
    )


def _on_click(key: str, runs: Mapping[int, str]) -> None:
    """Open the run of the dot that was clicked; for a callback."""
    clicked = [point["customdata"] for point in st.session_state[key].selection.points if "customdata" in point]
    if clicked:
        open_trial(runs, clicked[0])
