"""What a sweep searches: a range or a list of values for each swept setting, checked by the table of them.

Reads and writes nothing.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.config import hyperparameters, settings_in_effect, spec_of
from cifar_core.errors import ConfigError
from cifar_core.spec import MAX_TEXT, Spec, parse_settings, value_words
from cifar_core.text import did_you_mean

MOST_VALUES = 100  # that one setting may list
MOST_COMBINATIONS = 10_000  # of a grid
_DIGITS = 3  # of values between the ends of a range that is filled in
_ONE_DATASET = "all candidates are trained and judged on the same pictures, so it is given once"
_SAME_JUDGE = "all candidates are judged by the same validation pictures, so it is given once"
_NOT_LEARNING = "it is not what a network learns by, so it is given once"
NEVER_SWEPT = {  # setting -> why
    "dataset": _ONE_DATASET,
    "own_validation": _SAME_JUDGE,
    "validation_share": _SAME_JUDGE,
    "seed": "the sweep's own option `seeds` trains every candidate with several",
    "device": _NOT_LEARNING,
    "max_seconds": _NOT_LEARNING,
    "processes": _NOT_LEARNING,
}


@dataclass(frozen=True)
class Dimension:
    """One swept setting: a range from `low` to `high`, or, where there are `values`, one of them."""

    name: str  # of the hyperparameter
    low: float = 0.0
    high: float = 0.0
    log: bool = False  # searched in powers, as the hyperparameter's slider moves
    step: float | None = None  # from `low` on; None: any number in the range, or any whole one
    whole: bool = False  # whole numbers
    values: tuple[Any, ...] = ()  # in the setting's own type, each valid; tuples for `ints`

    @property
    def is_range(self) -> bool:
        """Whether it is a range, and no list of values."""
        return not self.values


Space = tuple[Dimension, ...]  # in the order of the table of hyperparameters


def parse_space(texts: Sequence[str], settings: Mapping[str, Any]) -> Space:
    """The space of texts such as `learning_rate=1e-4..1e-1` and `channels=16,32|32,64`.

    Args:
        texts: NAME=LOW..HIGH, or NAME=A|B|C.
        settings: the other settings, as `RunConfig.flat` gives them.

    Raises:
        ConfigError: a sentence for each that breaks a rule: unknown or doubled name, out of range, empty or reversed
            range, fewer than two values, a setting that has no effect beside the others whatever is chosen, one that
            cannot be swept (dataset, seed, device, max_seconds, processes and whatever decides the validation part).
    """
    given: list[tuple[str, Any]] = []
    problems = []
    for text in texts:
        name, _, rest = (part.strip() for part in text.partition("="))
        if not name or not rest:
            problems.append(
                f"{text[:MAX_TEXT]!r} does not say what to search: give NAME=LOW..HIGH, as in "
                "learning_rate=1e-4..1e-1, or NAME=A|B, as in optimizer=adam|sgd."
            )
        elif ".." in rest and "|" not in rest:
            given.append((name, tuple(part.strip() for part in rest.split("..", 1))))
        else:
            given.append((name, [part.strip() for part in rest.split("|")]))
    return _checked(given, settings, problems)


def space_from(given: Mapping[str, tuple[float, float] | Sequence[Any]], settings: Mapping[str, Any]) -> Space:
    """The same of values that a form gives: a pair (low, high) as a tuple of two numbers, or a list of values."""
    return _checked(list(given.items()), settings, [])


def _checked(given: Sequence[tuple[str, Any]], settings: Mapping[str, Any], problems: list[str]) -> Space:
    """The space of ranges (tuples) and lists by name; ConfigError with these problems and those found here."""
    found: dict[str, Dimension] = {}
    seen: set[str] = set()
    for name, choice in given:
        if name in seen:
            problems.append(f"{name[:MAX_TEXT]} is searched twice: give it once, with all of its values.")
            continue
        seen.add(name)
        try:
            found[name] = _range(name, choice) if isinstance(choice, tuple) else _list(name, choice)
        except ConfigError as error:
            problems += error.problems
    if not given and not problems:
        problems.append("A sweep needs a setting to search, as in learning_rate=1e-4..1e-1.")
    space = tuple(found[name] for _, name, _, _ in hyperparameters() if name in found)
    problems += _without_effect(space, seen, settings)
    if problems:
        raise ConfigError(problems)
    return space


def _range(name: str, choice: tuple[Any, ...]) -> Dimension:
    spec = _spec_of(name)
    if spec.kind not in ("int", "float"):
        raise ConfigError([f"{name} has no range: list what to try, as in {name}={_example(spec)}."])
    numbers = _parsed(name, choice)
    if len(numbers) != 2 or not numbers[0] < numbers[1]:
        shown = "..".join(map(_text, numbers))
        raise ConfigError([f"{name} is {shown}, but a range goes from a lower to a higher number: {name}=LOW..HIGH."])
    low, high = map(float, numbers)
    whole = spec.kind == "int"
    return Dimension(name, low, high, spec.log, float(spec.step) if whole and not spec.log else None, whole)


def _list(name: str, choice: Sequence[Any]) -> Dimension:
    if len(choice) > MOST_VALUES:
        raise ConfigError([f"{name[:MAX_TEXT]} lists {len(choice):,} values; {MOST_VALUES} are allowed."])
    _spec_of(name)
    values = _parsed(name, choice)
    double = next((value for number, value in enumerate(values) if value in values[:number]), None)
    if double is not None:
        raise ConfigError([f"{name} lists {_text(double)} twice: name each value once."])
    if len(values) < 2:
        raise ConfigError([f"{name} has one value, so nothing is searched: list two or more, or give it as an option."])
    return Dimension(name, values=values)


def _spec_of(name: str) -> Spec:
    """The spec of a setting that can be swept; ConfigError where there is none of that name, or it cannot be."""
    if name in NEVER_SWEPT:
        raise ConfigError([f"{name} cannot be searched: {NEVER_SWEPT[name]}."])
    names = [name for _, name, _, _ in hyperparameters()]
    if name not in names:
        raise ConfigError([f"There is no setting {name[:MAX_TEXT]!r}{did_you_mean(name, names)}."])
    return spec_of(name)


def _parsed(name: str, choice: Sequence[Any]) -> tuple[Any, ...]:
    """These values of a setting in its own type; ConfigError with a sentence for each fault."""
    values: list[Any] = []
    problems: list[str] = []
    for value in choice:
        found, faults = parse_settings({name: value}, {name: spec_of(name)})
        values += found.values()
        problems += [fault for fault in faults if fault not in problems]
    if problems:
        raise ConfigError(problems)
    return tuple(values)


def _example(spec: Spec) -> str:
    """Two values of a setting, as `parse_space` reads them."""
    match spec.kind:
        case "ints":
            return "|".join(",".join([number] * len(spec.items)) for number in ("8", "16"))
        case "bool":
            return "true|false"
        case _:
            return "|".join(spec.choices[:2])


def _without_effect(space: Space, asked: set[str], settings: Mapping[str, Any]) -> list[str]:
    """A sentence for each setting that means nothing beside the others, whatever is chosen."""
    swept = {item.name: item for item in space}
    problems = []
    for name in swept:
        other, allowed = spec_of(name).only_with
        if not other or (other in asked and other not in swept):  # a fault of the other has been said
            continue
        has_effect = (
            any(_holds(swept[other], value) for value in allowed) if other in swept else (settings[other] in allowed)
        )
        if not has_effect:
            ways = " or ".join(map(_text, allowed[:4])) + (" ..." if len(allowed) > 4 else "")
            problems.append(f"{name} has no effect unless {other} is {ways}: set that, or search without {name}.")
    return problems


def sweepable(settings: Mapping[str, Any], own: int) -> list[str]:
    """The names of the settings that can be swept beside these, in the order of the table.

    Args:
        settings: as `RunConfig.flat` gives them.
        own: how many validation pictures of its own the dataset has.
    """
    return [name for name in settings_in_effect(settings, own) if name not in NEVER_SWEPT]


def in_effect(space: Space, chosen: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Which swept settings mean something beside those `chosen` so far and the fixed ones: conditional ones may not.

    A setting whose condition is swept and not chosen yet is not among them. The order is that of the space, in which
    every condition stands before what depends on it; so one pass over the space chooses all.
    """
    fixed = {name: value for name, value in settings.items() if name not in {item.name for item in space}}
    return [item.name for item in space if _means_something(item.name, {**fixed, **chosen})]


