"""Bar charts: pictures per class, and the class probabilities of one picture."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import ArrayLike, NDArray

from cifar_core.errors import DataError
from cifar_core.evaluate import check_class_names, check_probs
from cifar_core.figures.style import (
    CORRECT,
    NEUTRAL,
    PART_COLOURS,
    UNJUDGED,
    WRONG,
    cell_percent,
    escaped_name,
    name_ticks,
    new_figure,
    whole_number_step,
)

MAX_BARS = 20  # up to so many classes all are shown
MAX_COUNT_TICKS = 8


def class_count_bars(counts: pd.DataFrame) -> go.Figure:
    """Pictures per class in each part.

    Args:
        counts: columns `class`, and `train`, `validation` and `test`, as far as there are such parts.
    """
    names = [escaped_name(name) for name in counts["class"]]
    figure = new_figure(height=340, revision="class-counts")
    for part in counts.columns.drop("class"):
        figure.add_bar(
            x=list(range(len(names))),
            y=counts[part],
            name=part,
            marker={"color": PART_COLOURS[part], "line": {"width": 0}},
            customdata=names,
            hovertemplate="%{customdata}: %{y:,} pictures",
        )
    figure.update_layout(barmode="group", bargap=0.25, showlegend=True, hovermode="closest")
    figure.update_xaxes(**name_ticks(names), showgrid=False)
    largest = counts.drop(columns="class").to_numpy().max(initial=0)
    step = whole_number_step(largest, MAX_COUNT_TICKS)
    figure.update_yaxes(title_text="pictures", rangemode="tozero", dtick=step, tickformat=",d")
    return figure


def probability_bars(
    probs: ArrayLike, class_names: Sequence[str], true: int | None = None, predicted: int | None = None
) -> go.Figure:
    """The class probabilities of one picture as horizontal bars; the true and predicted class are marked in words too.

    Args:
        probs: probabilities [K].
        class_names: K names.
        true: index of the true class; None if it is unknown (an uploaded picture).
        predicted: index of the predicted class; None means the most probable one.

    Raises:
        DataError: the probabilities or class names are invalid, or an index is not that of a class.
    """
    checked = check_probs(np.asarray(probs)[None])[0]
    names = check_class_names(class_names, len(checked))
    predicted = int(checked.argmax()) if predicted is None else predicted
    for index in (true, predicted):
        if index is not None and not 0 <= index < len(checked):
            raise DataError(f"Class number {index} is not one of 0 to {len(checked) - 1}.")
    shown = _shown_classes(checked, true)
    figure = new_figure(height=60 + 26 * len(shown), revision="probabilities")
    figure.add_bar(
        orientation="h",
        x=100 * checked[shown],
        y=list(range(len(shown))),
        marker={"color": [_bar_colour(index, true, predicted) for index in shown], "line": {"width": 0}},
        text=[cell_percent(100 * checked[index]) + " %" for index in shown],
        textposition="outside",
        cliponaxis=False,
        customdata=[escaped_name(names[index]) for index in shown],
        hovertemplate="%{customdata}: %{x:.2f} %<extra></extra>",
    )
    ticks = [_marked(escaped_name(names[index]), index, true, predicted) for index in shown]
    figure.update_yaxes(tickvals=list(range(len(shown))), ticktext=ticks, autorange="reversed", showgrid=False)
    figure.update_xaxes(range=[0, 112], showticklabels=False, showgrid=False, zeroline=False)
    figure.update_layout(bargap=0.25, hovermode="closest", margin={"t": 8, "r": 8})
    return figure


def _shown_classes(probs: NDArray[np.float64], true: int | None) -> list[int]:
    """All classes in their order, or of many classes the most probable ones and the true one."""
    if len(probs) <= MAX_BARS:
        return list(range(len(probs)))
    shown = np.argsort(-probs, kind="stable")[:10].tolist()
    return shown if true is None or true in shown else [*shown[:-1], true]


def _bar_colour(index: int, true: int | None, predicted: int) -> str:
    if index == true:
        return CORRECT
    if index != predicted:
        return NEUTRAL
    return UNJUDGED if true is None else WRONG


def _marked(name: str, index: int, true: int | None, predicted: int) -> str:
    marks = [mark for mark, marked in (("true", true), ("predicted", predicted)) if marked == index]
    return f"<b>{name}</b> ({', '.join(marks)})" if marks else name
