"""Array files, .npy and .npz. Of unknown origin they are read in chunks, every claim is checked, nothing is unpickled.

A header cannot make the reader allocate memory: type, shape and width are compared with what is expected and with the
limits, and the claimed size with that of the file, before anything is allocated. All errors are ValueErrors whose text
ends the sentence "it ...".
"""

import contextlib
import io
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.data.dataset_limits import MAX_ID, MAX_PREDICTIONS, MAX_TEST
from cifar_core.data.sources.archive_limits import ArchiveLimits, archive_errors, open_regular_file
from cifar_core.data.sources.zips import ZipFiles, is_stored
from cifar_core.storage.atomic import write_atomic
from cifar_core.text import size_text

CHUNK_BYTES = 4 * 1024 * 1024
_READ_BYTES = 256 * 1024  # of one read: so few that the buffers of one read are reused by the next
Shape = tuple[int | None, ...]  # None: any length
_NPY = b"\x93NUMPY\x01\x00"
_KINDS = r"<f[248]|<i[248]|\|[iub]1|<U[1-9][0-9]{0,3}"
_NPY_HEADER = re.compile(
    rf"\{{'descr': '({_KINDS})', 'fortran_order': False, "
    r"'shape': \(((?:[0-9]{1,12},? ?)*)\), \} *\n",
    re.ASCII,
)
_MAX_NPZ = MAX_PREDICTIONS + 1024 * 1024  # bytes; class names and array headers come on top
_NPZ_LIMITS = ArchiveLimits(files=100, file_bytes=_MAX_NPZ, total_bytes=_MAX_NPZ)
_SURROGATES = (0xD800, 0xE000)  # half characters, which no valid text holds
_MAX_CODE = 0x10FFFF


@dataclass(frozen=True)
class Header:
    """What the header of a .npy file says about its array."""

    kind: str  # "<f4", "<i8", "|u1", "<U12"
    shape: tuple[int, ...]
    end: int  # bytes of the header; the array begins there

    @property
    def row_bytes(self) -> int:
        """Bytes of one entry along the first axis."""
        return np.dtype(self.kind).itemsize * math.prod(self.shape[1:])

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.end + np.dtype(self.kind).itemsize * math.prod(self.shape)


def npy_header(stream: BinaryIO) -> Header:
    """Read the header of a .npy file as `numpy.save` writes it; refuse any other, such as one of pickled objects."""
    start = stream.read(len(_NPY) + 2)
    if not start.startswith(_NPY) or len(start) < len(_NPY) + 2:
        raise ValueError("is not an array file of NumPy")
    length = int.from_bytes(start[len(_NPY) :], "little")
    match = _NPY_HEADER.fullmatch(stream.read(length).decode("latin-1"))
    if match is None:
        raise ValueError("does not hold plain numbers or texts")
    kind, digits = match.groups()
    if kind.startswith("<U") and int(kind[2:]) > MAX_ID:
        raise ValueError(f"holds texts of {int(kind[2:]):,} characters, more than the {MAX_ID} allowed")
    return Header(kind, tuple(int(side) for side in re.findall("[0-9]+", digits)), len(start) + length)


def npy_chunks(stream: BinaryIO, header: Header) -> Iterator[np.ndarray]:
    """The array after its header, some rows at a time ([rows, ...], a scalar as [1]); the file must end with it."""
    shape = header.shape or (1,)
    row = Header(header.kind, shape, 0).row_bytes
    if row > CHUNK_BYTES:
        raise ValueError("has rows of more bytes than are allowed")
    rows = max(1, CHUNK_BYTES // max(1, row))
    remaining = shape[0]
    while remaining > 0:
        count = min(rows, remaining)
        array = np.frombuffer(_exactly(stream, count * row), header.kind).reshape(count, *shape[1:])
        if header.kind.startswith("<U"):
            _check_text(array)
        yield array
        remaining -= count
    if stream.read(1):
        raise ValueError("is longer than its header says")


def npy_array(stream: BinaryIO, size: int, kind: str, shape: Shape) -> np.ndarray:
    """A whole array of at most one row for each test picture.

    Args:
        stream: the file.
        size: bytes of the file.
        kind: as in `Header`; "<U" for texts of any width.
        shape: the expected shape, as far as it is known.
    """
    header = npy_header(stream)
    check_header(header, kind, shape)
    if header.shape and header.shape[0] > MAX_TEST:
        raise ValueError(f"has {header.shape[0]:,} rows, more than the {MAX_TEST:,} allowed")
    return _whole_array(stream, header, size)


def _whole_array(stream: BinaryIO, header: Header, size: int) -> np.ndarray:
    """The array after its header; nothing is allocated for more than the `size` bytes of the whole file."""
    _require_size(header, size)
    array = np.empty(header.shape, header.kind)
    content = array.reshape(-1).view(np.uint8).data
    done = 0
    while done < len(content):
        block = stream.read(min(_READ_BYTES, len(content) - done))
        if not block:
            raise ValueError("is cut short")
        content[done : done + len(block)] = block
        done += len(block)
    stream.read(1)  # `zipfile` compares the checksum of a file only when it is read to its end
    if array.dtype.kind == "U" and array.size and _codes(array).max() > _MAX_CODE:
        raise ValueError("holds characters that do not exist in Unicode")
    return array


def read_npy(path: Path, kind: str, shape: Shape) -> np.ndarray:
    """A whole .npy file, as `npy_array`.

    Raises:
        OSError: it is missing or cannot be read.
        DataError: it is not a file.
    """
    with open_regular_file(path, path.name) as stream:
        return npy_array(stream, os.fstat(stream.fileno()).st_size, kind, shape)


def read_npy_row(path: Path, kind: str, shape: Shape, row: int) -> np.ndarray:
    """One row of a .npy file; of the rest only the header is read.

    A memory map would do, too, but a file that is cut short while it is mapped kills the process.

    Args:
        path: the file.
        kind: as in `Header`.
        shape: the expected shape of the whole array.
        row: its number, from 0.

    Raises:
        OSError: it is missing or cannot be read.
        DataError: it is not a file.
    """
    with open_regular_file(path, path.name) as stream:
        header = npy_header(stream)
        check_header(header, kind, shape)
        _require_size(header, os.fstat(stream.fileno()).st_size)
        if not 0 <= row < header.shape[0]:
            raise ValueError(f"has no row {row:,}")
        stream.seek(header.end + row * header.row_bytes)
        return np.frombuffer(_exactly(stream, header.row_bytes), header.kind).reshape(header.shape[1:])


def map_array(path: Path) -> np.ndarray:
    """A read-only memory map of the array in a .npy file.

    Raises:
        OSError: it is missing or cannot be read.
        DataError: it is not a file.
    """
    with open_regular_file(path, path.name) as stream:
        header = npy_header(stream)
        _require_size(header, os.fstat(stream.fileno()).st_size)
    return np.memmap(path, header.kind, "r", header.end, header.shape).view(np.ndarray)


def write_array(file: Path, array: np.ndarray, *, durable: bool = True) -> int:
    """Write a `.npy` file as `write_atomic` does; returns its size in bytes.

    `np.save` does not serve: its error for a full disk says how many numbers were written, not that the disk is full.

    Raises:
        StorageError: the disk refused.
    """
    content = np.ascontiguousarray(array)
    header = array_header(content.dtype, content.shape)
    write_atomic(file, header, content.reshape(-1).view(np.uint8).data, durable=durable)
    return file.stat().st_size


def array_header(kind: np.dtype, shape: tuple[int, ...]) -> bytes:
    """What a `.npy` file begins with, before the numbers of its array."""
    header = io.BytesIO()
    facts = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, facts)
    return header.getvalue()


