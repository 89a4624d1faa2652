"""Dataclasses from JSON that may hold anything: every field has its declared type, or one sentence names the fault."""

import functools
import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_SHOWN = 40  # characters
_MAX_WHOLE = 2**63  # no count, size or time reaches it


@dataclass(frozen=True)
class Rule:
    """What a value must be beside being of its type; declared as `Annotated[int, Rule(...)]`."""

    requirement: str  # ends the sentence "NAME must be ..."
    holds: Callable[[Any], bool]


def parse(kind: type[T], content: Any, *, exact: bool = True) -> T:
    """Build a dataclass from what a file says.

    Args:
        kind: a dataclass whose fields are str, int, float, bool, None, Literal, dict[str, Any], Any, other such
            dataclasses, unions of these, tuples, lists or mappings by name of them, or any of these with a `Rule`.
        content: as read from JSON; lists become tuples.
        exact: refuse fields that the dataclass does not have, rather than ignore them.

    Raises:
        ValueError: not a JSON object, or a field is missing, unknown, of another type or against its rule; the message
            says which.
    """
    table, required = _table(kind)  # type: ignore[arg-type] # a class can be hashed
    if not isinstance(content, dict):
        raise ValueError("it is not a JSON object")
    for name in required:
        if name not in content:
            raise ValueError(f"{name} is missing")
    values = {}
    name = ""
    try:
        for name, value in content.items():
            reader = table.get(name)
            if reader is not None:
                values[name] = reader(value)
            elif exact:
                raise ValueError(f"{name[:_SHOWN]!r} is unknown")
    except TypeError as error:
        raise ValueError(f"{name} must be {error}, not {str(content[name])[:_SHOWN]!r}") from None
    return kind(**values)


@functools.cache
def _table(kind: type) -> tuple[dict[str, Callable[[Any], Any]], list[str]]:
    assert is_dataclass(kind)
    hints = get_type_hints(kind, include_extras=True)
    required = [item.name for item in fields(kind) if item.default is MISSING and item.default_factory is MISSING]
    return {item.name: _reader(hints[item.name]) for item in fields(kind)}, required


def _reader(hint: Any) -> Callable[[Any], Any]:
    """A function that returns a value of the type, or raises TypeError with the name of the type."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return functools.partial(_read_ruled, _reader(inner[0]), inner[1])
    if origin in (Union, types.UnionType):
        return functools.partial(_read_union, [_reader(item) for item in inner])
    if origin is tuple and inner[-1] is Ellipsis:
        return functools.partial(_read_many, _reader(inner[0]))
    if origin is tuple:
        return functools.partial(_read_tuple, [_reader(item) for item in inner])
    if origin is list:
        return functools.partial(_read_list, _reader(inner[0]))
    if origin is Literal:
        return functools.partial(_read_literal, inner)
    if origin is Mapping:
        return functools.partial(_read_named, _reader(inner[1]))
    if hint is Any:
        return _read_any
    if is_dataclass(hint):
        return functools.partial(parse, hint, exact=False)  # type: ignore[arg-type] # a class, not an instance
    return {
        dict: _read_mapping,
        str: _read_text,
        int: _read_int,
        float: _read_float,
        bool: _read_bool,
        type(None): _read_none,
    }[origin or hint]


def _read_any(value: Any) -> Any:
    return value


def _read_ruled(reader: Callable[[Any], Any], rule: Rule, value: Any) -> Any:
    try:
        found = reader(value)
    except TypeError:
        raise TypeError(rule.requirement) from None
    if rule.holds(found):
        return found
    raise TypeError(rule.requirement)


def _read_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise TypeError("a text")


def _read_int(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -_MAX_WHOLE < value < _MAX_WHOLE:
        return value
    raise TypeError("a whole number")


def _read_float(value: Any) -> float:
    if isinstance(value, float) and math.isfinite(value):
        return value
    try:
        return _read_int(value)
    except TypeError:
        raise TypeError("a number") from None


def _read_bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeError("true or false")


def _read_mapping(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise TypeError("a JSON object")


def _read_literal(choices: tuple[str, ...], value: Any) -> str:
    if isinstance(value, str) and value in choices:
        return value
    raise TypeError(" or ".join(choices))


def _read_list(reader: Callable[[Any], Any], value: Any) -> list[Any]:
    return list(_read_many(reader, value))


def _read_named(reader: Callable[[Any], Any], value: Any) -> dict[str, Any]:
    found = {}
    for name, item in _read_mapping(value).items():
        try:
            found[name] = reader(item)
        except ValueError as error:
            raise ValueError(f"{name[:_SHOWN]!r}: {error}") from error
    return found


def _read_none(value: Any) -> None:
    if value is not None:
        raise TypeError("null")


def _read_union(readers: list[Callable[[Any], Any]], value: Any) -> Any:
    if value is None and _read_none in readers:  # the most frequent value that the first reader refuses
        return None
    expected = []
    for reader in readers:
        try:
            return reader(value)
        except TypeError as error:
            expected.append(str(error))
    raise TypeError(" or ".join(expected))


def _read_many(reader: Callable[[Any], Any], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise TypeError("a list")
    return tuple(reader(item) for item in value)


def _read_tuple(readers: list[Callable[[Any], Any]], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple) or len(value) != len(readers):
        raise TypeError(f"a list of {len(readers)}")
    return tuple(reader(item) for reader, item in zip(readers, value, strict=True))