def _means_something(name: str, beside: Mapping[str, Any]) -> bool:
    other, allowed = spec_of(name).only_with
    return not other or (other in beside and beside[other] in allowed)


def contains(space: Space, values: Mapping[str, Any]) -> bool:
    """Whether the values of the swept settings lie in the space; those without effect beside the others may be absent.

    Settings that are not swept may be among them.
    """
    swept = {item.name for item in space}
    for item in space:
        other, allowed = spec_of(item.name).only_with
        if other in swept and values.get(other) not in allowed:
            continue
        if item.name not in values or not _holds(item, values[item.name]):
            return False
    return True


def _holds(dimension: Dimension, value: Any) -> bool:
    """Whether a value of a setting lies in its dimension."""
    if dimension.values:
        return (tuple(value) if isinstance(value, list) else value) in dimension.values
    if not dimension.low <= value <= dimension.high or (dimension.whole and value != int(value)):
        return False
    return dimension.step is None or (value - dimension.low) % dimension.step == 0


def largest(space: Space, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The candidates that take the most memory: of each network that is searched, the one with the largest numbers."""
    sizes = {
        item.name: max(item.values, key=_size) if item.values else int(item.high)
        for item in space
        if spec_of(item.name).kind in ("int", "ints")
    }
    networks = next((item.values for item in space if item.name == "model"), (settings["model"],))
    return [{**sizes, "model": network} for network in networks]


def _size(value: Any) -> int:
    return math.prod(value) if isinstance(value, tuple) else value


def combinations(space: Space) -> float:
    """How many combinations there are at most, conditions aside; infinite where a range has any number."""
    return math.prod(map(_count, space))


def _count(dimension: Dimension) -> float:
    if dimension.values:
        return len(dimension.values)
    return (dimension.high - dimension.low) // (dimension.step or 1) + 1 if dimension.whole else math.inf


def grid(space: Space, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of listed values, without those of settings that have no effect; each once.

    Raises:
        ConfigError: a dimension is a range: the sentence says to list values; or there are more than
            `MOST_COMBINATIONS`.
    """
    problems = [
        f"A grid needs listed values, and {range_text(item)} is a range: as in {range_text(_listed(item))}."
        for item in space
        if item.is_range
    ]
    if problems:
        raise ConfigError(problems)
    found: list[dict[str, Any]] = [{}]
    for item in space:
        longer: list[dict[str, Any]] = []
        for chosen in found:
            has_effect = item.name in in_effect(space, chosen, settings)
            longer += [{**chosen, item.name: value} for value in item.values] if has_effect else [chosen]
        if len(longer) > MOST_COMBINATIONS:
            raise ConfigError([f"The grid has more than {MOST_COMBINATIONS:,} combinations: list fewer values."])
        found = longer
    return found


def _listed(dimension: Dimension) -> Dimension:
    """Up to four values of a range."""
    return Dimension(dimension.name, values=tuple(even_values(dimension.name, dimension.low, dimension.high, 4)))


def even_values(name: str, low: float, high: float, k: int) -> list[Any]:
    """`k` valid values of a setting from low to high, evenly spaced (in powers where it moves so), no two alike.

    Those between are rounded to three digits where they stay apart. Whole numbers may be fewer than `k`.

    Args:
        name: of a setting that is a number.
        low: valid.
        high: valid, above `low`.
        k: 2 or more.
    """
    spec = spec_of(name)
    shares = [number / (k - 1) for number in range(k)]
    exact = [low * (high / low) ** share if spec.log else low + share * (high - low) for share in shares]
    exact[0], exact[-1] = low, high
    if spec.kind == "int":
        step = 1 if spec.log else int(spec.step)
        return sorted({int(low) + step * round((value - low) / step) for value in exact})
    rounded = [low, *(float(f"{value:.{_DIGITS}g}") for value in exact[1:-1]), high]
    apart = all(before < after for before, after in itertools.pairwise(rounded))
    return [float(value) for value in (rounded if apart else exact)]


def range_text(dimension: Dimension) -> str:
    """As `parse_space` reads it: `learning_rate=0.0001..0.1`; without any loss."""
    if dimension.is_range:
        ends = (int(end) if dimension.whole else end for end in (dimension.low, dimension.high))
        return f"{dimension.name}={'..'.join(map(_text, ends))}"
    return f"{dimension.name}={'|'.join(map(_text, dimension.values))}"


def _text(value: Any) -> str:
    """A value as `parse_space` reads it."""
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return ",".join(map(str, value))
        case float():
            return repr(value).removesuffix(".0")
        case _:
            return str(value)


def range_words(dimension: Dimension) -> str:
    """As people read it: `Learning rate 0.0001 to 0.1 (in powers)`, `Optimiser Adam, SGD`."""
    spec = spec_of(dimension.name)
    if dimension.is_range:
        unit = f" {spec.unit}" if spec.unit else ""
        powers = " (in powers)" if dimension.log else ""
        return f"{spec.label} {dimension.low:.10g} to {dimension.high:.10g}{unit}{powers}"
    if spec.kind == "ints":
        return f"{spec.label} {' / '.join(map(_text, dimension.values))}"
    return f"{spec.label} {', '.join(value_words(spec, value) for value in dimension.values)}"