def is_plain(array: np.ndarray) -> bool:
    """Whether `npy_header` reads the type of an array: numbers of up to 8 bytes, bool, or text."""
    return re.fullmatch(_KINDS, array.dtype.str, re.ASCII) is not None


class NpzArrays:
    """The arrays of an .npz file, which must be stored uncompressed: so none of them can be larger than the file."""

    def __init__(self, archive: ZipFiles) -> None:
        self._archive = archive
        self._infos = {info.filename: info for info in archive.infos}
        self.names = sorted(info.filename for info in archive.infos)  # a name that occurs twice is listed twice
        for info in archive.infos:
            if not is_stored(info):
                raise ValueError(
                    f"holds {info.filename[:60]!a} compressed, which this program never does in a file of predictions"
                )

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[BinaryIO]:
        """One of the arrays as a stream; `name` ends in .npy."""
        if name not in self._infos:
            raise ValueError(f"does not hold {name}")
        with self._archive.open_stored(self._infos[name]) as stream:
            yield stream

    def read(self, name: str, kind: str, shape: Shape) -> np.ndarray:
        """A whole array, as by `npy_array`."""
        with self.open(name) as stream:
            return npy_array(stream, self._infos[name].file_size, kind, shape)

    def read_all(self, name: str) -> np.ndarray:
        """A whole array of the type and shape that its header says."""
        with self.open(name) as stream:
            return _whole_array(stream, npy_header(stream), self._infos[name].file_size)


@contextlib.contextmanager
def open_npz(path: Path) -> Iterator[NpzArrays]:
    """Open an .npz file of predictions.

    Raises (also while an array is read):
        DataError: it is not a zip, or it is damaged.
        OSError: it is missing.
    """
    with open_regular_file(path, path.name) as handle:
        size = os.fstat(handle.fileno()).st_size
        if size > _MAX_NPZ:
            raise ValueError(f"has {size_text(size)}, more than the {size_text(_MAX_NPZ)} allowed")
        with archive_errors(path.name):
            yield NpzArrays(ZipFiles(handle, _NPZ_LIMITS, path.name))


def check_header(header: Header, kind: str, shape: Shape) -> None:
    """Raise ValueError where the type or shape is not the expected one."""
    fits = len(header.shape) == len(shape) and all(
        expected in (None, side) for expected, side in zip(shape, header.shape, strict=True)
    )
    if not header.kind.startswith(kind) or not fits:
        sides = ", ".join("any" if side is None else str(side) for side in shape)
        raise ValueError(f"holds {header.kind} {list(header.shape)} where {kind} [{sides}] is expected")


def _require_size(header: Header, size: int) -> None:
    if size != header.size:
        raise ValueError("is cut short" if size < header.size else "is longer than its header says")


def _codes(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).view("<u4")


def _check_text(array: np.ndarray) -> None:
    codes = _codes(array)
    low, high = _SURROGATES
    if codes.size and (codes.max() > _MAX_CODE or ((codes >= low) & (codes < high)).any()):
        raise ValueError("holds characters that do not exist in Unicode")


def _exactly(stream: BinaryIO, size: int) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise ValueError("is cut short")
    return content
