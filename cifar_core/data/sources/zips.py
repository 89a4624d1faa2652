"""Read zips file by file. Nothing is extracted, and no size the zip states is trusted. Reads the zip given."""

import contextlib
import io
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

import numpy as np

from cifar_core.data.sources.archive_limits import (
    ArchiveLimits,
    Budget,
    archive_errors,
    checked_path,
    is_junk,
    open_regular_file,
    shown_name,
    too_many_files,
)
from cifar_core.data.sources.zip_entries import ZipEntries
from cifar_core.errors import DataError

ZIP_SIGNATURES = (b"PK\x03\x04", b"PK\x05\x06")
_DIRECTORY_ENTRY = 46  # bytes of the shortest entry in a zip's directory
# What `zipfile` raises where the header of a file contradicts the directory.
_CONTRADICTIONS = (NotImplementedError, RuntimeError, ValueError)
_LOCAL_ENTRY = 30  # bytes before the name of a file in a zip


@contextlib.contextmanager
def open_zip(path: Path, limits: ArchiveLimits | None = None, *, shown: str = "") -> Iterator["ZipFiles"]:
    """Open a zip to read its files one by one as streams.

    Raises (also while a file is read):
        DataError: as `open_source`.
    """
    name = shown_name(path, shown)
    with archive_errors(name), open_regular_file(path, name) as handle:
        if handle.read(4) not in ZIP_SIGNATURES:
            raise DataError(f"{name} is not a zip.")
        yield ZipFiles(handle, limits or ArchiveLimits(), name)


ReadNames = Callable[[Sequence[zipfile.ZipInfo]], list[str]]  # the names of entries as paths with slashes


def _names_as_stored(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
    return [info.orig_filename for info in infos]


class ZipFiles:
    """The files of a zip, without folders and junk. The whole directory is checked before any file is read.

    Error messages call the zip `name`. `read_names` reads the names of its entries, before their paths are checked.
    """

    def __init__(
        self, handle: IO[bytes], limits: ArchiveLimits, name: str, *, read_names: ReadNames = _names_as_stored
    ) -> None:
        self._packed = os.fstat(handle.fileno()).st_size
        if _zip_directory_bytes(handle) > limits.files * _DIRECTORY_ENTRY * 4:
            raise DataError(too_many_files(name, limits))
        try:
            self._archive = zipfile.ZipFile(handle)
        except (NotImplementedError, ValueError) as error:  # a newer zip version; names that are not text
            raise zipfile.BadZipFile(str(error)) from error
        self._archive.NameToInfo.clear()  # entries are opened by themselves; of a million it takes 0.1 GB
        self._budget = Budget(limits, name)
        self.paths: list[tuple[str, ...]] = []  # of `infos`
        self.folders: list[tuple[str, ...]] = []  # that have an entry of their own
        self.junk = 0
        entries = self._archive.infolist()
        for info in entries:
            self._budget.file()
            _refuse_odd_entry(info)
        _refuse_overlaps(self._archive)
        names = read_names(entries)
        self.infos = ZipEntries(entries)
        entries.clear()  # before the paths are made, which take a place of their own
        self.infos.keep(np.fromiter(map(self._add, names), bool, len(names)))

    def _add(self, name: str) -> bool:
        """Take the path of an entry; returns whether it is a file that can be read."""
        parts = checked_path(name)
        is_folder = name.endswith("/")  # `is_dir` fails on an empty name
        if is_junk(parts):
            self.junk += not is_folder
        elif is_folder:
            self.folders.append(parts)
        else:
            self.paths.append(parts)
            return True
        return False

    @property
    def total_bytes(self) -> int:
        """Unpacked size of all files, as the zip states it; more is never read."""
        return self.infos.total_bytes

    @contextlib.contextmanager
    def open(self, info: zipfile.ZipInfo) -> Iterator[BinaryIO]:
        """One of `infos` as a stream."""
        with self._member(info) as member:
            yield self._budget.stream(member, info.filename, self._packed)

    @contextlib.contextmanager
    def open_stored(self, info: zipfile.ZipInfo) -> Iterator[BinaryIO]:
        """One of `infos` that `is_stored`: it cannot be larger than the zip, so its bytes need not be counted."""
        with self._member(info) as member:
            yield cast(BinaryIO, member)

    def _member(self, info: zipfile.ZipInfo) -> IO[bytes]:
        try:
            return self._archive.open(info)
        except _CONTRADICTIONS as error:
            raise zipfile.BadZipFile(str(error)) from error


def is_stored(info: zipfile.ZipInfo) -> bool:
    """Whether a file is stored in its zip uncompressed."""
    return info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size


def _refuse_odd_entry(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"The zip holds {info.filename}, which is a link or a device: the whole zip was refused.")
    if info.flag_bits & 0x1:
        raise DataError(f"{info.filename} in the zip is encrypted: make the zip again without a password.")
    # The other methods decompress a file in one go, without a limit.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DataError(f"{info.filename} is compressed in an unusual way: make an ordinary zip (stored or deflated).")


def _refuse_overlaps(archive: zipfile.ZipFile) -> None:
    """Refuse files that share bytes: they would unpack to far more than the zip holds."""
    end = 0
    infos = sorted(archive.infolist(), key=lambda info: info.header_offset)
    # Of an incomplete zip with a zip inside it, the directory of the inner zip would be found.
    if infos and infos[0].header_offset != 0:
        raise zipfile.BadZipFile("it does not begin with its first file")
    for info in infos:
        if info.header_offset < end:
            raise DataError(f"{info.filename} in the zip overlaps another file: the whole zip was refused.")
        end = info.header_offset + _LOCAL_ENTRY + len(info.orig_filename) + info.compress_size
    if end > archive.start_dir:
        raise DataError(
            f"{infos[-1].filename} in the zip overlaps the directory of the zip: the whole zip was refused."
        )


def _zip_directory_bytes(handle: IO[bytes]) -> int:
    """Size of the directory that `zipfile` would read into memory, from the end of the file; 0 if none is found."""
    end = handle.seek(0, io.SEEK_END)
    start = max(0, end - 65_535 - 22 - 20)
    handle.seek(start)
    tail = handle.read()
    handle.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        return 0
    (size,) = struct.unpack_from("<I", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # ZIP64: the size is in a separate record
        (record,) = struct.unpack_from("<Q", tail, at - 12)
        handle.seek(min(record, end))
        extended = handle.read(56)
        handle.seek(0)
        if len(extended) == 56 and extended[:4] == b"PK\x06\x06":
            (size64,) = struct.unpack_from("<Q", extended, 40)
            return max(size64, size if size != 0xFFFFFFFF else 0)
    return size
