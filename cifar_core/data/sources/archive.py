"""Read folders, zips and tars as one stream of files. Nothing is extracted, and no size an archive states is trusted.

Reads the folder or archive given; writes nothing. An archive with dangerous content (links, devices, paths that lead
out, encryption, archive bombs) is refused as a whole; files and bytes are counted while reading.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from cifar_core.data.sources.archive_limits import (
    ArchiveLimits,
    Budget,
    archive_errors,
    checked_path,
    is_junk,
    open_regular_file,
    shown_name,
)
from cifar_core.data.sources.zips import ZIP_SIGNATURES, ZipFiles
from cifar_core.errors import DataError
from cifar_core.text import MB


@dataclass(frozen=True)
class Member:
    """One file of a folder or archive."""

    path: tuple[str, ...]  # its checked path inside, e.g. ("train", "cat", "1.png")
    content: bytes
    done: int  # progress after this file, in `Source.unit`

    @property
    def name(self) -> str:
        """The path with slashes."""
        return "/".join(self.path)


@dataclass
class Source:
    """An opened folder or archive: iterate over `members` once, then read `junk`."""

    members: Iterator[Member]
    total: int
    unit: str  # "files" (folder, zip) or "bytes" (tar, of the packed file)
    junk: int = 0  # hidden and system files that were skipped


@contextlib.contextmanager
def open_source(path: Path, limits: ArchiveLimits | None = None, *, shown: str = "") -> Iterator[Source]:
    """Open a folder, zip or tar (plain, gz, xz, bz2). The format is told by the content, not by the name.

    Error messages call it `shown`, or else by its file name.

    Raises (also while its members are read):
        DataError: it is absent, another kind of file, damaged, incomplete, dangerous, or beyond a limit.
    """
    limits = limits or ArchiveLimits()
    name = shown_name(path, shown)
    with archive_errors(name):
        if path.is_dir():
            yield _open_folder(path, limits, name)
            return
        with open_regular_file(path, name) as handle:
            head = handle.read(512)
            handle.seek(0)
            if head[:4] in ZIP_SIGNATURES:
                yield _open_zip(handle, limits, name)
            else:
                with _open_tar(handle, head, name, limits) as source:
                    yield source


def _open_folder(folder: Path, limits: ArchiveLimits, source_name: str) -> Source:
    files = list(_walk(folder, (), Budget(limits, source_name)))
    source = Source(iter(()), len(files), "files")

    def members() -> Iterator[Member]:
        budget = Budget(limits, source_name)
        for done, parts in enumerate(files, start=1):
            if is_junk(parts):
                source.junk += 1
                continue
            name = "/".join(checked_path("/".join(parts)))
            with open(folder.joinpath(*parts), "rb") as handle:
                yield Member(parts, budget.read(handle, name, 0), done)

    source.members = members()
    return source


def _walk(folder: Path, above: tuple[str, ...], budget: Budget) -> Iterator[tuple[str, ...]]:
    """All files below a folder, sorted by name; links and devices are refused, not followed."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        parts = (*above, entry.name)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), parts, budget)
        elif entry.is_file(follow_symlinks=False):
            budget.file()
            yield parts
        else:
            raise DataError(f"{'/'.join(parts)} is a link or a device, not a file: put a copy of the file there.")


def _open_zip(handle: IO[bytes], limits: ArchiveLimits, source_name: str) -> Source:
    files = ZipFiles(handle, limits, source_name)

    def members() -> Iterator[Member]:
        for done, info in enumerate(files.infos, start=1):
            with files.open(info) as stream:
                content = stream.read()
            yield Member(checked_path(info.filename), content, done)

    return Source(members(), len(files.infos), "files", files.junk)


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a tar: limited as a whole, and per file, since a header too may claim gigabytes."""

    def __init__(self, stream: IO[bytes], packed: IO[bytes], limits: ArchiveLimits, source_name: str) -> None:
        self._stream = stream
        self._packed = packed
        self._limits = limits
        self._source_name = source_name
        self._budget = Budget(limits, source_name)
        self._remaining = 0
        self.last = b""  # the last block read
        self.next_file()

    def next_file(self) -> None:
        """Allow the bytes of one more file and its header."""
        self._remaining = self._limits.file_bytes + 2 * MB

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size if 0 <= size <= MB else MB)
        self._remaining -= len(chunk)
        if self._remaining < 0:
            limit = f"{self._limits.file_bytes // MB} MB"
            raise DataError(
                f"{self._source_name} holds a file or header of more than the {limit} allowed: it was refused."
            )
        self._budget.count(len(chunk), max(self._packed.tell(), 1))
        self.last = chunk[-512:] if len(chunk) >= 512 else (self.last + chunk)[-512:]
        return chunk


@contextlib.contextmanager
def _open_tar(handle: IO[bytes], head: bytes, name: str, limits: ArchiveLimits) -> Iterator[Source]:
    with contextlib.closing(_unpacker(handle, head, name)) as stream:
        unpacked = _Unpacked(stream, handle, limits, name)
        source = Source(iter(()), os.fstat(handle.fileno()).st_size, "bytes")
        # "r|" reads strictly forward, so every header is read in small chunks through `unpacked`.
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            source.members = _tar_members(archive, unpacked, handle, source, Budget(limits, name))
            yield source


def _tar_members(
    archive: tarfile.TarFile, unpacked: _Unpacked, packed: IO[bytes], source: Source, budget: Budget
) -> Iterator[Member]:
    for info in archive:
        budget.file()
        parts = checked_path(info.name)
        if info.isdir():
            continue
        if not info.isreg() or info.issparse():
            raise DataError(
                f"The tar holds {info.name}, which is a link, a device or a sparse file: the whole tar was refused."
            )
        stream = archive.extractfile(info)
        if stream is None:
            raise tarfile.ReadError(f"{info.name} has no content")
        if is_junk(parts):
            source.junk += 1
        else:
            yield Member(parts, budget.read(stream, info.name, 0), packed.tell())
        unpacked.next_file()
    while unpacked.read(MB):  # read to the very end, where gzip and xz compare their checksums
        pass
    if unpacked.last.strip(b"\0"):
        raise tarfile.ReadError("its end is missing")


def _unpacker(handle: IO[bytes], head: bytes, name: str) -> IO[bytes]:
    if head[:2] == b"\x1f\x8b":
        return cast(IO[bytes], gzip.GzipFile(fileobj=handle))
    if head[:6] == b"\xfd7zXZ\x00":
        return lzma.LZMAFile(handle)
    if head[:3] == b"BZh":
        return bz2.BZ2File(handle)
    if head[257:262] == b"ustar":
        return handle
    raise DataError(f"{name} is neither a folder nor a zip nor a tar (.tar, .tar.gz, .tar.xz, .tar.bz2).")
