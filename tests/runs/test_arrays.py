"""Arrays whose maker is not known: what NumPy and safetensors write is read, anything else is a ValueError of ours."""

import contextlib
import io
import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifar_core.runs import arrays
from cifar_core.runs.arrays import check_tensors, npy_array, npy_header, npy_pieces, require

SHAPES = {"fc.weight": (3, 4), "fc.bias": (3,), "norm.num_batches_tracked": ()}


def npy(array: Any, *, pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickle)
    return stream.getvalue()


def tensors(**change: np.ndarray) -> bytes:
    content: dict[str, np.ndarray] = {
        name: np.zeros(shape, np.int64 if name.endswith("tracked") else np.float32) for name, shape in SHAPES.items()
    }
    return safetensors.numpy.save({**content, **{name.replace("_0_", "."): value for name, value in change.items()}})


KINDS = st.sampled_from(["<f4", "<i8", "<U7"])


@given(hnp.arrays(KINDS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)))
def test_what_numpy_writes_is_read(array: np.ndarray) -> None:
    stream = io.BytesIO(npy(array))
    header = npy_header(stream)
    assert (header.kind, header.shape) == (array.dtype.str, array.shape)
    read = npy_array(io.BytesIO(npy(array)), array.dtype.str[:2], array.shape)
    assert np.array_equal(read, array, equal_nan=array.dtype.kind == "f")


def test_large_arrays_come_in_pieces_of_whole_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrays, "PIECE", 100)
    array = np.arange(70, dtype=np.int64).reshape(14, 5)
    stream = io.BytesIO(npy(array))
    pieces = list(npy_pieces(stream, npy_header(stream)))
    assert [len(piece) for piece in pieces] == [2] * 7
    assert np.array_equal(np.concatenate(pieces), array)
    wide = io.BytesIO(npy(np.zeros((2, 13), np.int64)))
    with pytest.raises(ValueError, match="rows that are too long"):
        list(npy_pieces(wide, npy_header(wide)))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not an array file"),
        (b"\x80\x04K\x01.", "is not an array file"),
        (npy(np.array([object()]), pickle=True), "does not hold plain numbers or texts"),
        (npy(np.zeros((2, 2), np.float32, order="F")[:, ::1].T.copy(order="F")), "does not hold plain numbers"),
        (npy(np.zeros(2, ">f4")), "does not hold plain numbers"),
        (npy(np.zeros(2, "<f8")), "does not hold plain numbers"),
        (npy(np.zeros(2, [("a", "<f4")])), "does not hold plain numbers"),
        (npy(np.zeros((10, 3), np.float32))[:-1], "is cut short"),
        (npy(np.zeros((10, 3), np.float32)) + b"x", "goes on after its end"),
        (npy(np.array(["ab"])).replace(b"a\0\0\0", b"\x00\xd8\0\0"), "signs that no text has"),
        (npy(np.array(["ab"])).replace(b"a\0\0\0", b"\0\0\0\x7f"), "signs that no text has"),
    ],
)  # fmt: skip
def test_other_content_is_refused(content: bytes, words: str) -> None:
    stream = io.BytesIO(content)
    with pytest.raises(ValueError, match=words):
        list(npy_pieces(stream, npy_header(stream)))


@pytest.mark.fault(57)
def test_a_shape_that_is_not_there_costs_nothing() -> None:
    """The header claims a terabyte; only what the file holds is ever held."""
    honest = npy(np.zeros((10, 3), np.float32))
    claim = b"'shape': (99999999999, 3), }"
    content = honest.replace(b"'shape': (10, 3), }" + b" " * 9, claim)
    assert len(content) == len(honest)
    stream = io.BytesIO(content)
    with pytest.raises(ValueError, match="is cut short"):
        list(npy_pieces(stream, npy_header(stream)))


def test_another_kind_or_shape_is_named() -> None:
    header = npy_header(io.BytesIO(npy(np.zeros((2, 3), np.float32))))
    require(header, "<f4", (2, 3))
    with pytest.raises(ValueError, match=re.escape("holds <f4 [2, 3] where <i8 [2] belongs")):
        require(header, "<i8", (2,))


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: npy(np.arange(6))[:70] + tail))
def test_any_bytes_give_an_array_or_a_value_error(content: bytes) -> None:
    stream = io.BytesIO(content)
    with contextlib.suppress(ValueError):
        list(npy_pieces(stream, npy_header(stream)))


def test_the_tensors_of_a_network_pass() -> None:
    check_tensors(io.BytesIO(tensors()), SHAPES)


def with_header(change: Callable[[dict[str, Any]], Any]) -> bytes:
    content = tensors()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    text = json.dumps(change(header) or header).encode()
    return len(text).to_bytes(8, "little") + text + content[end:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is cut short"),
        (b"\xff" * 8, "header that is too long"),
        ((10).to_bytes(8, "little") + b"x" * 10, "header that cannot be read"),
        ((100_000).to_bytes(8, "little") + b"[" * 100_000, "header that cannot be read"),
        ((21).to_bytes(8, "little") + b'{"a": {}, "a": {}}   ', "header that cannot be read"),
        ((2).to_bytes(8, "little") + b"[]", "header that is no mapping"),
        (tensors()[:-1], "is cut short"),
        (tensors() + b"x", "goes on after its end"),
        (tensors(more=np.zeros(1, np.float32)), "'more' is missing or too many"),
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
def test_tensors_of_another_network_or_none(content: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_tensors(io.BytesIO(content), SHAPES)


@given(st.data())
def test_any_bytes_are_the_tensors_or_a_value_error(data: st.DataObject) -> None:
    content = bytearray(tensors())
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        check_tensors(io.BytesIO(bytes(content)), SHAPES)
