"""A confusion matrix as cells: the text, colour and words of each, which the page, the Plotly figure and the PNG show.

Zero has the colour of the page, and more is stronger: blue where the prediction is right, vermilion where it is wrong.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluate import ConfusionMatrix, Normalisation, most_confused_classes, normalise_matrix
from cifar_core.text import counted, no_pictures, percent

Theme = Literal["light", "dark"]
MAX_CELL_CLASSES = 100  # up to so many classes every cell is shown
MAX_ZERO_CLASSES = 12  # a larger matrix is mostly zeros, which are not printed
STEPS = 100  # shades of a colour above zero
PAGES: dict[Theme, str] = {"light": "#FFFFFF", "dark": "#0B1016"}  # backgrounds of the app, .streamlit/config.toml
_INKS: dict[Theme, tuple[str, str]] = {"light": ("#C24A00", "#0072B2"), "dark": ("#F0803C", "#4BA6DD")}  # wrong, right
_ZERO_TEXTS: dict[Theme, str] = {"light": "#5B6670", "dark": "#9AA7B3"}
_FAINTEST = 0.18  # share of the ink in the smallest value above zero
_UNITS = {"count": "pictures", "true": "% of the true class", "predicted": "% of the predicted class"}


@dataclass(frozen=True)
class Shade:
    """The colours of a cell, `#rrggbb`; no background means that of the page."""

    background: str
    text: str


@dataclass(frozen=True)
class MatrixCells:
    """The cells of a matrix of K classes, row by row; with many classes, of those K with the most mistakes."""

    class_names: tuple[str, ...]
    values: NDArray[np.float64]  # [K, K]; NaN is blank
    top: float  # the value of the strongest colour
    unit: str  # of the values
    texts: list[list[str]]  # [K][K], what stands in a cell
    details: list[list[str]]  # [K][K], lines about a cell beside its classes: "32 of 200", then both shares
    shades: NDArray[np.int64]  # [K, K], positions in `cell_shades`
    left_out: int  # number of classes that are not among the K
    # The colours that are shown: their meaning, and the positions in `cell_shades` of the first and the last.
    scales: tuple[tuple[str, int, int], ...]

    @property
    def top_text(self) -> str:
        """The value of the strongest colour with its unit; empty where every cell is zero or blank."""
        if not self.top:
            return ""
        return counted(round(self.top), "picture") if self.unit == _UNITS["count"] else f"{self.top:.1f} {self.unit}"


def confusion_cells(
    matrix: ConfusionMatrix,
    by: Normalisation = "count",
    hide_diagonal: bool = False,
    *,
    top: float | None = None,
    split: str = "test",
) -> MatrixCells:
    """The cells of a confusion matrix: true classes from top to bottom, predicted ones from left to right.

    Cells without a per cent are blank: in the row of a class without pictures, and in the column of one that is never
    predicted.

    Args:
        matrix: of its classes at most `MAX_CELL_CLASSES` are taken, those with the most mistakes.
        by: `count`, `true` (per cent of each row) or `predicted` (per cent of each column).
        hide_diagonal: leave the correct predictions blank, so that the colours tell the mistakes apart.
        top: the value of the strongest colour; None is the largest that is shown.
        split: the part that was measured.

    Raises:
        ConfigError: another `by`.
    """
    shown = np.array(most_confused_classes(matrix, MAX_CELL_CLASSES))
    values = _values(matrix, by, hide_diagonal)[np.ix_(shown, shown)]
    top = float(np.nan_to_num(values).max()) if top is None else top
    return MatrixCells(
        tuple(matrix.class_names[index] for index in shown),
        values,
        top,
        _UNITS[by],
        _texts(values, by),
        _details(matrix, shown, split),
        shades_of(values, top, np.eye(len(values), dtype=bool)),
        len(matrix.class_names) - len(shown),
        _scales(values),
    )


def largest_value(matrix: ConfusionMatrix, by: Normalisation, hide_diagonal: bool) -> float:
    """The largest value that the cells of a matrix show; 0 without any.

    Raises:
        ConfigError: another `by`.
    """
    return float(np.nan_to_num(_values(matrix, by, hide_diagonal)).max())


def cell_shades(theme: Theme) -> list[Shade]:
    """The colours of the cells: zero first, then `STEPS` shades of wrong, then `STEPS` of right, faintest first.

    Each is ink over the page; its text is black or white, whichever has more contrast (WCAG 2): 4.5 : 1 or more.
    """
    page = _rgb(PAGES[theme])
    shades = [Shade("", _ZERO_TEXTS[theme])]
    for ink in map(_rgb, _INKS[theme]):
        for share in np.linspace(_FAINTEST, 1, STEPS):
            colour = "#" + "".join(f"{round(255 * part):02x}" for part in (1 - share) * page + share * ink)
            shades.append(Shade(colour, _text_colour(colour)))
    return shades


def _values(matrix: ConfusionMatrix, by: Normalisation, hide_diagonal: bool) -> NDArray[np.float64]:
    values = normalise_matrix(matrix, by) * (1 if by == "count" else 100)
    if hide_diagonal:
        np.fill_diagonal(values, np.nan)
    return values


def _texts(values: NDArray[np.float64], by: Normalisation) -> list[list[str]]:
    zero = ("0" if by == "count" else "0.0") if len(values) <= MAX_ZERO_CLASSES else ""

    def text(value: float) -> str:
        if np.isnan(value):
            return ""
        if not value:
            return zero
        return f"{value:.0f}" if by == "count" else _share_text(value / 100)

    return [[text(value) for value in row] for row in values.tolist()]


def _details(matrix: ConfusionMatrix, shown: NDArray[np.int64], split: str) -> list[list[str]]:
    """Count, row % and column % of each cell; of the whole matrix, also where some classes are left out."""
    supports, predicted = matrix.counts.sum(axis=1).tolist(), matrix.counts.sum(axis=0).tolist()

    def detail(count: int, support: int, column_total: int) -> str:
        row = f"row {_share_text(count / support)} %" if support else no_pictures(split)
        column = f"column {_share_text(count / column_total)} %" if column_total else "never predicted"
        return f"{count:,} of {support:,}\n{row}, {column}"

    return [
        [detail(matrix.counts[row, column].item(), supports[row], predicted[column]) for column in shown]
        for row in shown
    ]


def _scales(values: NDArray[np.float64]) -> tuple[tuple[str, int, int], ...]:
    mistakes = ("mistakes", 1, STEPS)
    return (mistakes,) if np.isnan(values.diagonal()).all() else (mistakes, ("right", STEPS + 1, 2 * STEPS))


def shades_of(values: NDArray[Any], top: float, good: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The positions in `cell_shades` of values from 0 (or NaN) to `top`, in blue where they are `good`; all [K, K]."""
    shares = np.nan_to_num(values) / max(top, 1e-9)
    shades = np.clip(np.ceil(STEPS * shares), 0, STEPS).astype(np.int64)
    return shades + STEPS * (good & (shades > 0))


def _share_text(share: float) -> str:
    return percent(share).removesuffix("\u00a0%")


def _text_colour(background: str) -> str:
    """Black or white, by the relative luminance of WCAG 2."""
    colour = _rgb(background)
    linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ np.array([0.2126, 0.7152, 0.0722]))
    return "#ffffff" if 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.05 else "#000000"


def _rgb(colour: str) -> NDArray[np.float64]:
    """Red, green and blue of `#rrggbb`, 0..1."""
    return np.array([int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)])
