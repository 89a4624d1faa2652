"""Tables turned into Plotly figures; screens, notebooks and reports draw the same ones. Reads and writes nothing.

Backgrounds are transparent and text takes the colour of the page's theme, so each figure fits light and dark. Text that
people chose (class names, run names) is escaped, for Plotly reads `<b>` and links in it.
"""

from cifar_core.figures.bars import class_count_bars, probability_bars
from cifar_core.figures.heatmap import confusion_heatmap
from cifar_core.figures.lines import curves, overlay_curves
from cifar_core.figures.style import (
    CIVIDIS,
    CLASS_COLOURS,
    CORRECT,
    NEUTRAL,
    UNJUDGED,
    WRONG,
    class_colour,
    figure_html,
)

__all__ = [
    "CIVIDIS",
    "CLASS_COLOURS",
    "CORRECT",
    "NEUTRAL",
    "UNJUDGED",
    "WRONG",
    "class_colour",
    "class_count_bars",
    "confusion_heatmap",
    "curves",
    "figure_html",
    "overlay_curves",
    "probability_bars",
]
