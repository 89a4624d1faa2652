"""The table of pictures with their predictions, its filters and sorts, and the captions of pictures.

Everything is a pure function of saved predictions; reads and writes nothing.
"""

from cifar_core.samples.captions import SHARED_BY_VERDICT, shared_words, tile_caption, tile_label, tile_lines
from cifar_core.samples.compared import COMPARED_COLUMNS, with_other_answers
from cifar_core.samples.filter_words import filter_parts
from cifar_core.samples.seeds import WRONG_COLUMNS, with_seeds, with_wrong_counts
from cifar_core.samples.select import (
    EXPORTED_SCORES,
    FILTERS,
    OUTCOMES,
    RANGE_STEP,
    SORTS,
    Outcome,
    Range,
    SampleFilter,
    Sort,
    passing,
    score_range,
    select_samples,
    sorts_of,
)
from cifar_core.samples.table import COLUMNS, prediction_table, printable, sample_table, tag_texts, with_tags

__all__ = [
    "COLUMNS",
    "COMPARED_COLUMNS",
    "EXPORTED_SCORES",
    "FILTERS",
    "OUTCOMES",
    "RANGE_STEP",
    "SHARED_BY_VERDICT",
    "SORTS",
    "WRONG_COLUMNS",
    "Outcome",
    "Range",
    "SampleFilter",
    "Sort",
    "filter_parts",
    "passing",
    "prediction_table",
    "printable",
    "sample_table",
    "score_range",
    "select_samples",
    "shared_words",
    "sorts_of",
    "tag_texts",
    "tile_caption",
    "tile_label",
    "tile_lines",
    "with_other_answers",
    "with_seeds",
    "with_tags",
    "with_wrong_counts",
]
