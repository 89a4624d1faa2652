"""What doubt is good for: accuracy against the share of pictures answered, and how often a set holds the true class."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from cifar_core.figures.style import CORRECT, NEUTRAL, WRONG, escaped_name, name_ticks, new_figure
from cifar_core.text import counted, percent

COVERAGE_HEIGHT = 400  # pixels
_GRID = "rgba(128,128,128,0.2)"
_BAND = "rgba(0,114,178,0.18)"  # `CORRECT`, pale


def coverage_chart(curve: pd.DataFrame, chosen: "pd.Series[float]", wanted: float | None = None) -> go.Figure:
    """Accuracy of the answered pictures against the share that is answered, a point a threshold.

    Args:
        curve: of `coverage_curve`: columns `threshold`, `coverage`, `n`, `accuracy`, `accuracy_low`, `accuracy_high`.
        chosen: a row with the same columns, the point that is marked; nothing is marked where its `n` is 0.
        wanted: the accuracy that a line is drawn at.
    """
    drawn = curve[curve["n"] > 0]
    figure = new_figure(height=COVERAGE_HEIGHT, revision="coverage")
    coverage = 100 * drawn["coverage"]
    for name, fill in (("accuracy_high", None), ("accuracy_low", "tonexty")):
        figure.add_scatter(
            x=coverage,
            y=100 * drawn[name],
            mode="lines",
            line={"width": 0},
            fill=fill,
            fillcolor=_BAND,
            name="95 % interval",
            showlegend=fill is not None,
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=coverage,
        y=100 * drawn["accuracy"],
        customdata=drawn[["threshold", "n"]].to_numpy(float) * [100, 1],
        mode="lines",
        name="each threshold",
        line={"color": CORRECT, "width": 2.5},
        hovertemplate="threshold %{customdata[0]:.0f} %: answers %{x:.1f} % (n = %{customdata[1]:,.0f}), "
        "right in %{y:.1f} %<extra></extra>",
    )
    if chosen["n"] > 0:
        _mark_point(figure, chosen)
    if wanted is not None:
        figure.add_hline(100 * wanted, line={"color": NEUTRAL, "dash": "dash", "width": 1.5}, annotation_text="wanted")
    figure.update_layout(hovermode="closest", showlegend=True, margin={"t": 20, "b": 8, "l": 8, "r": 8})
    share = {"ticksuffix": "\u00a0%", "gridcolor": _GRID, "zeroline": False}
    figure.update_xaxes(title_text="pictures answered (coverage)", range=[-2, 102], dtick=20, **share)
    figure.update_yaxes(title_text="right among them", autorangeoptions={"clipmin": -2, "clipmax": 101}, **share)
    return figure


def coverage_words(curve: pd.DataFrame, chosen: "pd.Series[float]") -> str:
    """The chart in words, for who cannot see it; arguments as those of `coverage_chart`."""
    drawn = curve[curve["n"] > 0]
    ends = [f"{percent(row['accuracy'])} of {percent(row['coverage'])}" for _, row in drawn.iloc[[0, -1]].iterrows()]
    words = f"Accuracy against coverage: from {ends[0]} answered to {ends[1]} answered."
    if chosen["n"] == 0:
        return f"{words} At the chosen threshold none is answered."
    return f"{words} Chosen: {percent(chosen['coverage'])} answered, {percent(chosen['accuracy'])} of them right."


def _mark_point(figure: go.Figure, chosen: "pd.Series[float]") -> None:
    accuracy = 100 * chosen["accuracy"]
    figure.add_scatter(
        x=[100 * chosen["coverage"]],
        y=[accuracy],
        mode="markers",
        cliponaxis=False,
        name="chosen",
        marker={"color": WRONG, "size": 13, "line": {"color": "white", "width": 2}},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [100 * chosen["accuracy_high"] - accuracy],
            "arrayminus": [accuracy - 100 * chosen["accuracy_low"]],
            "color": WRONG,
            "thickness": 2,
            "width": 6,
        },
        hovertemplate="chosen: answers %{x:.1f} %, right in %{y:.1f} %<extra></extra>",
    )


def class_coverage_chart(classes: pd.DataFrame, wanted: float) -> go.Figure:
    """How often the set of a picture holds its true class, for each class, with its interval.

    Args:
        classes: columns `class`, `n`, `coverage`, `low`, `high`; classes without pictures are left out.
        wanted: the coverage that was asked for, a line.
    """
    drawn = classes[classes["n"] > 0].reset_index(drop=True)
    names = [escaped_name(name) for name in drawn["class"]]
    figure = new_figure(height=COVERAGE_HEIGHT, revision="class-coverage")
    below = drawn["high"] < wanted
    _add_classes(figure, drawn[~below], names, "interval reaches it", {"color": CORRECT, "symbol": "circle"})
    _add_classes(figure, drawn[below], names, "clearly below", {"color": WRONG, "symbol": "diamond"})
    figure.add_hline(
        100 * wanted,
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
        annotation_text=f"{100 * wanted:g} %",
        annotation_position="right",  # beside the classes
    )
    figure.update_layout(hovermode="closest", showlegend=True, margin={"t": 40, "b": 8, "l": 8, "r": 40})
    figure.update_layout(legend={"y": 1.02, "yanchor": "bottom"})  # below are the names, which may be long
    figure.update_xaxes(**name_ticks(names), showgrid=False, range=[-0.6, len(names) - 0.4])
    figure.update_yaxes(
        title_text="true class in the set",
        ticksuffix="\u00a0%",
        gridcolor=_GRID,
        zeroline=False,
        autorangeoptions={"clipmax": 101, "include": 100 * wanted},
    )
    return figure


def _add_classes(
    figure: go.Figure, part: pd.DataFrame, names: Sequence[str], title: str, marker: Mapping[str, str]
) -> None:
    coverage = 100 * part["coverage"]
    figure.add_scatter(
        x=part.index,
        y=coverage,
        customdata=[[names[place], f"{n:,}"] for place, n in zip(part.index.tolist(), part["n"], strict=True)],
        mode="markers",
        cliponaxis=False,
        name=title,
        showlegend=bool(len(part)),
        marker={"size": 9, **marker},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": 100 * part["high"] - coverage,
            "arrayminus": coverage - 100 * part["low"],
            "color": marker["color"],
            "thickness": 2,
        },
        hovertemplate="%{customdata[0]}: in %{y:.1f} % of the sets (n = %{customdata[1]})<extra></extra>",
    )


def class_coverage_words(classes: pd.DataFrame, wanted: float) -> str:
    """The chart in words, for who cannot see it; arguments as those of `class_coverage_chart`."""
    drawn = classes[classes["n"] > 0]
    shares = drawn["coverage"].to_numpy()
    least, most = (drawn.iloc[place] for place in (shares.argmin(), shares.argmax()))
    below = int((drawn["high"] < wanted).sum())
    return (
        f"Coverage of {counted(len(drawn), 'class')}: from {percent(least['coverage'])} "
        f"({least['class']}) to {percent(most['coverage'])} ({most['class']}); {below} clearly below {percent(wanted)}."
    )
