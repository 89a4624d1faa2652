"""What a sweep has found as Plotly figures: accuracy against each setting and against time; which setting matters."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from cifar_core.config import spec_of
from cifar_core.figures.style import CORRECT, NEUTRAL, WRONG, new_figure
from cifar_core.figures.sweep.axes import SweepAxis, reached, settings_words
from cifar_core.figures.sweep.parallel import trial_name
from cifar_core.sweeps.sweep import Trial
from cifar_core.sweeps.tables import mean_seconds
from cifar_core.text import clock, counted, percent

SLICE_HEIGHT, TIME_HEIGHT = 250, 380  # pixels
_BAR_HEIGHT = 34  # pixels of a bar with its room
_GRID = "rgba(128,128,128,0.2)"
_MINUTE, _HOUR = 60, 3600  # seconds
# What the dots of a chart are: of finished trials, of the best one, of all others.
_DOTS: dict[str, dict[str, Any]] = {
    "finished": {"color": CORRECT, "size": 8, "opacity": 0.75},
    "not finished": {"color": NEUTRAL, "size": 8, "symbol": "x-thin", "line": {"color": NEUTRAL, "width": 1.5}},
    "best": {"color": WRONG, "size": 13, "symbol": "star"},
}


def slice_chart(axis: SweepAxis, trials: Sequence[Trial], best: int | None = None) -> go.Figure:
    """Validation accuracy against one setting, a dot for each trial; its `customdata` is the number of the trial.

    Args:
        axis: of the setting, made of the same trials.
        trials: those without any result are left out.
        best: number of the trial that is marked.
    """
    figure = new_figure(height=SLICE_HEIGHT, revision=f"slice-{axis.name}")
    _add_dots(figure, trials, axis.places, best)
    figure.update_xaxes(
        title_text=axis.title,
        tickmode="array",
        tickvals=[place for place, _ in axis.ticks],
        ticktext=[text for _, text in axis.ticks],
        range=[-0.04, 1.04],
        showgrid=False,
        zeroline=False,
    )
    figure.update_layout(showlegend=False, margin={"t": 8, "b": 8, "l": 8, "r": 12})
    return figure


def slice_words(axis: SweepAxis, trials: Sequence[Trial], best: int | None = None) -> str:
    """The chart in words, for who cannot see it; arguments as those of `slice_chart`."""
    at = next((place for place, trial in enumerate(trials) if trial.number == best), None)
    words = f"Validation accuracy against {axis.title} of {counted(len(trials), 'trial')}."
    return words if at is None else f"{words} The best, trial {best}, has {axis.words[at]}."


def time_chart(trials: Sequence[Trial], front: Sequence[Trial], best: int | None = None) -> go.Figure:
    """Validation accuracy against the seconds of a run of each trial, with the Pareto front as steps.

    Args:
        trials: those without any result are left out.
        front: of them those that no other one beats in both, in the order of their seconds.
        best: number of the trial that is marked.
    """
    figure = new_figure(height=TIME_HEIGHT, revision="sweep-time")
    size, unit = _unit(max(map(mean_seconds, trials), default=0.0))
    figure.add_scatter(
        x=[mean_seconds(trial) / size for trial in front],
        y=[100 * (trial.value or 0.0) for trial in front],
        mode="lines+markers",
        line={"color": CORRECT, "width": 2, "shape": "hv"},
        marker={"size": 15, "color": "rgba(0,0,0,0)", "line": {"color": CORRECT, "width": 2}},
        name="Pareto front",
        hoverinfo="skip",
    )
    _add_dots(figure, trials, [mean_seconds(trial) / size for trial in trials], best)
    figure.update_xaxes(
        title_text=f"training time of a run ({unit})", rangemode="tozero", gridcolor=_GRID, zeroline=False
    )
    figure.update_layout(showlegend=True, margin={"t": 8, "b": 8, "l": 8, "r": 12})
    return figure


def time_words(trials: Sequence[Trial], front: Sequence[Trial]) -> str:
    """The chart in words, for who cannot see it; arguments as those of `time_chart`."""
    words = f"Validation accuracy against training time of {counted(len(trials), 'trial')}."
    if not front:
        return f"{words} None has finished yet."
    ends = [f"{percent(trial.value or 0.0)} in {clock(mean_seconds(trial))} (trial {trial.number})" for trial in front]
    if len(ends) == 1:
        return f"{words} On the Pareto front is one: {ends[0]}."
    return f"{words} On the Pareto front are {len(ends)}, from {ends[0]} to {ends[-1]}."


def importance_chart(shares: Mapping[str, float], ink: str = NEUTRAL) -> go.Figure:
    """How much each setting matters, a bar for each, the most important one first.

    Args:
        shares: by name of the setting, 0 to 1.
        ink: the colour of the numbers: the page's colour of text.
    """
    ordered = sorted(shares.items(), key=lambda item: item[1])
    figure = new_figure(height=60 + _BAR_HEIGHT * len(ordered), revision="importance")
    figure.add_bar(
        x=[100 * share for _, share in ordered],
        y=[spec_of(name).label for name, _ in ordered],
        text=[percent(share) for _, share in ordered],
        textposition="outside",
        textfont={"color": ink},
        cliponaxis=False,
        orientation="h",
        marker={"color": CORRECT, "line": {"width": 0}},
        hoverinfo="skip",
    )
    figure.update_xaxes(range=[0, 112], visible=False)
    figure.update_layout(showlegend=False, margin={"t": 4, "b": 4, "l": 8, "r": 8}, bargap=0.35)
    return figure


def importance_words(shares: Mapping[str, float]) -> str:
    """The chart in words, for who cannot see it; arguments as those of `importance_chart`."""
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    return (
        "Importance of the settings: " + ", ".join(f"{spec_of(name).label} {percent(at)}" for name, at in ordered) + "."
    )


def _add_dots(figure: go.Figure, trials: Sequence[Trial], places: Sequence[float], best: int | None) -> None:
    """A dot for each trial that has reached an accuracy: finished ones, the best of them, and others."""
    shown = [
        (trial, at, value) for trial, at in zip(trials, places, strict=True) if (value := reached(trial)) is not None
    ]
    kinds = {"finished": [], "not finished": [], "best": []}  # type: dict[str, list[tuple[Trial, float, float]]]
    for item in shown:
        kind = "best" if item[0].number == best else "finished" if item[0].value is not None else "not finished"
        kinds[kind].append(item)
    for kind, items in kinds.items():
        figure.add_scatter(
            x=[at for _, at, _ in items],
            y=[100 * value for _, _, value in items],
            customdata=[trial.number for trial, _, _ in items],
            hovertext=[_hover_words(trial, value) for trial, _, value in items],
            hovertemplate="%{hovertext}<extra></extra>",
            mode="markers",
            name=kind,
            showlegend=bool(items),
            marker=_DOTS[kind],
            selected={"marker": {"opacity": 1}},  # a click leaves all dots as they are
            unselected={"marker": {"opacity": _DOTS[kind].get("opacity", 1)}},
        )
    figure.update_yaxes(title_text="validation accuracy", ticksuffix="\u00a0%", gridcolor=_GRID, zeroline=False)
    figure.update_layout(hovermode="closest", clickmode="event+select")


def _hover_words(trial: Trial, value: float) -> str:
    settings = "<br>".join(settings_words({name: each}) for name, each in trial.settings.items())
    return f"<b>{trial_name(trial)}: {percent(value)}</b><br>{settings}<br>{clock(mean_seconds(trial))} of training"


def _unit(seconds: float) -> tuple[float, str]:
    """The unit of an axis of times up to so many seconds, and its seconds."""
    if not math.isfinite(seconds) or seconds < 3 * _MINUTE:
        return 1.0, "seconds"
    return (_MINUTE, "minutes") if seconds < 3 * _HOUR else (_HOUR, "hours")
