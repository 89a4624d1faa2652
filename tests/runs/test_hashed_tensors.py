"""Files of tensors of unknown origin: those of the network pass, anything else is a ValueError."""

import contextlib
import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.runs.hashed_tensors import check_hash, check_tensors, with_hash

SHAPES = {"fc.weight": (3, 4), "fc.bias": (3,), "norm.num_batches_tracked": ()}


def tensors(**change: np.ndarray) -> bytes:
    content: dict[str, np.ndarray] = {
        name: np.zeros(shape, np.int64 if name.endswith("tracked") else np.float32) for name, shape in SHAPES.items()
    }
    return safetensors.numpy.save({**content, **{name.replace("_0_", "."): value for name, value in change.items()}})


def test_the_tensors_of_a_network_pass() -> None:
    check_tensors(io.BytesIO(tensors()), SHAPES)


def test_the_same_tensors_and_notes_make_the_same_file() -> None:
    """Safetensors writes metadata in a random order, and a run that is resumed must end with the same bits."""
    notes = {name: name.upper() for name in ("class_names", "mean", "std", "model")}
    files = {b"".join(with_hash(safetensors.numpy.save({"a": np.zeros(2, np.float32)}, notes))) for _ in range(20)}
    (file,) = files
    assert check_hash(io.BytesIO(file)) == notes


def with_header(change: Callable[[dict[str, Any]], Any]) -> bytes:
    content = tensors()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    text = json.dumps(change(header) or header).encode()
    return len(text).to_bytes(8, "little") + text + content[end:]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is empty"),
        (b"\xff" * 8, "its header is too long"),
        ((10).to_bytes(8, "little") + b"x" * 10, "this program did not write its header"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "this program did not write its header"),
        ((21).to_bytes(8, "little") + b'{"a": {}, "a": {}}   ', "this program did not write its header"),
        ((2).to_bytes(8, "little") + b"[]", "this program did not write its header"),
        (tensors()[:-1], "is cut short"),
        (tensors() + b"x", "is longer than its header says"),
        (tensors(more=np.zeros(1, np.float32)), "'more' does not belong there"),
        (tensors(fc_0_bias=np.zeros(4, np.float32)), "fc.bias is not F32"),
        (tensors(fc_0_bias=np.zeros(3, np.float64)), "is not F32"),
        (tensors(fc_0_weight=np.full((3, 4), np.nan, np.float32)), "values that are not numbers"),
        (tensors(fc_0_bias=np.full(3, -np.inf, np.float32)), "values that are not numbers"),
        (with_header(lambda header: header.pop("fc.bias") and None), "'fc.bias' is missing"),
        (with_header(lambda header: header["fc.bias"].update(data_offsets=[0, 12])), "in its place"),
        (with_header(lambda header: header["fc.bias"].update(data_offsets=["a", None])), "in its place"),
        (with_header(lambda header: header.update({"fc.bias": 7})), "in its place"),
    ],
)
def test_tensors_of_another_network_or_none(content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_tensors(io.BytesIO(content), SHAPES)


@given(st.data())
def test_any_bytes_are_the_tensors_or_a_value_error(data: st.DataObject) -> None:
    content = bytearray(tensors())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        check_tensors(io.BytesIO(bytes(content)), SHAPES)
