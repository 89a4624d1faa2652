"""What a form fills in for a setting that is to be swept: a range or a list around the value that it has now."""

from collections.abc import Sequence
from typing import Any

from cifar_core.config import spec_of
from cifar_core.spec import Spec
from cifar_core.sweeps.space import Dimension, range_text

_DECADE = 10.0  # to each side of a number that moves in powers of ten
_FOUR = 4  # times, to each side of a whole number that moves in powers of two
_MOST_STEPS = 100  # a range that begins at 0 has no more steps of its slider than this


def suggested_range(name: str, value: float) -> tuple[float, float]:
    """Low and high end of a range around the value of a number setting, inside what the table allows.

    A decade to each side where its slider moves in powers of ten, four times where it does so in powers of two; else
    from half to twice the value; from 0, a part of what is allowed.
    """
    spec = spec_of(name)
    if spec.log:
        factor = _DECADE if spec.kind == "float" else _FOUR
        low, high = value / factor, value * factor
    elif value <= 0:
        low, high = spec.low, spec.low + min((spec.high - spec.low) / 2, _MOST_STEPS * spec.step)
    else:
        low, high = value / 2, value * 2
    low, high = (_valid(spec, end) for end in (low, high))
    return (low, high) if low < high else (_valid(spec, spec.low), _valid(spec, spec.high))


def suggested_list(name: str, value: Any) -> list[Any]:
    """Values of a setting that is no single number: both of a switch, every choice, and sizes half, as now, twice."""
    spec = spec_of(name)
    match spec.kind:
        case "bool":
            return [False, True]
        case "choice":
            return list(spec.choices)
    sizes = [[_valid(spec, part * factor) for part in value] for factor in (0.5, 1, 2)]
    return [size for place, size in enumerate(sizes) if size not in sizes[:place]]


def suggested_text(name: str, value: Any) -> str:
    """What is filled in, as `parse_space` reads it: `learning_rate=0.0001..0.01`, `flip=false|true`."""
    spec = spec_of(name)
    if spec.kind in ("int", "float"):
        low, high = suggested_range(name, value)
        return range_text(Dimension(name, low, high, whole=spec.kind == "int"))
    return list_text(name, suggested_list(name, value))


def list_text(name: str, values: Sequence[Any]) -> str:
    """Values of a setting as `parse_space` reads them: `channels=16,32|32,64`."""
    return range_text(Dimension(name, values=tuple(values)))


def _valid(spec: Spec, number: float) -> Any:
    """The nearest value that the table allows; in the setting's own type, without the noise of floats."""
    inside = min(max(number, spec.low), spec.high)
    if spec.kind == "float" and spec.log:
        return float(f"{inside:.6g}")
    steps = round((inside - spec.low) / spec.step)
    on_step = spec.low + steps * spec.step
    return round(on_step, 10) if spec.kind == "float" else int(on_step)
