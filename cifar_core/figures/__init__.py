"""Plotly figures of tables; pages, notebooks and reports use the same ones. Reads and writes nothing.

Backgrounds are transparent and text has the colour of the theme of the page, so each figure fits light and dark themes.
Text that people chose (class names, run names) is escaped, since Plotly interprets `<b>` and links in it.
"""

from cifar_core.figures.bars import ProbabilityBar, class_count_bars, probability_bars
from cifar_core.figures.cells import MAX_CELL_CLASSES, MatrixCells, Shade, cell_shades, confusion_cells, largest_value
from cifar_core.figures.class_lines import class_lines, class_lines_table, class_lines_words
from cifar_core.figures.coverage import class_coverage_chart, class_coverage_words, coverage_chart, coverage_words
from cifar_core.figures.difference import difference_cells
from cifar_core.figures.heatmap import confusion_heatmap
from cifar_core.figures.lines import CURVE_KINDS, CurveKind, CurveScale, RunCurve, curves, overlay_curves
from cifar_core.figures.reliability import bin_words, reliability_diagram, reliability_words
from cifar_core.figures.run_looks import run_colour, run_swatch
from cifar_core.figures.small_curve import curve_words, small_curve
from cifar_core.figures.small_histogram import histogram_words, small_histogram
from cifar_core.figures.style import (
    CLASS_COLOURS,
    CORRECT,
    NEUTRAL,
    UNJUDGED,
    WRONG,
    class_colour,
    figure_html,
)

__all__ = [
    "CLASS_COLOURS",
    "CORRECT",
    "CURVE_KINDS",
    "MAX_CELL_CLASSES",
    "NEUTRAL",
    "UNJUDGED",
    "WRONG",
    "CurveKind",
    "CurveScale",
    "MatrixCells",
    "ProbabilityBar",
    "RunCurve",
    "Shade",
    "bin_words",
    "cell_shades",
    "class_colour",
    "class_count_bars",
    "class_coverage_chart",
    "class_coverage_words",
    "class_lines",
    "class_lines_table",
    "class_lines_words",
    "confusion_cells",
    "confusion_heatmap",
    "coverage_chart",
    "coverage_words",
    "curve_words",
    "curves",
    "difference_cells",
    "figure_html",
    "histogram_words",
    "largest_value",
    "overlay_curves",
    "probability_bars",
    "reliability_diagram",
    "reliability_words",
    "run_colour",
    "run_swatch",
    "small_curve",
    "small_histogram",
]
