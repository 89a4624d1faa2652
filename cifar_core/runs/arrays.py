"""Files of numbers whose maker is not known: read in pieces, every claim checked, nothing unpickled. No torch here.

A claim that is false, such as a shape that the file is too short for, costs no memory. All errors are ValueErrors whose
text ends the sentence "it ...".
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

PIECE = 4 * 1024 * 1024  # bytes
_NPY = b"\x93NUMPY\x01\x00"
_NPY_HEADER = re.compile(
    r"\{'descr': '(<f4|<i8|<U[1-9][0-9]{0,3})', 'fortran_order': False, 'shape': \(((?:[0-9]{1,12},? ?)*)\), \} *\n",
    re.ASCII,
)
_MAX_HEADER = 1024 * 1024  # bytes of a safetensors header; those of our networks have a few thousand
_SURROGATES = (0xD800, 0xE000)  # half characters: no text may hold them
_MAX_CODE = 0x10FFFF


@dataclass(frozen=True)
class Header:
    """What a .npy file says of its array."""

    kind: str  # "<f4", "<i8", "<U12"
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        """Bytes of one entry along the first axis."""
        return np.dtype(self.kind).itemsize * math.prod(self.shape[1:])


def npy_header(stream: BinaryIO) -> Header:
    """Read the head of a .npy file as `numpy.save` writes it; another one, such as of pickled objects, is refused."""
    start = stream.read(len(_NPY) + 2)
    if not start.startswith(_NPY) or len(start) < len(_NPY) + 2:
        raise ValueError("is not an array file of NumPy")
    length = int.from_bytes(start[len(_NPY) :], "little")
    match = _NPY_HEADER.fullmatch(stream.read(length).decode("latin-1"))
    if match is None:
        raise ValueError("does not hold plain numbers or texts")
    return Header(match[1], tuple(int(digits) for digits in re.findall("[0-9]+", match[2])))


def npy_pieces(stream: BinaryIO, header: Header) -> Iterator[np.ndarray]:
    """The array after its head, some rows at a time ([rows, ...], a scalar as [1]); the file must end with it."""
    shape = header.shape or (1,)
    row = Header(header.kind, shape).row_bytes
    if row > PIECE:
        raise ValueError("has rows that are too long")
    rows = max(1, PIECE // max(1, row))
    left = shape[0]
    while left > 0:
        count = min(rows, left)
        array = np.frombuffer(_exactly(stream, count * row), header.kind).reshape(count, *shape[1:])
        if header.kind.startswith("<U"):
            _check_text(array)
        yield array
        left -= count
    _end(stream)


def npy_array(stream: BinaryIO, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """A whole array of a kind ("<U" for texts of any length) and shape that are known beforehand."""
    header = npy_header(stream)
    require(header, kind, shape)
    pieces = list(npy_pieces(stream, header))
    return np.concatenate(pieces).reshape(shape) if pieces else np.empty(shape, header.kind)


def require(header: Header, kind: str, shape: tuple[int, ...]) -> None:
    """Refuse another kind or shape than is expected."""
    if not header.kind.startswith(kind) or header.shape != shape:
        raise ValueError(f"holds {header.kind} {list(header.shape)} where {kind} {list(shape)} belongs")


def check_tensors(stream: BinaryIO, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Check a safetensors file: exactly these tensors in these shapes, float32 (counters: int64), every value a number."""
    length = int.from_bytes(_exactly(stream, 8), "little")
    if length > _MAX_HEADER:
        raise ValueError("has a header that is too long")
    try:
        header = json.loads(_exactly(stream, length), object_pairs_hook=_once)
    except (RecursionError, ValueError) as error:
        raise ValueError("has a header that cannot be read") from error
    if not isinstance(header, dict):
        raise ValueError("has a header that is no mapping")
    header.pop("__metadata__", None)
    if header.keys() != expected.keys():
        odd = sorted(header.keys() ^ expected.keys())[0]
        raise ValueError(f"does not fit the network of its settings: {odd[:60]!a} is missing or too many")
    end = 0
    for name, shape in sorted(expected.items(), key=lambda item: _begin(header[item[0]])):
        kind = "I64" if name.endswith("num_batches_tracked") else "F32"
        size = math.prod(shape) * (8 if kind == "I64" else 4)
        if header[name] != {"dtype": kind, "shape": list(shape), "data_offsets": [end, end + size]}:
            raise ValueError(
                f"does not fit the network of its settings: {name} is not {kind} {list(shape)} in its place"
            )
        end += size
        _check_numbers(stream, size, finite=kind == "F32")
    _end(stream)


def _begin(entry: Any) -> int:
    """Where a tensor says it begins; any number where it says nothing that can be believed."""
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    return offsets[0] if isinstance(offsets, list) and offsets and type(offsets[0]) is int else 0


def _check_numbers(stream: BinaryIO, size: int, *, finite: bool) -> None:
    while size > 0:
        content = _exactly(stream, min(PIECE, size))
        if finite and not np.isfinite(np.frombuffer(content, "<f4")).all():
            raise ValueError("holds values that are not numbers")
        size -= len(content)


def _check_text(array: np.ndarray) -> None:
    codes = np.ascontiguousarray(array).view("<u4")
    low, high = _SURROGATES
    if codes.size and (codes.max() > _MAX_CODE or ((codes >= low) & (codes < high)).any()):
        raise ValueError("holds signs that no text has")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("names something twice in its header")
    return found


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise ValueError("is cut short")
    return content


def _end(stream: BinaryIO) -> None:
    if stream.read(1):
        raise ValueError("goes on after its end")
