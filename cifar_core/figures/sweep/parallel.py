"""Parallel coordinates of a sweep: an axis for each swept setting and one for accuracy, a line for each trial."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.figures.sweep.axes import SweepAxis, accuracy_axis, reached, setting_axis, settings_words
from cifar_core.sweeps.space import Space
from cifar_core.sweeps.sweep import Trial
from cifar_core.text import counted, percent

_DULL = 0.25  # of the finished trials, the worst, share one colour: a few that failed would take all colours


@dataclass(frozen=True)
class ParallelLines:
    """What is drawn; `numbers`, `names` and `shades` have an entry for each line."""

    axes: tuple[SweepAxis, ...]  # the last one is accuracy
    numbers: tuple[int, ...]  # of the trials
    names: tuple[str, ...]
    shades: tuple[float | None, ...]  # 0 to 1, the best; None: not finished, drawn grey and dashed
    ends: tuple[str, str]  # the accuracies of the first and the last colour, in words; empty without a finished trial


def parallel_lines(space: Space, trials: Sequence[Trial]) -> ParallelLines:
    """A line for each trial that has begun and can be read.

    Args:
        space: of the sweep.
        trials: of the sweep, in any state.
    """
    readable = [trial for trial in trials if not trial.problem]
    begun = [trial for trial in readable if trial.status != "waiting" or reached(trial) is not None]
    values = sorted(trial.value for trial in begun if trial.value is not None)
    low, high = (values[int(_DULL * (len(values) - 1))], values[-1]) if values else (0.0, 0.0)
    shades = [
        None if trial.value is None else 1.0 if high == low else min(1.0, max(0.0, (trial.value - low) / (high - low)))
        for trial in begun
    ]
    below = " or less" if values and values[0] < low else ""
    return ParallelLines(
        (*(setting_axis(dimension, begun) for dimension in space), accuracy_axis(begun)),
        tuple(trial.number for trial in begun),
        tuple(trial_name(trial) for trial in begun),
        tuple(shades),
        (percent(low) + below, percent(high)) if values else ("", ""),
    )


def trial_name(trial: Trial) -> str:
    """`Trial 12`, with its state where it is not finished: `Trial 12, pruned`."""
    return f"Trial {trial.number}" + ("" if trial.status == "finished" else f", {trial.status}")


def parallel_words(lines: ParallelLines, trials: Sequence[Trial]) -> str:
    """The figure in words, for who cannot see it; arguments as those that made it."""
    settings = ", ".join(axis.title for axis in lines.axes[:-1])
    finished = [trial for trial in trials if trial.value is not None]
    words = f"Parallel coordinates of {counted(len(lines.numbers), 'trial')}: {settings}, validation accuracy."
    if not finished:
        return f"{words} None has finished yet."
    best = max(finished, key=lambda trial: trial.value or 0.0)
    return (
        f"{words} {len(finished):,} finished, from {lines.ends[0]} to {lines.ends[1]}. The best, trial {best.number}: "
        f"{settings_words(best.settings)}."
    )
