"""The confusion matrix as a heatmap whose cells can be clicked."""

from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from cifar_core.evaluate import ConfusionMatrix, Normalisation, normalise_matrix
from cifar_core.figures.style import CIVIDIS, WRONG, cell_percent, escaped_name, name_ticks, new_figure
from cifar_core.text import no_pictures

MAX_TEXT_CLASSES = 30  # up to so many classes the cells have numbers
MAX_ZERO_CLASSES = 12  # a larger matrix is mostly zeros, which are not printed
_MAX_EMPTY_CLASSES = 100  # up to so many classes empty cells can be clicked; 1,000 classes have a million cells
_TITLES = {"count": "pictures", "true": "% of the true class", "predicted": "% of the predicted class"}


def confusion_heatmap(
    matrix: ConfusionMatrix,
    by: Normalisation = "count",
    hide_diagonal: bool = False,
    selected: tuple[int, int] | None = None,
    split: str = "test",
) -> go.Figure:
    """A confusion matrix: true classes from top to bottom, predicted ones from left to right.

    An invisible square marker with `customdata` [true index, predicted index] lies on each cell (with many classes, on
    each that has pictures), because in Streamlit a click on a heatmap returns nothing, but one on a marker does. The
    markers are the last trace. Cells without a per cent are blank: in the row of a class without pictures, and in the
    column of one that is never predicted.

    Args:
        matrix: K classes.
        by: `count`, `true` (per cent of each row) or `predicted` (per cent of each column).
        hide_diagonal: leave the correct predictions blank and scale the colours by the mistakes.
        selected: (true index, predicted index) of the cell to outline.
        split: the part that was measured.

    Raises:
        ConfigError: another `by`.
    """
    names = [escaped_name(name) for name in matrix.class_names]
    values = normalise_matrix(matrix, by) * (1 if by == "count" else 100)
    if hide_diagonal:
        np.fill_diagonal(values, np.nan)
    top = max(float(np.nan_to_num(values).max()), 1e-9)
    has_text = len(names) <= MAX_TEXT_CLASSES
    figure = new_figure(height=500 if len(names) <= 12 else 780, revision=f"matrix-{len(names)}")
    figure.add_heatmap(
        z=values,
        zmin=0,
        zmax=top,
        colorscale=list(CIVIDIS),
        xgap=1 if has_text else 0,
        ygap=1 if has_text else 0,
        hoverinfo="skip",
        showscale=not has_text,  # with numbers in the cells no colour bar is needed
        colorbar=_colour_bar(_TITLES[by]),
    )
    if has_text:
        figure.add_traces(_cell_text(values, by, top))
    figure.add_trace(_cell_markers(matrix, names, split))
    _matrix_axes(figure, names, _TITLES[by])
    if selected is not None:
        row, column = selected
        figure.add_shape(
            type="rect", x0=column - 0.5, x1=column + 0.5, y0=row - 0.5, y1=row + 0.5, line={"color": WRONG, "width": 3}
        )
    return figure


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


def _cell_text(values: NDArray[np.float64], by: Normalisation, top: float) -> list[go.Scatter]:
    """The number of every cell that is not blank, in black or white, whichever has more contrast.

    Each text colour has its trace: a click dims the text of the other cells unless their trace sets one colour.
    """
    zero = "0" if len(values) <= MAX_ZERO_CLASSES else ""
    rows, columns = np.nonzero(~np.isnan(values))
    cells = values[rows, columns]
    colours = np.array([_text_colour(value / top) for value in cells])
    texts = np.array(
        [zero if not value else f"{value:.0f}" if by == "count" else cell_percent(value) for value in cells],
        dtype=object,
    )
    return [
        go.Scatter(
            x=columns[colours == colour],
            y=rows[colours == colour],
            mode="text",
            text=texts[colours == colour],
            textfont={"size": max(7, min(13, 190 // len(values))), "color": colour},
            selected={"textfont": {"color": colour}},
            unselected={"textfont": {"color": colour}},
            hoverinfo="skip",
            showlegend=False,
        )
        for colour in ("white", "black")
    ]


def _cell_markers(matrix: ConfusionMatrix, names: list[str], split: str) -> go.Scatter:
    """Invisible squares that receive clicks and show the numbers of their cell."""
    counts, classes = matrix.counts, len(names)
    rows, columns = np.nonzero((counts > 0) | (classes <= _MAX_EMPTY_CLASSES))
    row_share = 100 * normalise_matrix(matrix, "true")[rows, columns]
    column_share = 100 * normalise_matrix(matrix, "predicted")[rows, columns]
    absent, unpredicted = counts.sum(axis=1) == 0, counts.sum(axis=0) == 0
    lines = [
        f"true {names[row]}, predicted {names[column]}<br><b>{count:,}</b> picture{'' if count == 1 else 's'}<br>"
        + (
            f"{no_pictures(split)} of {names[row]}"
            if absent[row]
            else f"{cell_percent(of_true)} % of true {names[row]}"
        )
        + "<br>"
        + (
            f"never predicted: {names[column]}"
            if unpredicted[column]
            else f"{cell_percent(of_predicted)} % of predicted {names[column]}"
        )
        for row, column, count, of_true, of_predicted in zip(
            rows, columns, counts[rows, columns], row_share, column_share, strict=True
        )
    ]
    hidden = {"marker": {"opacity": 0}}
    return go.Scatter(
        x=columns,
        y=rows,
        mode="markers",
        opacity=0,
        marker={"symbol": "square", "size": max(4, 460 // classes), "opacity": 0},
        selected=hidden,
        unselected=hidden,
        customdata=np.stack([rows, columns], axis=1).tolist(),
        text=lines,
        hovertemplate="%{text}<extra></extra>",
        showlegend=False,
        name="cells",
    )


def _text_colour(share: float) -> str:
    """Black or white for text on cividis at `share` (0..1), by the relative luminance of WCAG 2."""
    position = min(max(share, 0.0), 1.0) * (len(CIVIDIS) - 1)
    low = min(int(position), len(CIVIDIS) - 2)
    colour = (1 - (position - low)) * _rgb(CIVIDIS[low]) + (position - low) * _rgb(CIVIDIS[low + 1])
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    return "white" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "black"


def _rgb(colour: str) -> NDArray[np.float64]:
    """Red, green and blue of `#rrggbb`, 0..1."""
    return np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
