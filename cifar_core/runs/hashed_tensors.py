"""The hash check of checkpoints and weights: safetensors files that carry their own SHA-256.

Any changed bit is found before the file is used. A file has 8 bytes with the header's length, a JSON header, and the
data (https://github.com/huggingface/safetensors). The hash is in the header's metadata and covers the rest of the
header and all data. Files of unknown origin are safe to read: in chunks, and none that is larger than the caller
expects. No torch.
"""

import contextlib
import hashlib
import io
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from cifar_core.data.sources.archive_limits import open_regular_file
from cifar_core.errors import DataError
from cifar_core.text import size_text

# Bytes. A header of weights has a few thousand, and 780,000 where it names 1,000 classes of 64 emoji each; that of a
# checkpoint after 500 epochs has 300,000.
MAX_HEADER = 1024 * 1024
_HASH = "sha256"
_METADATA = "__metadata__"  # as safetensors calls the part of the header for values of the file's writer
_LENGTH = 8  # bytes
_OLD_HASH = 32  # bytes of SHA-256 in front of a checkpoint of schema 1
_CHUNK = 4 * 1024 * 1024  # bytes


class DamagedError(ValueError):
    """A file that is not as it was written; `str()` ends the sentence "it cannot be used: ..."."""


def with_hash(content: bytes) -> tuple[bytes, memoryview]:
    """Put the hash of a safetensors file into its header.

    Args:
        content: the whole file.

    Returns:
        The new file in two parts, so that the data is not copied.
    """
    stream = io.BytesIO(content)
    header, body = _header(stream), memoryview(content)[stream.tell() :]
    metadata = header.get(_METADATA, {}) | {_HASH: _digest(header, stream)}
    header[_METADATA] = dict(sorted(metadata.items()))  # safetensors writes metadata in another order each time
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # aligns the data
    return len(text).to_bytes(_LENGTH, "little") + text, body


