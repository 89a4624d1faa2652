"""Bar charts: pictures per class, and the class probabilities of one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    escaped_name,
    name_ticks,
    new_figure,
    whole_number_step,
)
from cifar_core.text import percent

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


@dataclass(frozen=True)
class ProbabilityBar:
    """The bar of one class."""

    name: str
    marks: str  # "true", "predicted", "true, predicted" or empty
    share: float  # the probability, 0 to 1
    text: str  # the probability as it is shown
    colour: str


def probability_bars(
    probs: ArrayLike, class_names: Sequence[str], true: int | None = None, predicted: int | None = None
) -> list[ProbabilityBar]:
    """The class probabilities of one picture as bars; the true and predicted class are marked in words too.

    Args:
        probs: probabilities [K].
        class_names: K names.
        true: index of the true class; None if it is unknown (an uploaded picture).
        predicted: index of the predicted class; None means the most probable one.

    Returns:
        All classes in their order; of more than 20 the ten most probable ones, the true one among them.

    Raises:
        DataError: the probabilities or class names are invalid, or an index is not that of a class.
    """
    checked = check_probs(np.asarray(probs)[None])[0]
    names = check_class_names(class_names, len(checked))
    predicted = int(checked.argmax()) if predicted is None else predicted
    for index in (true, predicted):
        if index is not None and not 0 <= index < len(checked):
            raise DataError(f"Class number {index} is not one of 0 to {len(checked) - 1}.")
    return [
        ProbabilityBar(
            name=names[index],
            marks=", ".join(mark for mark, marked in (("true", true), ("predicted", predicted)) if marked == index),
            share=float(checked[index]),
            text=percent(float(checked[index])),
            colour=_bar_colour(index, true, predicted),
        )
        for index in _shown_classes(checked, true)
    ]


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
