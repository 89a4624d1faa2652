"""JSON files: what is written comes back, and what is not JSON is one sentence that names the file."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.storage.json_files import read_json, write_json

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON_VALUES)
def test_json_round_trip(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.getbasetemp() / "round-trip.json"
    write_json(path, value, durable=False)
    assert read_json(path) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"a": [math.nan]}])
def test_nan_and_infinity_are_never_written(tmp_path: Path, value: object) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "state.json", value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not JSON"),
        (b'{"a": 1', "is not JSON"),
        (b"\xff\xfe\x00", "is not JSON"),
        (b'{"a": 1} trailing', "is not JSON"),
        (b'{"a": NaN}', "is not JSON"),
        (b"[-Infinity]", "is not JSON"),
        (b"[1e999]", "is not JSON"),
        (b"[" * 200_000, "nested too deep"),
        (b"[" * 50_000 + b"]" * 50_000, "nested too deep"),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "nested too deep"),
        (b"1" * 10_000, "is not JSON"),
        (b'"' + b"x" * 200 + b'"', "more than the 100 bytes allowed"),
    ],
)
def test_a_bad_file_says_what_is_wrong(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        read_json(path, **({"max_bytes": 100} if "100" in message else {}))
    assert "config.json" in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("content", [b"[1, 2]", b"null", b'"text"', b"3"])
def test_any_json_value_is_read_as_it_is(tmp_path: Path, content: bytes) -> None:
    """A list where an object belongs is for the reader of that file to refuse; this layer knows no schemas."""
    path = tmp_path / "config.json"
    path.write_bytes(content)
    assert read_json(path) == json.loads(content)


def test_a_missing_file_is_told_from_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "config.json")
