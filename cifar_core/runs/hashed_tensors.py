"""Files of tensors that carry their own SHA-256: any change of a bit is seen before a byte of them is used.

They are plain safetensors files (https://github.com/huggingface/safetensors): 8 bytes with the header's length, a JSON
header, the numbers. The hash stands in the header and covers the rest of the header and all numbers. Their maker need
not be known: a file is read in pieces, and none that is larger than the caller expects. No torch here.
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

from cifar_core.data.sources.entries import open_regular_file
from cifar_core.errors import DataError
from cifar_core.text import size_text

# Bytes. A header of weights has a few thousand, and 780,000 where it names 1,000 classes of 64 emoji each; that of a
# checkpoint after 500 epochs has 300,000.
MAX_HEADER = 1024 * 1024
_HASH = "sha256"
_NOTES = "__metadata__"  # safetensors' own name for the part of the header that is free for notes
_LENGTH = 8  # bytes
_OLD_HASH = 32  # bytes of SHA-256 in front of a checkpoint of schema 1
_PIECE = 4 * 1024 * 1024  # bytes


class DamagedError(ValueError):
    """A file that is not as it was written; `str()` ends the sentence "it cannot be used: ..."."""


def with_hash(content: bytes) -> tuple[bytes, memoryview]:
    """Put the hash of a safetensors file into its header.

    Args:
        content: the whole file.

    Returns:
        The new file in two parts, so that the numbers are not copied.
    """
    stream = io.BytesIO(content)
    header, body = _header(stream), memoryview(content)[stream.tell() :]
    notes = header.get(_NOTES, {}) | {_HASH: _digest(header, stream)}
    header[_NOTES] = dict(sorted(notes.items()))  # safetensors writes notes in another order each time
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the numbers stay where a processor likes them
    return len(text).to_bytes(_LENGTH, "little") + text, body


def check_hash(stream: BinaryIO, *, required: bool = True) -> dict[str, str]:
    """The notes of a hashed file, which is read once, in pieces.

    Args:
        stream: the file, at its beginning.
        required: refuse a file without a hash; schema 1 wrote its weights without.

    Raises:
        DamagedError: the file is not as it was written.
    """
    header = _header(stream)
    notes = header.get(_NOTES, {})
    if not isinstance(notes, dict) or not all(isinstance(note, str) for note in notes.values()):
        raise DamagedError("its header is not one of ours")
    found = notes.pop(_HASH, "")
    if (found or required) and found != _digest({**header, _NOTES: notes}, stream):
        raise DamagedError("its SHA-256 does not match")
    return notes


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
    """The content of a hashed file and its notes; arguments and errors as of `check_hashed`."""
    with _opened(path, most) as stream:
        content = stream.read(most)
    return content, check_hash(io.BytesIO(content), required=required)


def check_old(path: Path, most: int) -> None:
    """Check a checkpoint of schema 1, which has its SHA-256 in front; arguments and errors as of `check_hashed`."""
    with _opened(path, most) as stream:
        if stream.read(_OLD_HASH) != _hash_of(stream).digest():
            raise DamagedError("its SHA-256 does not match")


def read_old(path: Path, most: int) -> bytes:
    """What a checkpoint of schema 1 holds behind its SHA-256; arguments and errors as of `check_hashed`."""
    with _opened(path, most) as stream:
        digest, content = stream.read(_OLD_HASH), stream.read(most)
    if digest != hashlib.sha256(content).digest():
        raise DamagedError("its SHA-256 does not match")
    return content


def check_tensors(stream: BinaryIO, expected: Mapping[str, tuple[int, ...]]) -> None:
    """Check a safetensors file: exactly these tensors in these shapes, float32 (counters: int64), every value a number.

    Raises:
        DamagedError: it is none.
        ValueError: it is another one; the text ends the sentence "it ...".
    """
    header = _header(stream)
    header.pop(_NOTES, None)
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
    if stream.read(1):
        raise ValueError("goes on after its end")


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
    """The header of a safetensors file; the stream then stands at its numbers."""
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
        header = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise DamagedError("its header is not one of ours") from error
    if not isinstance(header, dict):
        raise DamagedError("its header is not one of ours")
    return header


def _digest(header: dict[str, Any], body: BinaryIO) -> str:
    notes = {name: note for name, note in header.get(_NOTES, {}).items() if name != _HASH}
    text = json.dumps({**header, _NOTES: notes}, sort_keys=True).encode()
    return _hash_of(body, text).hexdigest()


def _hash_of(stream: BinaryIO, before: bytes = b"") -> "hashlib._Hash":
    found = hashlib.sha256(before)
    while piece := stream.read(_PIECE):
        found.update(piece)
    return found


def _begin(entry: Any) -> int:
    """Where a tensor says it begins; any number where it says nothing that can be believed."""
    offsets = entry.get("data_offsets") if isinstance(entry, dict) else None
    return offsets[0] if isinstance(offsets, list) and offsets and type(offsets[0]) is int else 0


def _check_numbers(stream: BinaryIO, size: int, *, finite: bool) -> None:
    while size > 0:
        content = stream.read(min(_PIECE, size))
        if len(content) < min(_PIECE, size):
            raise ValueError("is cut short")
        if finite and not np.isfinite(np.frombuffer(content, "<f4")).all():
            raise ValueError("holds values that are not numbers")
        size -= len(content)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("names something twice in its header")
    return found
