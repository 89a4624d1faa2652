"""What one setting may be: its kind, range, default and help; and the check of a value against that.

The hyperparameters of a run and the limits of a server are tables of such settings. Reads and writes nothing.
"""

import contextlib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cifar_core.text import FOLDER_NAME_RULE, can_be_shown, did_you_mean, is_folder_name

SettingKind = Literal["int", "float", "bool", "choice", "name", "ints", "text", "texts"]
_MAX_LINE = 200  # characters of a text
MAX_TEXT = 64  # characters of a value that a sentence shows


@dataclass(frozen=True)
class Spec:
    """What one hyperparameter may be. `low` and `high` are inclusive; `items` names each number of an `ints`."""

    kind: SettingKind
    label: str
    help: str
    low: float = 0
    high: float = 0
    log: bool = False  # slider moves in powers of ten (or of two for whole numbers)
    step: float = 1
    unit: str = ""
    choices: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()  # what people read for each of the choices; none where they read as they are
    zero: str = ""  # what 0 means, where it is no amount: `no limit`
    items: tuple[str, ...] = ()
    only_with: tuple[str, tuple[Any, ...]] = ("", ())  # (setting, its values): has no effect with any other value of it


def setting(default: Any, kind: SettingKind, label: str, help: str, **more: Any) -> Any:  # noqa: A002
    """A field of a settings dataclass with its `Spec`."""
    return field(default=default, metadata={"spec": Spec(kind, label, help, **more)})


def parse_settings(settings: Mapping[str, Any], table: Mapping[str, Spec]) -> tuple[dict[str, Any], list[str]]:
    """Values in their own types, by name, and a sentence for each that breaks its spec or is not in the table."""
    found: dict[str, Any] = {}
    problems = []
    for name, value in settings.items():
        if name not in table:
            problems.append(f"There is no setting {str(name)[:MAX_TEXT]!r}{did_you_mean(name, table)}.")
            continue
        try:
            found[name] = _parse(table[name], value)
        except ValueError as error:
            problems.append(f"{name} is {_shown(value)}, but {error}.")
    return found, problems


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"


def _parse(spec: Spec, value: Any) -> Any:
    """The value in its own type; ValueError with the rule that it breaks."""
    return _PARSERS[spec.kind](spec, value)


def value_words(spec: Spec, value: Any) -> str:
    """A value as people read it: `0.001`, `32 and 64`, `on`, `Adam`, `2 pixels`, `no limit`."""
    match value:
        case bool():
            return "on" if value else "off"
        case list() | tuple():
            return " and ".join(filter(None, (", ".join(map(str, value[:-1])), *map(str, value[-1:]))))
        case str():
            return dict(zip(spec.choices, spec.titles, strict=False)).get(value, value)
        case _ if value == 0 and spec.zero:
            return spec.zero
        case _:
            return f"{value:.10g}" + (f" {_unit(spec.unit, value)}" if spec.unit else "")


def _unit(unit: str, value: float) -> str:
    return unit.removesuffix("s") if value == 1 else unit


def allowed_range(spec: Spec) -> str:
    """What a number may be: `from 1 to 4096 pictures`."""
    return f"from {spec.low:.10g} to {spec.high:.10g}" + (f" {spec.unit}" if spec.unit else "")


def _whole(spec: Spec, value: Any) -> int:
    if isinstance(value, str) and len(value) <= MAX_TEXT and re.fullmatch(r"[+-]?[0-9]+", value.strip()):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not spec.low <= value <= spec.high:
        raise ValueError(_whole_rule(spec))
    if spec.step == 2 and value % 2 == 0:
        raise ValueError(_whole_rule(spec))
    return value


def _whole_rule(spec: Spec) -> str:
    return f"must be a whole number {allowed_range(spec)}" + (", odd" if spec.step == 2 else "")


def _number(spec: Spec, value: Any) -> float:
    number = value if isinstance(value, float) else math.nan
    if isinstance(value, int | str) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):
            number = float(value)
    if not math.isfinite(number) or not spec.low <= number <= spec.high:
        raise ValueError(f"must be a number {allowed_range(spec)}")
    return number


def _truth(_spec: Spec, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    words = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
    if isinstance(value, str) and value.lower() in words:
        return words[value.lower()]
    raise ValueError("must be true or false")


def _choice(spec: Spec, value: Any) -> str:
    if value not in spec.choices:
        raise ValueError(f"must be one of {', '.join(spec.choices)}{did_you_mean(value, spec.choices)}")
    return str(value)


def _name(_spec: Spec, value: Any) -> str:
    if not isinstance(value, str) or not is_folder_name(value):
        raise ValueError(f"must be a name of {FOLDER_NAME_RULE}")
    return value


def _texts(spec: Spec, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError('must be a list of texts, as in ["a", "b"]')
    return tuple(_text(spec, item) for item in value)


def _text(_spec: Spec, value: Any) -> str:
    if not isinstance(value, str) or len(value) > _MAX_LINE or not can_be_shown(value):
        raise ValueError(f"must be one line of at most {_MAX_LINE} visible characters")
    return value.strip()


def _several(spec: Spec, value: Any) -> tuple[int, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and len(parts) == len(spec.items):
        with contextlib.suppress(ValueError):
            return tuple([_whole(spec, part) for part in parts])
    example = ",".join(["8"] * len(spec.items))
    raise ValueError(f"must be {len(spec.items)} whole numbers {allowed_range(spec)}, as in {example}")


_PARSERS: Mapping[SettingKind, Callable[[Spec, Any], Any]] = {
    "int": _whole,
    "float": _number,
    "bool": _truth,
    "choice": _choice,
    "ints": _several,
    "name": _name,
    "text": _text,
    "texts": _texts,
}
