"""What the figures of a sweep share: an axis for each swept setting and one for accuracy, and where each trial lies.

Ranges are drawn from their low to their high end, in powers where they are searched so; lists evenly. So every figure
has the same ticks, and a place is a share of the axis, whatever the setting is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.config import spec_of
from cifar_core.spec import value_words
from cifar_core.sweeps.space import Dimension
from cifar_core.sweeps.sweep import Trial
from cifar_core.text import percent

MOST_TICKS = 6  # of a range
NO_EFFECT = "no effect"
NO_RESULT = "no result"
_LOWEST = 0.12  # where the axis begins, when trials without a value lie below it
_FACTORS = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))  # ticks in each power of ten, the fewest first


@dataclass(frozen=True)
class SweepAxis:
    """One axis, and on it a place for each trial."""

    name: str  # of the setting, or `accuracy`
    title: str
    ticks: tuple[tuple[float, str], ...]  # place, and what it says there
    places: tuple[float, ...]  # of each trial, 0 (below or left) to 1
    words: tuple[str, ...]  # what each trial has there


def reached(trial: Trial) -> float | None:
    """The validation accuracy that a trial has reached: its value; before that, or without one, the best of its epochs.

    Of several runs the mean. None before any epoch has ended.
    """
    if trial.value is not None:
        return trial.value
    best = [max(run.values) for run in trial.runs if run.values]
    return math.fsum(best) / len(best) if best else None


def setting_words(name: str, value: Any) -> str:
    """A value of a setting, with three digits where it is no whole number: `0.00123`, `32 and 64`, `on`, `Adam`."""
    short = float(f"{value:.3g}") if isinstance(value, float) else value
    return value_words(spec_of(name), short)


def settings_words(settings: Mapping[str, Any]) -> str:
    """Swept settings as people read them: `learning rate 0.00123, optimiser Adam`."""
    named = ((spec_of(name).label, setting_words(name, value)) for name, value in settings.items())
    return ", ".join(f"{label[:1].lower()}{label[1:]} {words}" for label, words in named)


def setting_axis(dimension: Dimension, trials: Sequence[Trial]) -> SweepAxis:
    """The axis of a swept setting. A trial in which it has no effect lies below it."""
    name = dimension.name
    ticks = _range_ticks(dimension) if dimension.is_range else _list_ticks(dimension)
    places = [_place(dimension, dict(ticks), trial.settings.get(name)) for trial in trials]
    words = [
        NO_EFFECT if at is None else setting_words(name, trial.settings[name]) for trial, at in _both(trials, places)
    ]
    flipped = tuple((place, text) for text, place in ticks)
    return _with_room_below(name, spec_of(name).label, flipped, places, words, NO_EFFECT)


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether all of some values of a setting are numbers, so that they lie at distances."""
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def place_values(name: str, values: Sequence[Any]) -> SweepAxis:
    """The axis of some values of a setting: numbers at their distances, others evenly in the order given."""
    spec, different = spec_of(name), list(dict.fromkeys(values))
    if not are_numbers(different):
        dimension = Dimension(name, values=tuple(different))
        ticks = _list_ticks(dimension)
    else:
        low, high = min(different), max(different)
        dimension = Dimension(name, low, high, log=spec.log and low > 0, whole=spec.kind == "int")
        few = [(setting_words(name, value), _place(dimension, {}, value) or 0.0) for value in different]
        ticks = few if len(different) <= MOST_TICKS else _range_ticks(dimension)
    places = [_place(dimension, dict(ticks), value) or 0.0 for value in values]
    words = tuple(setting_words(name, value) for value in values)
    return SweepAxis(name, spec.label, tuple((at, text) for text, at in ticks), tuple(places), words)


def accuracy_axis(trials: Sequence[Trial]) -> SweepAxis:
    """The axis of validation accuracy, from the lowest to the highest that any trial has reached."""
    values = [reached(trial) for trial in trials]
    known = [value for value in values if value is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if high - low < 1e-3:  # a tenth of a point: an axis of less says more than was measured
        low, high = max(0.0, low - 5e-4), min(1.0, high + 5e-4)
    places = [None if value is None else (value - low) / (high - low) for value in values]
    ticks = tuple(((at - low) / (high - low), f"{100 * at:.10g}\u00a0%") for at in _even_ticks(low, high))
    words = [NO_RESULT if value is None else percent(value) for value in values]
    return _with_room_below("accuracy", "Validation accuracy", ticks, places, words, NO_RESULT)


def _both(trials: Sequence[Trial], places: Sequence[float | None]) -> list[tuple[Trial, float | None]]:
    return list(zip(trials, places, strict=True))


def _place(dimension: Dimension, listed: Mapping[str, float], value: Any) -> float | None:
    """Where a value lies on the axis of its setting; None where it has none, or one that is not on it."""
    if value is None:
        return None
    if not dimension.is_range:
        return listed.get(setting_words(dimension.name, value))
    low, high, at = _scaled(dimension, dimension.low), _scaled(dimension, dimension.high), _scaled(dimension, value)
    return min(1.0, max(0.0, (at - low) / (high - low or 1.0)))


def _scaled(dimension: Dimension, value: float) -> float:
    return math.log(value) if dimension.log and dimension.low > 0 and value > 0 else float(value)


def _list_ticks(dimension: Dimension) -> list[tuple[str, float]]:
    """The words of each listed value, evenly, with a little room at both ends."""
    words = [setting_words(dimension.name, value) for value in dimension.values]
    return [(text, (index + 0.5) / len(words)) for index, text in enumerate(words)]


def _range_ticks(dimension: Dimension) -> list[tuple[str, float]]:
    low, high = dimension.low, dimension.high
    if not dimension.log or low <= 0:
        values = _even_ticks(low, high)
        if dimension.whole:
            values = [value for value in values if value == round(value)]
    elif dimension.whole:
        values = _thinned([2.0**power for power in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)])
    else:
        values = _log_ticks(low, high)
    if len(values) < 2:
        values = [low, high]
    spec = spec_of(dimension.name)
    return [
        (value_words(spec, value).removesuffix(f" {spec.unit}"), _place(dimension, {}, value) or 0.0)
        for value in values
    ]


def _even_ticks(low: float, high: float) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in a range, at most `MOST_TICKS`."""
    rough = (high - low) / MOST_TICKS or 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10, 20) if factor * power >= rough * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{count * step:.10g}") for count in range(first, last + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    """Round numbers in a range: powers of ten, or where these are few, some between them."""
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for factors in _FACTORS:
        found = [float(f"{factor * 10.0**power:.10g}") for power in powers for factor in factors]
        inside = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(inside) >= 3:
            break
    return _thinned(inside)


def _thinned(values: Sequence[float]) -> list[float]:
    step = -(-len(values) // MOST_TICKS) or 1  # rounded up
    return list(values[::step])


def _with_room_below(
    name: str,
    title: str,
    ticks: tuple[tuple[float, str], ...],
    places: Sequence[float | None],
    words: Sequence[str],
    below: str,
) -> SweepAxis:
    """The axis, moved up where some trials have no place on it: these lie below it, at a tick of their own."""
    if None not in places:
        return SweepAxis(name, title, ticks, tuple(at for at in places if at is not None), tuple(words))
    raised = [0.0 if at is None else _LOWEST + (1 - _LOWEST) * at for at in places]
    marks = ((0.0, below), *((_LOWEST + (1 - _LOWEST) * at, text) for at, text in ticks))
    return SweepAxis(name, title, marks, tuple(raised), tuple(words))
