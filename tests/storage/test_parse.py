"""Dataclasses from any JSON: the right one, or a sentence that names the field."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.storage.parse import parse


@dataclass(frozen=True)
class Inner:
    number: float


@dataclass(frozen=True)
class Outer:
    name: str
    count: int
    rate: float | None = None
    right: bool = True
    words: tuple[str, ...] = ()
    three: tuple[float, float, float] = (0.0, 0.0, 0.0)
    inner: Inner | None = None
    rest: dict[str, Any] | None = None


GOOD = {"name": "a", "count": 3}


def test_what_was_written_is_read_back() -> None:
    whole = Outer("a", 3, 0.5, False, ("x", "y"), (1.0, 2.0, 3.0), Inner(2.0), {"k": [1]})
    assert parse(Outer, json.loads(json.dumps(dataclasses.asdict(whole)))) == whole
    assert parse(Outer, GOOD) == Outer("a", 3)
    assert parse(Outer, {**GOOD, "later": 1}, exact=False) == Outer("a", 3)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "it is not a JSON object"), (None, "it is not a JSON object"), ({"name": "a"}, "count is missing"),
        ({**GOOD, "colour": 1}, "'colour' is unknown"), ({**GOOD, "count": True}, "count must be a whole number, not 'True'"),
        ({**GOOD, "count": 1.0}, "count must be a whole number"), ({**GOOD, "count": 10**30}, "count must be a whole number"),
        ({**GOOD, "name": 1}, "name must be a text"), ({**GOOD, "rate": math.nan}, "rate must be a number or null, not 'nan'"),
        ({**GOOD, "right": 1}, "right must be true or false"), ({**GOOD, "words": "ab"}, "words must be a list"),
        ({**GOOD, "words": ["a", 1]}, "words must be a text"), ({**GOOD, "three": [1, 2]}, "three must be a list of 3"),
        ({**GOOD, "inner": {}}, "number is missing"), ({**GOOD, "rest": []}, "rest must be a JSON object or null"),
    ],
)  # fmt: skip
def test_the_field_is_named(content: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(Outer, content)
    assert message in str(caught.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*Outer.__dataclass_fields__, "number"]), inner, max_size=6)
        ),
    )
)
def test_anything_is_a_result_or_a_value_error(content: object) -> None:
    try:
        found = parse(Outer, content, exact=False)
    except ValueError as error:
        assert len(str(error)) < 200
    else:
        assert isinstance(found.name, str) and isinstance(found.count, int)
