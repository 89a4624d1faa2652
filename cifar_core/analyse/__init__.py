"""What the predictions get wrong: one table of pictures, filters and sorts over it, and sentences about it.

Everything is a pure function of saved predictions; reads and writes nothing.
"""

from cifar_core.analyse.samples import COLUMNS, printable, sample_table
from cifar_core.analyse.select import OUTCOMES, SORTS, SampleFilter, Sort, select_samples
from cifar_core.analyse.words import explain_matrix, most_confused, percent, read_curve, tile_caption, tile_lines

__all__ = [
    "COLUMNS",
    "OUTCOMES",
    "SORTS",
    "SampleFilter",
    "Sort",
    "explain_matrix",
    "most_confused",
    "percent",
    "printable",
    "read_curve",
    "sample_table",
    "select_samples",
    "tile_caption",
    "tile_lines",
]