def check_hash(stream: BinaryIO, *, required: bool = True) -> dict[str, str]:
    """Check a hashed file, which is read once, in chunks; returns its metadata.

    Args:
        stream: the file, at its beginning.
        required: refuse a file without a hash; schema 1 wrote its weights without.

    Raises:
        DamagedError: the file is not as it was written.
    """
    header = _header(stream)
    metadata = header.get(_METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise DamagedError("this program did not write its header")
    found = metadata.pop(_HASH, "")
    if (found or required) and found != _digest({**header, _METADATA: metadata}, stream):
        raise DamagedError("its SHA-256 does not match")
    return metadata


def check_hashed(path: Path, most: int, *, required: bool = True) -> None:
    """Check a hashed file without holding it in memory.

    Args:
        path: the file.
        most: bytes that it may have.
        required: as in `check_hash`.

    Raises:
        DamagedError: it is missing, cannot be read, is too large, or is not as it was written.
    """
    with _opened(path, most) as stream:
        check_hash(stream, required=required)


def read_hashed(path: Path, most: int, *, required: bool = True) -> tuple[bytes, dict[str, str]]:
    """The content of a hashed file and its metadata; arguments and errors as of `check_hashed`."""
    with _opened(path, most) as stream:
        content = stream.read(most)
    return content, check_hash(io.BytesIO(content), required=required)


def check_old(path: Path, most: int) -> None:
    """Check a checkpoint of schema 1, which has its SHA-256 in front; arguments and errors as of `check_hashed`."""
    with _opened(path, most) as stream:
        if stream.read(_OLD_HASH) != _hash_of(stream).digest():
            raise DamagedError("its SHA-256 does not match")


def read_old(path: Path, most: int) -> bytes:
    """The content of a checkpoint of schema 1, after its SHA-256; arguments and errors as of `check_hashed`."""
    with _opened(path, most) as stream:
        digest, content = stream.read(_OLD_HASH), stream.read(most)
    if digest != hashlib.sha256(content).digest():
        raise DamagedError("its SHA-256 does not match")
    return content


def check_tensors(stream: BinaryIO, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Check a safetensors file: exactly these tensors in these shapes, float32 (counters: int64), every value a number.

    Raises:
        DamagedError: it is not a safetensors file.
        ValueError: it holds other tensors; the text ends the sentence "it ...".
    """
    header = _header(stream)
    header.pop(_METADATA, None)
    if header.keys() != expected.keys():
        name = sorted(header.keys() ^ expected.keys())[0]
        problem = "is missing" if name in expected else "does not belong there"
        raise ValueError(f"does not fit the network of its settings: {name[:60]!a} {problem}")
    _check_data(stream, header, expected)


def check_optimizer_tensors(stream: BinaryIO, network: Mapping[str, tuple[int, ...]]) -> None:
    """Check a safetensors file of an optimiser's state: float32 numbers, or tensors shaped like those of its network.

    Whether they are those of its optimiser is checked by the training that loads them.

    Raises:
        DamagedError: it is not a safetensors file.
        ValueError: it holds other tensors, or values that are not numbers; the text ends the sentence "it ...".
    """
    header = _header(stream)
    header.pop(_METADATA, None)
    allowed = [[], *(list(shape) for shape in network.values())]
    shapes = {name: entry.get("shape") if isinstance(entry, dict) else None for name, entry in header.items()}
    for name, shape in shapes.items():
        if shape not in allowed:
            raise ValueError(f"does not fit the network of its settings: {name[:60]!a} has another shape")
    _check_data(stream, header, {name: tuple(shape or ()) for name, shape in shapes.items()})


def _check_data(stream: BinaryIO, header: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]]) -> None:
    """Check that the tensors are of these shapes, each in its place, and every value is a number."""
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
    if stream.read(1):
        raise ValueError("is longer than its header says")


@contextlib.contextmanager
def _opened(path: Path, most: int) -> Iterator[BinaryIO]:
    try:
        with open_regular_file(path, path.name) as stream:
            size = os.fstat(stream.fileno()).st_size
            if size > most:
                raise DamagedError(f"it has {size_text(size)}, more than the {size_text(most)} that its network needs")
            yield stream
    except OSError as error:
        raise DamagedError(f"it cannot be read ({error.strerror})") from error
    except DataError as error:
        raise DamagedError("it is not a file") from error


def _header(stream: BinaryIO) -> dict[str, Any]:
    """The header of a safetensors file; the stream is then at its data."""
    start = stream.read(_LENGTH)
    length = int.from_bytes(start, "little")
    if len(start) < _LENGTH or length == 0:
        raise DamagedError("it is cut short" if start else "it is empty")
    if length > MAX_HEADER:
        raise DamagedError("its header is too long")
    text = stream.read(length)
    if len(text) < length:
        raise DamagedError("it is cut short")
    try:
        header = json.loads(text, object_pairs_hook=_without_duplicates)
    except (ValueError, RecursionError) as error:
        raise DamagedError("this program did not write its header") from error
    if not isinstance(header, dict):
        raise DamagedError("this program did not write its header")
    return header


def _digest(header: dict[str, Any], body: BinaryIO) -> str:
    metadata = {name: value for name, value in header.get(_METADATA, {}).items() if name != _HASH}
    text = json.dumps({**header, _METADATA: metadata}, sort_keys=True).encode()
    return _hash_of(body, text).hexdigest()


def _hash_of(stream: BinaryIO, before: bytes = b"") -> "hashlib._Hash":
    found = hashlib.sha256(before)
    while chunk := stream.read(_CHUNK):
        found.update(chunk)
    return found


def _begin(entry: Any) -> int:
    """The offset that a tensor's entry claims; 0 where it claims no offset."""
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    return offsets[0] if isinstance(offsets, list) and offsets and type(offsets[0]) is int else 0


def _check_numbers(stream: BinaryIO, size: int, *, finite: bool) -> None:
    while size > 0:
        content = stream.read(min(_CHUNK, size))
        if len(content) < min(_CHUNK, size):
            raise ValueError("is cut short")
        if finite and not np.isfinite(np.frombuffer(content, "<f4")).all():
            raise ValueError("holds values that are not numbers")
        size -= len(content)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("names something twice in its header")
    return found
