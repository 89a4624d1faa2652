"""What a sweep searches: a range or a list of values for each swept setting, checked by the table of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Dimension:
    """One swept setting: a range from `low` to `high`, or, where there are `values`, one of them."""

    name: str  # of the hyperparameter
    low: float = 0.0
    high: float = 0.0
    log: bool = False  # searched in powers, as the hyperparameter's slider moves
    step: float | None = None  # None: any number in the range
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
            cannot be swept (dataset, seed, device, max_seconds and whatever decides the validation part).
    """
    raise NotImplementedError


def space_from(given: Mapping[str, tuple[float, float] | Sequence[Any]], settings: Mapping[str, Any]) -> Space:
    """The same of values that a form gives: a pair (low, high) as a tuple of two numbers, or a list of values."""
    raise NotImplementedError


def sweepable(settings: Mapping[str, Any], own: int) -> list[str]:
    """The names of the settings that can be swept beside these, in the order of the table."""
    raise NotImplementedError


def in_effect(space: Space, chosen: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """Which swept settings mean something beside those `chosen` so far and the fixed ones: conditional ones may not."""
    raise NotImplementedError


def contains(space: Space, values: Mapping[str, Any]) -> bool:
    """Whether the values of the swept settings lie in the space."""
    raise NotImplementedError


def grid(space: Space, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every combination of listed values, without those of settings that have no effect; each once.

    Raises:
        ConfigError: a dimension is a range: the sentence says to list values.
    """
    raise NotImplementedError


def even_values(name: str, low: float, high: float, k: int) -> list[Any]:
    """`k` valid values of a setting from low to high, evenly spaced (in powers where it moves so), no two alike."""
    raise NotImplementedError


def range_text(dimension: Dimension) -> str:
    """As `parse_space` reads it: `learning_rate=0.0001..0.1`."""
    raise NotImplementedError


def range_words(dimension: Dimension) -> str:
    """As people read it: `Learning rate 0.0001 to 0.1 (in powers)`, `Optimiser Adam, SGD`."""
    raise NotImplementedError
