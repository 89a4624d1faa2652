"""`originals.bin` of a dataset, its reduced originals: JPEG files one after the other, found by start and length.

Writes `originals.bin` in a folder that it is given.
"""

from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.data.dataset import Split
from cifar_core.errors import DataError
from cifar_core.storage.atomic import new_file
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB

ORIGINALS = "originals.bin"
MAX_ORIGINAL_BYTES = MB  # of one; uncompressed, one of 256 x 256 takes a fifth of it


def without_originals(*splits: Split) -> list[Split]:
    """The parts as of a dataset that keeps no originals."""
    return [replace(split, originals=None) for split in splits]


def pack_originals(*splits: Split) -> list[Split]:
    """The parts with the ranges that their originals have in the file that `write_originals` writes."""
    start, packed = 0, []
    for split in splits:
        if split.originals is not None:
            lengths = split.originals[:, 1]
            ends = start + np.cumsum(lengths)
            split, start = replace(split, originals=np.stack([ends - lengths, lengths], axis=1)), int(ends[-1])
        packed.append(split)
    return packed


def originals_bytes(*splits: Split) -> int:
    """Bytes of the file that `write_originals` writes."""
    return sum(int(split.originals[:, 1].sum()) for split in splits if split.originals is not None)


def write_originals(folder: Path, source: BinaryIO, *splits: Split) -> int:
    """Copy the originals of the pictures, in their order and one after the other; returns the size of the new file.

    Args:
        folder: where the file is made.
        source: an open file with the originals.
        splits: their `originals` are ranges in `source`.

    Raises:
        DataError: the source does not hold what the ranges say.
        StorageError: the disk refused.
    """
    with storage_errors(f"writing {ORIGINALS}"), new_file(folder / ORIGINALS) as target:
        for split in splits:
            for start, length in () if split.originals is None else split.originals.tolist():
                if length:
                    target.write(read_range(source, start, length))
    return (folder / ORIGINALS).stat().st_size


def read_range(source: BinaryIO, start: int, length: int) -> bytes:
    """The bytes of one original.

    Raises:
        DataError: there are not so many, or more than an original has; the message ends a sentence about the picture.
        OSError: the file cannot be read.
    """
    if not 0 < length <= MAX_ORIGINAL_BYTES or not 0 <= start < 2**62:
        raise DataError(f"{ORIGINALS} has no place of {length:,} bytes from byte {start:,} on.")
    source.seek(start)
    content = source.read(length)
    if len(content) < length:
        raise DataError(f"{ORIGINALS} is cut short: it ends before byte {start + length:,}.")
    return content
