"""The accuracy of each class over the epochs as lines, in words, and as a table of the same numbers."""

from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from cifar_core.figures.run_looks import DASHES, MARKERS
from cifar_core.figures.style import CLASS_COLOURS, NEUTRAL, class_colour, escaped_name, new_figure, whole_number_step
from cifar_core.text import percent

MOST_LINES = len(CLASS_COLOURS)  # that can be told apart; of more classes, the worst few are drawn in colour
WORST = 5
CLASS_LINES_HEIGHT = 380  # pixels
MAX_EPOCH_TICKS = 12


def class_lines(accuracies: pd.DataFrame) -> go.Figure:
    """A line for each class in its own colour, the same on every page, with a marker of its own.

    Of more than `MOST_LINES` classes, the `WORST` with the lowest accuracy after the last epoch are drawn so, and the
    others in grey.

    Args:
        accuracies: columns `epoch`, `class` (categories: all K names in order), `accuracy` (0 to 1, NaN where the class
            has no picture) and `n`; a row for each epoch and class, epochs ascending.
    """
    figure = new_figure(height=CLASS_LINES_HEIGHT, revision="class-lines")
    classes = _classes(accuracies)
    shown = classes if len(classes) <= MOST_LINES else classes[:WORST]
    _add_others(figure, classes[len(shown) :])
    for line in sorted(shown):  # the legend in the order of the classes
        colour, turn = class_colour(line.number), line.number // MOST_LINES  # dash and marker differ where it repeats
        figure.add_scatter(
            x=line.epochs,
            y=100 * line.accuracies,
            name=escaped_name(line.name),
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": DASHES[turn % len(DASHES)]},
            marker={"color": colour, "size": 7, "symbol": MARKERS[(line.number + turn) % len(MARKERS)]},
            hovertemplate="%{y:.1f}\u00a0%",
        )
    _axes(figure, accuracies)
    return figure


def class_lines_words(accuracies: pd.DataFrame) -> str:
    """What the chart shows, in words: its classes and epochs, and the lowest and the highest line at the end."""
    classes = [line for line in _classes(accuracies) if not np.isnan(line.last)]
    if not classes:
        return "No epoch."
    low, high = classes[0], classes[-1]
    epochs = accuracies["epoch"].nunique()
    return (
        f"Accuracy of {len(classes)} classes over {epochs} epoch{'s' if epochs > 1 else ''}. At the end the lowest is "
        f"{low.name} with {percent(low.last)} of {low.n:,}, the highest {high.name} with {percent(high.last)} of "
        f"{high.n:,}."
    )


def class_lines_table(accuracies: pd.DataFrame) -> pd.DataFrame:
    """The numbers of the chart: a row for each class, the lowest at the end first.

    Returns:
        the columns `class`, `n`, and one for each epoch, named by its number, with the accuracy (0 to 1).
    """
    classes = _classes(accuracies)
    table = pd.DataFrame({"class": [line.name for line in classes], "n": [line.n for line in classes]})
    epochs = accuracies["epoch"].unique()
    return table.assign(**{str(epoch): [line.accuracies[at] for line in classes] for at, epoch in enumerate(epochs)})


class _ClassLine(NamedTuple):
    number: int  # of the class
    name: str
    n: int
    epochs: np.ndarray  # [E]
    accuracies: np.ndarray  # [E], 0 to 1

    @property
    def last(self) -> float:
        return float(self.accuracies[-1])


def _classes(accuracies: pd.DataFrame) -> list[_ClassLine]:
    """The lines, the lowest at the end first; classes without a picture last."""
    lines = [
        _ClassLine(
            number,
            str(name),
            int(rows["n"].iloc[0]),
            rows["epoch"].to_numpy(),
            rows["accuracy"].to_numpy(np.float64),
        )
        for number, (name, rows) in enumerate(accuracies.groupby("class", observed=False))
        if len(rows)
    ]
    return sorted(lines, key=lambda line: (np.isnan(line.last), line.last, line.number))


def _add_others(figure: go.Figure, lines: list[_ClassLine]) -> None:
    """Draw the lines without a colour of their own as one, with gaps, below the others."""
    if not lines:
        return
    figure.add_scatter(
        x=np.concatenate([[*line.epochs, line.epochs[-1]] for line in lines]),
        y=np.concatenate([[*(100 * line.accuracies), np.nan] for line in lines]),
        name=f"the other {len(lines)} classes",
        mode="lines",
        line={"color": NEUTRAL, "width": 1},
        opacity=0.45,
        hoverinfo="skip",
    )


def _axes(figure: go.Figure, accuracies: pd.DataFrame) -> None:
    last = int(accuracies["epoch"].max()) if len(accuracies) else 1
    figure.update_xaxes(
        title_text="epoch",
        tickformat="d",
        dtick=whole_number_step(last, MAX_EPOCH_TICKS),
        range=[0.5, max(last, 2) + 0.5],
        showgrid=False,
    )
    figure.update_yaxes(
        title_text="accuracy on test",
        ticksuffix="\u00a0%",
        range=[-2, 102],
        tick0=0,
        dtick=20,
        gridcolor="rgba(128,128,128,0.2)",
        zeroline=False,
    )
    figure.update_layout(showlegend=True)
