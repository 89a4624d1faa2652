"""The effect of one setting: the validation accuracy at each of its values, with intervals and every single run."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from cifar_core.config import spec_of
from cifar_core.figures.style import CORRECT, NEUTRAL, UNJUDGED, new_figure
from cifar_core.figures.sweep.axes import SweepAxis, are_numbers, place_values, setting_words
from cifar_core.text import percent

EFFECT_HEIGHT = 400  # pixels
_GRID = "rgba(128,128,128,0.2)"


def effect_chart(name: str, table: pd.DataFrame, start: Any = None, ink: str = NEUTRAL) -> go.Figure:
    """The mean accuracy at each value with its 95 % interval, and the runs as dots.

    Args:
        name: of the setting.
        table: of `effect_table`: a row a value, columns `value`, `mean`, `low`, `high`, `values`.
        start: the value that the settings had before, a line; None where there is none to show.
        ink: the colour of the intervals, which stand over the dots: the page's colour of text.
    """
    axis = place_values(name, [*table["value"].tolist(), *([] if start is None else [start])])
    figure = new_figure(height=EFFECT_HEIGHT, revision=f"effect-{name}")
    _add_runs(figure, axis, table)
    _add_means(figure, axis, table, ink)
    if start is not None:
        figure.add_vline(
            axis.places[-1],
            line={"dash": "dot", "color": NEUTRAL, "width": 1.5},
            annotation={"text": f"before: {axis.words[-1]}", "yref": "paper", "y": 1, "yanchor": "bottom"},
            annotation_position="top",
        )
    figure.update_xaxes(
        title_text=axis.title,
        tickmode="array",
        tickvals=[place for place, _ in axis.ticks],
        ticktext=[text for _, text in axis.ticks],
        range=[-0.06, 1.06],
        showgrid=False,
        zeroline=False,
    )
    figure.update_yaxes(
        title_text="validation accuracy",
        ticksuffix="\u00a0%",
        gridcolor=_GRID,
        zeroline=False,
        autorangeoptions={"clipmin": 0, "clipmax": 100},
    )
    figure.update_layout(hovermode="closest", showlegend=True, margin={"t": 30, "b": 8, "l": 8, "r": 12})
    return figure


def effect_words(name: str, table: pd.DataFrame) -> str:
    """The chart in words, for who cannot see it; arguments as those of `effect_chart`."""
    rows = [
        f"{setting_words(name, row['value'])}: {percent(row['mean'])} ({_interval(row)})" for _, row in table.iterrows()
    ]
    return f"Validation accuracy at each value of {spec_of(name).label}, with 95 % intervals. {'; '.join(rows)}."


def _interval(row: "pd.Series[Any]") -> str:
    return f"{100 * row['low']:.1f} to {percent(row['high'])}"


def _add_means(figure: go.Figure, axis: SweepAxis, table: pd.DataFrame, ink: str) -> None:
    mean = 100 * table["mean"]
    figure.add_scatter(
        x=axis.places[: len(table)],
        y=mean,
        customdata=[
            f"{words}: {percent(row['mean'])} on average<br>95\u00a0%: {_interval(row)}"
            for words, (_, row) in zip(axis.words, table.iterrows(), strict=False)
        ],
        mode="lines+markers" if are_numbers(table["value"].tolist()) else "markers",
        name="mean with 95 % interval",
        line={"color": CORRECT, "width": 2},
        marker={"color": CORRECT, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": 100 * table["high"] - mean,
            "arrayminus": mean - 100 * table["low"],
            "color": ink,
            "thickness": 1.5,
            "width": 6,
        },
        hovertemplate="%{customdata}<extra></extra>",
    )


def _add_runs(figure: go.Figure, axis: SweepAxis, table: pd.DataFrame) -> None:
    """Every run as a dot, where a value has several."""
    several = [(at, values) for at, values in zip(axis.places, table["values"], strict=False) if len(values) > 1]
    places: Sequence[float] = [at for at, values in several for _ in values]
    figure.add_scatter(
        x=places,
        y=[100 * value for _, values in several for value in values],
        mode="markers",
        name="single runs",
        showlegend=bool(several),
        marker={"color": UNJUDGED, "size": 8, "line": {"color": CORRECT, "width": 1}},
        hovertemplate="one run: %{y:.1f} %<extra></extra>",
    )
