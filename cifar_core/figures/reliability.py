"""The reliability diagram: how often a network is right when it says how sure it is, above how often it says so."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cifar_core.evaluate import widest_gap
from cifar_core.figures.style import CORRECT, NEUTRAL, UNJUDGED, WRONG, new_figure, whole_number_step
from cifar_core.text import counted, percent

RELIABILITY_HEIGHT = 460  # pixels, both panels
_UPPER, _LOWER = (0.34, 1.0), (0.0, 0.25)  # shares of the height: the diagram, the histogram
MAX_COUNT_TICKS = 4
_GRID = "rgba(128,128,128,0.2)"
_UNSEEN = "rgba(0,0,0,0)"
_HOVER_LABEL = {"bgcolor": "#24303C", "font": {"color": "#FFFFFF"}, "align": "left"}  # else as unseen as the column


def reliability_diagram(table: pd.DataFrame, chosen: int | None = None, ink: str = NEUTRAL) -> go.Figure:
    """Accuracy in each bin of the confidence against the diagonal, and under it the pictures of each bin.

    A bin that holds pictures answers a click anywhere in its column: the point that was clicked has the number of the
    bin as `customdata`. An empty bin has nothing to click.

    Args:
        table: of `reliability_table`: a row a bin.
        chosen: the bin that is marked.
        ink: the colour of the diagonal and of the intervals, which stand over the bars: the page's colour of text.
    """
    filled = table[table["n"] > 0]
    figure = new_figure(height=RELIABILITY_HEIGHT, revision="reliability")
    _add_accuracies(figure, filled)
    figure.add_scatter(
        x=[0, 100],
        y=[0, 100],
        mode="lines",
        name="as right as it says",
        line={"color": ink, "dash": "dash", "width": 1.5},
        hoverinfo="skip",
    )
    _add_intervals(figure, filled, ink)
    _add_counts(figure, filled)
    _add_columns(figure, filled)
    if chosen is not None:
        _mark_bin(figure, table.iloc[chosen])
    figure.update_layout(
        barmode="overlay",
        bargap=0,
        hovermode="closest",
        showlegend=True,
        legend={"y": -0.17},
        margin={"t": 8, "b": 8, "l": 8, "r": 28},  # at the right, half of "100 %"
        clickmode="event+select",
    )
    _set_axes(figure, int(filled["n"].max()))
    return figure


def reliability_words(table: pd.DataFrame) -> str:
    """The diagram in words, for who cannot see it.

    Args:
        table: of `reliability_table`.
    """
    filled = table[table["n"] > 0]
    sure, unsure = (filled["gap"] < 0).sum(), (filled["gap"] > 0).sum()
    widest = widest_gap(table)
    fullest = filled.iloc[filled["n"].to_numpy().argmax()]
    return (
        f"Reliability diagram. {counted(len(filled), 'bin')} of {len(table)} hold pictures: in {sure} it is right less "
        f"often than it says, in {unsure} more often. The widest gap is between {bin_words(widest)}: it says "
        f"{percent(widest['confidence'])} and is right in {percent(widest['accuracy'])} (n = {widest['n']:,.0f}). "
        f"Most pictures, {fullest['n']:,.0f}, have a confidence of {bin_words(fullest)}."
    )


def bin_words(row: "pd.Series[float]") -> str:
    """The confidences of a bin: `86.7 to 93.3 %`.

    Args:
        row: of `reliability_table`.
    """
    return f"{100 * row['low']:.1f} to {percent(row['high'])}"


def _add_accuracies(figure: go.Figure, filled: pd.DataFrame) -> None:
    """A bar to the accuracy of each bin, and its gap to what the network says there."""
    accuracy, said = 100 * filled["accuracy"], 100 * filled["confidence"]
    shared = {"x": _centres(filled), "width": _widths(filled), "hoverinfo": "skip", **_KEPT}
    figure.add_bar(
        y=accuracy,
        name="right",
        marker={"color": CORRECT, "line": {"width": 0}},
        **shared,
    )
    sure, unsure = (said - accuracy).clip(lower=0), (accuracy - said).clip(lower=0)
    hatched = {"shape": "/", "fgcolor": WRONG, "bgcolor": _UNSEEN, "size": 6, "solidity": 0.35}
    for name, size, marker in (
        ("too sure", sure, {"color": WRONG, "line": {"color": WRONG, "width": 1.5}, "pattern": hatched}),
        ("not sure enough", unsure, {"color": UNJUDGED, "line": {"width": 0}}),
    ):
        there = size > 0
        figure.add_bar(
            y=size,
            base=np.minimum(accuracy, said),
            name=name,
            marker=marker,
            visible=bool(there.any()),
            **shared,
        )


def _add_intervals(figure: go.Figure, filled: pd.DataFrame, ink: str) -> None:
    """The Wilson interval of each accuracy."""
    accuracy = 100 * filled["accuracy"]
    figure.add_scatter(
        x=_centres(filled),
        y=accuracy,
        mode="markers",
        showlegend=False,
        marker={"color": ink, "size": 4},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": 100 * filled["accuracy_high"] - accuracy,
            "arrayminus": accuracy - 100 * filled["accuracy_low"],
            "color": ink,
            "thickness": 1.5,
            "width": 4,
        },
        hoverinfo="skip",
        **_KEPT,
    )


def _add_counts(figure: go.Figure, filled: pd.DataFrame) -> None:
    """The histogram of the confidence: right pictures below, wrong ones on top of them."""
    right, wrong = filled["right"], filled["n"] - filled["right"]
    for name, size, base, colour in (("right", right, 0, CORRECT), ("wrong", wrong, right, WRONG)):
        figure.add_bar(
            x=_centres(filled),
            width=_widths(filled),
            y=size,
            base=base,
            yaxis="y2",
            name=name,
            showlegend=name == "wrong",
            marker={"color": colour, "line": {"width": 0}},
            hoverinfo="skip",
            **_KEPT,
        )


def _add_columns(figure: go.Figure, filled: pd.DataFrame) -> None:
    """What cannot be seen and answers the pointer: the whole column of each bin, in both panels."""
    places, words = filled.index.tolist(), [_hover_words(row) for _, row in filled.iterrows()]
    for axis, height in (("y", 100.0), ("y2", float(filled["n"].max()))):
        figure.add_bar(
            x=_centres(filled),
            width=100 * (filled["high"] - filled["low"]),
            y=np.full(len(filled), height),
            yaxis=axis,
            customdata=places,  # a list: of an array the browser would make another thing
            hovertext=words,
            hovertemplate="%{hovertext}<extra></extra>",
            hoverlabel=_HOVER_LABEL,
            marker={"color": _UNSEEN, "line": {"width": 0}},
            showlegend=False,
            **_KEPT,
        )


def _hover_words(row: "pd.Series[float]") -> str:
    interval = f"{100 * row['accuracy_low']:.1f} to {percent(row['accuracy_high'])}"
    return (
        f"confidence {bin_words(row)}<br>it says {percent(row['confidence'])} on average<br>"
        f"it is right in {percent(row['accuracy'])} (95\u00a0%: {interval})<br>n = {row['n']:,.0f}: a click shows them"
    )


def _mark_bin(figure: go.Figure, row: "pd.Series[float]") -> None:
    """A frame around the column of a bin, over both panels."""
    figure.add_shape(
        type="rect",
        xref="x",
        yref="paper",
        x0=100 * row["low"],
        x1=100 * row["high"],
        y0=0,
        y1=1,
        line={"color": NEUTRAL, "width": 2},
        fillcolor="rgba(128,128,128,0.16)",
        layer="below",
    )


def _set_axes(figure: go.Figure, most: int) -> None:
    share = {"range": [0, 100], "dtick": 20, "ticksuffix": "\u00a0%", "gridcolor": _GRID, "zeroline": False}
    figure.update_xaxes(title_text="confidence: how sure it says it is", anchor="y2", **share)
    figure.update_layout(
        yaxis={"title": {"text": "how often it is right"}, "domain": _UPPER, **share},
        yaxis2={
            "title": {"text": "pictures", "standoff": 14},
            "domain": _LOWER,
            "automargin": True,
            "rangemode": "tozero",
            "tickformat": ",d",
            "dtick": whole_number_step(most, MAX_COUNT_TICKS),
            "gridcolor": _GRID,
            "zeroline": False,
        },
    )


def _centres(filled: pd.DataFrame) -> "pd.Series[float]":
    return 50 * (filled["low"] + filled["high"])


def _widths(filled: pd.DataFrame) -> "pd.Series[float]":
    return 92 * (filled["high"] - filled["low"])  # a little less than the bin, so that neighbours stay apart


# A click leaves all bars as they are: which bin is chosen is said by `_mark_bin`.
_KEPT = {"selected": {"marker": {"opacity": 1}}, "unselected": {"marker": {"opacity": 1}}}
