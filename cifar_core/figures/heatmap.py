"""The confusion matrix as a Plotly heatmap, on white."""

from typing import Any

import numpy as np
import plotly.graph_objects as go

from cifar_core.figures.cells import STEPS, MatrixCells, cell_shades
from cifar_core.figures.style import escaped_name, name_ticks, new_figure

MAX_TEXT_CLASSES = 30  # up to so many classes the cells have numbers


def confusion_heatmap(cells: MatrixCells) -> go.Figure:
    """The cells of a confusion matrix: true classes from top to bottom, predicted ones from left to right.

    Mistakes and correct predictions are one heatmap each, with the colours of the page in its light theme: zero is
    white. Where the cells have no numbers, a colour bar tells what the mistakes' colours mean.
    """
    names = [escaped_name(name) for name in cells.class_names]
    has_text = len(names) <= MAX_TEXT_CLASSES
    figure = new_figure(height=500 if len(names) <= 12 else 780, revision=f"matrix-{len(names)}")
    shades = [shade.background or "#ffffff" for shade in cell_shades("light")]
    right = np.eye(len(names), dtype=bool)
    lines = _hover_lines(cells, names)
    for part, colours in ((right, shades[:1] + shades[1 + STEPS :]), (~right, shades[: 1 + STEPS])):
        figure.add_heatmap(
            z=np.where(part, cells.values, np.nan),
            zmin=0,
            zmax=cells.top or 1,
            colorscale=[[step / STEPS, colour] for step, colour in enumerate(colours)],
            xgap=1 if has_text else 0,
            ygap=1 if has_text else 0,
            text=lines,
            hovertemplate="%{text}<extra></extra>",
            hoverongaps=False,
            showscale=part is not right and not has_text,
            colorbar=_colour_bar(cells.unit),
        )
    if has_text:
        figure.add_traces(_cell_text(cells))
    _matrix_axes(figure, names, cells.unit)
    return figure


def _hover_lines(cells: MatrixCells, names: list[str]) -> list[list[str]]:
    return [
        [
            f"true {true}, predicted {predicted}<br>" + detail.replace("\n", "<br>")
            for predicted, detail in zip(names, details, strict=True)
        ]
        for true, details in zip(names, cells.details, strict=True)
    ]


def _matrix_axes(figure: go.Figure, names: list[str], unit: str) -> None:
    """Set up both axes: all names, square cells, the first true class on top."""
    edge = [-0.5, len(names) - 0.5]
    plain = {"showgrid": False, "zeroline": False, "constrain": "domain", "ticks": ""}
    figure.update_xaxes(
        **name_ticks(names), **plain, title_text=f"predicted · cells: {unit}", range=edge, constraintoward="left"
    )
    figure.update_yaxes(
        **name_ticks(names), **plain, title_text="true", range=edge[::-1], scaleanchor="x", constraintoward="top"
    )
    figure.update_layout(hovermode="closest", showlegend=False)


def _colour_bar(title: str) -> dict[str, Any]:
    """The colour bar, above the matrix at its left edge: on a wide screen one beside it would be far away."""
    return {
        "title": {"text": title, "side": "top"},
        "orientation": "h",
        "x": 0,
        "xanchor": "left",
        "y": 1.02,
        "yanchor": "bottom",
        "lenmode": "pixels",
        "len": 260,
        "thickness": 10,
        "outlinewidth": 0,
        "nticks": 5,
    }


def _cell_text(cells: MatrixCells) -> list[go.Scatter]:
    """The text of every cell that has one, a trace for each of its colours."""
    shades = cell_shades("light")
    colours = np.array([shade.text for shade in shades])[cells.shades]
    texts = np.array([[text.replace("<", "&lt;") for text in row] for row in cells.texts], dtype=object)
    traces = []
    for colour in sorted({shade.text for shade in shades}):
        rows, columns = np.nonzero((colours == colour) & (texts != ""))
        traces.append(
            go.Scatter(
                x=columns,
                y=rows,
                mode="text",
                text=texts[rows, columns],
                textfont={"size": max(7, min(13, 190 // len(texts))), "color": colour},
                hoverinfo="skip",
                showlegend=False,
            )
        )
    return traces
