"""Figures of a sweep: where its trials lie, what they reached, which settings matter. Reads and writes nothing."""

from cifar_core.figures.sweep.axes import (
    SweepAxis,
    accuracy_axis,
    are_numbers,
    reached,
    setting_axis,
    setting_words,
    settings_words,
)
from cifar_core.figures.sweep.charts import (
    importance_chart,
    importance_words,
    slice_chart,
    slice_words,
    time_chart,
    time_words,
)
from cifar_core.figures.sweep.effect import effect_chart, effect_words
from cifar_core.figures.sweep.parallel import ParallelLines, parallel_lines, parallel_words, trial_name

__all__ = [
    "ParallelLines",
    "SweepAxis",
    "accuracy_axis",
    "are_numbers",
    "effect_chart",
    "effect_words",
    "importance_chart",
    "importance_words",
    "parallel_lines",
    "parallel_words",
    "reached",
    "setting_axis",
    "setting_words",
    "settings_words",
    "slice_chart",
    "slice_words",
    "time_chart",
    "time_words",
    "trial_name",
]
