"""The entries of a zip in a seventh of the memory that `zipfile` takes for them. Reads and writes nothing."""

import zipfile
from collections.abc import Sequence
from typing import overload

import numpy as np

_NUMBERS = ("header_offset", "compress_size", "file_size", "CRC", "compress_type", "flag_bits")  # to read a file


class ZipEntries(Sequence[zipfile.ZipInfo]):
    """What is needed to read the files of a zip, as numbers and one text; a `ZipInfo` is made when it is asked for.

    A million of these would take half a gigabyte.
    """

    def __init__(self, infos: Sequence[zipfile.ZipInfo]) -> None:
        self._numbers = np.empty((len(infos), len(_NUMBERS)), np.uint64)
        for column, number in enumerate(_NUMBERS):
            self._numbers[:, column] = np.fromiter((getattr(info, number) for info in infos), np.uint64, len(infos))
        names = bytearray()
        ends = np.fromiter((_extended(names, info) for info in infos), np.int64, len(infos))
        self._names, self._begins, self._ends = names, np.append(0, ends[:-1]), ends

    def keep(self, kept: np.ndarray) -> None:
        """Keep only some entries: bool [N]."""
        if not kept.all():
            self._numbers, self._begins, self._ends = self._numbers[kept], self._begins[kept], self._ends[kept]

    @property
    def total_bytes(self) -> int:
        """The sizes of all files, unpacked, as the zip states them."""
        return sum(self._numbers[:, _NUMBERS.index("file_size")].tolist())  # NumPy's sum of these could overflow

    def __len__(self) -> int:
        return len(self._numbers)

    @overload
    def __getitem__(self, index: int) -> zipfile.ZipInfo: ...

    @overload
    def __getitem__(self, index: slice) -> list[zipfile.ZipInfo]: ...

    def __getitem__(self, index: int | slice) -> zipfile.ZipInfo | list[zipfile.ZipInfo]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        number = range(len(self))[index]
        info = zipfile.ZipInfo(self._names[self._begins[number] : self._ends[number]].decode())
        for name, value in zip(_NUMBERS, self._numbers[number].tolist(), strict=True):
            setattr(info, name, value)
        return info


def _extended(names: bytearray, info: zipfile.ZipInfo) -> int:
    """Append the name of an entry; returns the length of all."""
    names += info.orig_filename.encode()
    return len(names)
