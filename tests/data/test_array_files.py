"""Array files of unknown origin: what NumPy writes is read, anything else is a ValueError with a plain reason."""

import contextlib
import io
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cifar_core.data import array_files
from cifar_core.data.array_files import check_header, npy_array, npy_chunks, npy_header


def npy(array: Any, *, pickle: bool = False) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=pickle)
    return stream.getvalue()


KINDS = st.sampled_from(["<f4", "<i8", "<U7"])


@given(hnp.arrays(KINDS, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5)))
def test_what_numpy_writes_is_read(array: np.ndarray) -> None:
    stream = io.BytesIO(npy(array))
    header = npy_header(stream)
    assert (header.kind, header.shape) == (array.dtype.str, array.shape)
    read = npy_array(io.BytesIO(npy(array)), len(npy(array)), array.dtype.str[:2], array.shape)
    assert np.array_equal(read, array, equal_nan=array.dtype.kind == "f")


def test_large_arrays_come_in_chunks_of_whole_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array_files, "CHUNK_BYTES", 100)
    array = np.arange(70, dtype=np.int64).reshape(14, 5)
    stream = io.BytesIO(npy(array))
    chunks = list(npy_chunks(stream, npy_header(stream)))
    assert [len(chunk) for chunk in chunks] == [2] * 7
    assert np.array_equal(np.concatenate(chunks), array)
    wide = io.BytesIO(npy(np.zeros((2, 13), np.int64)))
    with pytest.raises(ValueError, match="rows of more bytes than are allowed"):
        list(npy_chunks(wide, npy_header(wide)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an array file"),
        (b"\x80\x04K\x01.", "is not an array file"),
        (npy(np.array([object()]), pickle=True), "does not hold plain numbers or texts"),
        (npy(np.zeros((2, 2), np.float32, order="F")[:, ::1].T.copy(order="F")), "does not hold plain numbers"),
        (npy(np.zeros(2, ">f4")), "does not hold plain numbers"),
        (npy(np.zeros(2, "<c8")), "does not hold plain numbers"),
        (npy(np.zeros(2, [("a", "<f4")])), "does not hold plain numbers"),
        (npy(np.zeros((10, 3), np.float32))[:-1], "is cut short"),
        (npy(np.zeros((10, 3), np.float32)) + b"x", "is longer than its header says"),
        (npy(np.array(["ab"])).replace(b"a\0\0\0", b"\x00\xd8\0\0"), "characters that do not exist in Unicode"),
        (npy(np.array(["ab"])).replace(b"a\0\0\0", b"\0\0\0\x7f"), "characters that do not exist in Unicode"),
    ],
)  # fmt: skip
def test_other_content_is_refused(content: bytes, message: str) -> None:
    stream = io.BytesIO(content)
    with pytest.raises(ValueError, match=message):
        list(npy_chunks(stream, npy_header(stream)))


@pytest.mark.fault(57)
def test_a_claimed_shape_allocates_no_memory() -> None:
    """The header claims a terabyte; no more memory is allocated than the file has bytes."""
    correct = npy(np.zeros((10, 3), np.float32))
    claim = b"'shape': (99999999999, 3), }"
    content = correct.replace(b"'shape': (10, 3), }" + b" " * 9, claim)
    assert len(content) == len(correct)
    stream = io.BytesIO(content)
    with pytest.raises(ValueError, match="is cut short"):
        list(npy_chunks(stream, npy_header(stream)))


def test_another_kind_or_shape_is_named() -> None:
    header = npy_header(io.BytesIO(npy(np.zeros((2, 3), np.float32))))
    check_header(header, "<f4", (2, 3))
    with pytest.raises(ValueError, match=re.escape("holds <f4 [2, 3] where <i8 [2] is expected")):
        check_header(header, "<i8", (2,))


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda tail: npy(np.arange(6))[:70] + tail))
def test_any_bytes_give_an_array_or_a_value_error(content: bytes) -> None:
    stream = io.BytesIO(content)
    with contextlib.suppress(ValueError):
        list(npy_chunks(stream, npy_header(stream)))
