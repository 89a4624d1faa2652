"""Read folders, zips and tars as one stream of files. Nothing is extracted, and no size an archive states is trusted.

Reads the folder or archive given; writes nothing. An archive with dangerous content (links, devices, paths that lead
out, encryption, archive bombs) is refused as a whole; files and bytes are counted while reading.
"""

import abc
import bz2
import contextlib
import gzip
import hashlib
import io
import lzma
import os
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from cifar_core.data.sources.archive_limits import (
    MAX_DEPTH,
    ArchiveLimits,
    Budget,
    archive_errors,
    checked_path,
    is_junk,
    open_regular_file,
    shown_name,
)
from cifar_core.data.sources.zip_names import (
    ask_for_encoding,
    possible_readings,
    raw_name,
    read_names,
    stored_name,
    was_read_as,
)
from cifar_core.data.sources.zips import ZIP_SIGNATURES, ZipFiles
from cifar_core.errors import DataError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.text import MB

_REPORT_EVERY = 1000  # files between reports of progress while the names are listed
MemberPath = tuple[str, ...]  # a checked path inside a source, e.g. ("train", "cat", "1.png")
Wanted = Callable[[MemberPath], bool]


class UnclearNamesError(DataError):
    """The names in a zip make sense in several encodings, or in none; `readings` has the names as read by encoding."""

    def __init__(self, readings: Mapping[str, Sequence[str]]) -> None:
        self.readings = readings
        super().__init__(ask_for_encoding(readings))


@dataclass(frozen=True)
class Member:
    """One file of a folder or archive."""

    path: MemberPath
    content: bytes
    done: int  # progress after this file, in `Source.unit`
    number: int  # its place in the listing

    @property
    def name(self) -> str:
        """The path with slashes."""
        return "/".join(self.path)


@dataclass
class Listing:
    """The names in a source, without reading any file."""

    files: list[MemberPath] = field(default_factory=list)  # in the order of `Source.read`
    folders: list[MemberPath] = field(default_factory=list)  # those that are known by themselves, also the empty ones
    unusable: list[str] = field(default_factory=list)  # a sentence for each link or device that is not read
    junk: int = 0  # hidden and system files that are skipped
    note: str = ""  # how the names of a zip were read, where the zip itself does not say it


class Source(abc.ABC):
    """An opened folder or archive. It can be gone through several times."""

    def __init__(self, total: int, unit: str, identity: str) -> None:
        self.total = total
        self.unit = unit  # "files" (folder, zip) or "bytes" (tar, of the packed file)
        self.identity = identity  # another one once a file was changed, came or went, by names, sizes and times

    @abc.abstractmethod
    def list(self, progress: OnProgress = no_progress) -> Listing:
        """The names of all files; of a tar this reads the whole file."""

    @abc.abstractmethod
    def read(self, wanted: Wanted = lambda _: True, start: int = 0) -> Iterator[Member]:
        """The wanted files, one after the other, in the order of the listing, from its place `start` on."""


@contextlib.contextmanager
def open_source(
    path: Path, limits: ArchiveLimits | None = None, *, shown: str = "", encoding: str = ""
) -> Iterator[Source]:
    """Open a folder, zip or tar (plain, gz, xz, bz2). The format is told by the content, not by the name.

    Args:
        path: of the folder or file.
        limits: what it may hold.
        shown: what error messages call it, if not by its file name.
        encoding: of the names in a zip that does not say it; by default that in which alone they make sense.

    Raises (also while its members are listed or read):
        UnclearNamesError: the names of a zip make sense in several encodings.
        DataError: it is absent, another kind of file, damaged, incomplete, dangerous, or beyond a limit.
    """
    limits = limits or ArchiveLimits()
    name = shown_name(path, shown)
    with archive_errors(name):
        if path.is_dir():
            yield _Folder(path, limits, name)
            return
        with open_regular_file(path, name) as handle:
            head = handle.read(512)
            handle.seek(0)
            if head[:4] in ZIP_SIGNATURES:
                yield _Zip(handle, limits, name, encoding)
            else:
                yield _Tar(handle, head, limits, name)


class _Folder(Source):
    def __init__(self, folder: Path, limits: ArchiveLimits, name: str) -> None:
        self._limits, self._name = limits, name
        self._root = Path(os.path.realpath(folder))
        self._places: dict[MemberPath, Path] = {}  # where each folder, and each file behind a link, really is
        self._listing, self._digest = Listing(), hashlib.sha256()
        self._walk(self._root, (), (self._root,), Budget(limits, name))
        super().__init__(len(self._listing.files), "files", self._digest.hexdigest())

    def list(self, progress: OnProgress = no_progress) -> Listing:
        return self._listing

    def read(self, wanted: Wanted = lambda _: True, start: int = 0) -> Iterator[Member]:
        budget = Budget(self._limits, self._name)
        for number in range(start, len(self._listing.files)):
            path = self._listing.files[number]
            if wanted(path):
                with open(self._places.get(path) or self._places[path[:-1]] / path[-1], "rb") as handle:
                    yield Member(path, budget.read(handle, "/".join(path), 0), number + 1, number)

    def _walk(self, folder: Path, above: MemberPath, ancestors: tuple[Path, ...], budget: Budget) -> None:
        """List all files below a folder, sorted by name; links that lead out of the source are not followed."""
        self._places[above] = folder
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            parts = (*above, entry.name)
            if not is_junk(parts) or len(parts) > MAX_DEPTH:
                checked_path("/".join(parts))
            target, problem = None, ""
            if entry.is_symlink():
                target, problem = self._target(entry, ancestors)
            if not problem and entry.is_dir():
                budget.file()  # links can make a few folders look like a million
                if not is_junk(parts):
                    self._listing.folders.append(parts)
                place = target or Path(entry.path)
                self._walk(place, parts, (*ancestors, place), budget)
            elif not problem and entry.is_file():
                budget.file()
                self._add(parts, entry, target)
            elif not is_junk(parts):
                budget.file()
                reason = problem or "a device or a pipe, not a file"
                self._listing.unusable.append(f"{'/'.join(parts)} is {reason}: put a copy of the file there.")

    def _add(self, parts: MemberPath, entry: os.DirEntry[str], target: Path | None) -> None:
        if is_junk(parts):
            self._listing.junk += 1
            return
        self._listing.files.append(parts)
        if target is not None:
            self._places[parts] = target
        self._digest.update(f"{'/'.join(parts)}\n{_stamp(entry.stat())}\n".encode())

    def _target(self, link: os.DirEntry[str], ancestors: tuple[Path, ...]) -> tuple[Path, str]:
        """Where a link leads, and why it is not followed."""
        target = Path(os.path.realpath(link.path))
        if not target.exists():
            return target, "a link that leads nowhere"
        if not target.is_relative_to(self._root):
            return target, "a link that leads out of the folder"
        if target in ancestors:
            return target, "a link to a folder that it lies in"
        return target, ""


class _Zip(Source):
    def __init__(self, handle: IO[bytes], limits: ArchiveLimits, name: str, encoding: str) -> None:
        self._note = ""

        def names_of(infos: Sequence[zipfile.ZipInfo]) -> list[str]:
            names, self._note = _names_of_entries(infos, encoding)
            return names

        self._files = ZipFiles(handle, limits, name, read_names=names_of)
        super().__init__(len(self._files.infos), "files", _stamp(os.fstat(handle.fileno())))

    def list(self, progress: OnProgress = no_progress) -> Listing:
        files = self._files
        return Listing(files.paths, files.folders, junk=files.junk, note=self._note)

    def read(self, wanted: Wanted = lambda _: True, start: int = 0) -> Iterator[Member]:
        for number in range(start, len(self._files.paths)):
            path = self._files.paths[number]
            if wanted(path):
                with self._files.open(self._files.infos[number]) as stream:
                    content = stream.read()
                yield Member(path, content, number + 1, number)


def _stamp(found: os.stat_result) -> str:
    """What another one of a file's contents changes: its size, and the times of its last changes."""
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def _names_of_entries(infos: Sequence[zipfile.ZipInfo], encoding: str) -> tuple[list[str], str]:
    """The names of the entries of a zip with slashes, and a sentence on how they were read, where that was a guess.

    A backslash is a separator, as old tools of Windows write it. It is replaced after decoding, because it is the
    second byte of some Japanese and Chinese characters.
    """
    stored = [stored_name(info) for info in infos]
    unknown = [raw_name(info) for info, name in zip(infos, stored, strict=True) if name is None]
    note = ""
    if unknown:
        if not encoding:
            readings = possible_readings(unknown)
            if not readings or (len(readings) > 1 and not _only_in_file_names(unknown)):
                raise UnclearNamesError(readings)
            encoding = next(iter(readings))
        names = read_names(unknown, encoding)
        note, found = was_read_as(encoding, names), iter(names)
        stored = [next(found) if name is None else name for name in stored]
    return [str(name).replace("\\", "/") for name in stored], note


def _only_in_file_names(raw_names: Sequence[bytes]) -> bool:
    """Whether the encoding concerns names of files alone, so that a wrong one cannot give a wrong class."""
    return all(raw.rpartition(b"/")[0].isascii() and b"\\" not in raw for raw in raw_names)


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


class _Tar(Source):
    def __init__(self, handle: IO[bytes], head: bytes, limits: ArchiveLimits, name: str) -> None:
        self._handle, self._head, self._limits, self._name = handle, head, limits, name
        with _unpacked(handle, head, name):  # raises for another kind of file
            pass
        found = os.fstat(handle.fileno())
        super().__init__(found.st_size, "bytes", _stamp(found))

    def list(self, progress: OnProgress = no_progress) -> Listing:
        listing = Listing()
        for parts, content in self._entries():
            if is_junk(parts):
                listing.junk += content is not None
            elif content is None:
                listing.folders.append(parts)
            else:
                listing.files.append(parts)
                if len(listing.files) % _REPORT_EVERY == 0:
                    progress("Looking inside", min(self._handle.tell(), self.total), self.total, self.unit)
        return listing

    def read(self, wanted: Wanted = lambda _: True, start: int = 0) -> Iterator[Member]:
        budget, number = Budget(self._limits, self._name), -1
        for parts, content in self._entries():
            if content is None or is_junk(parts):
                continue
            number += 1
            if number >= start and wanted(parts):
                yield Member(parts, budget.read(content, "/".join(parts), 0), self._handle.tell(), number)

    def _entries(self) -> Iterator[tuple[MemberPath, IO[bytes] | None]]:
        """Each file with its content and each folder without; the tar is read to its end, which must be whole."""
        self._handle.seek(0)
        budget = Budget(self._limits, self._name)
        with _unpacked(self._handle, self._head, self._name) as stream:
            unpacked = _Unpacked(stream, self._handle, self._limits, self._name)
            # "r|" reads strictly forward, so every header is read in small chunks through `unpacked`.
            with tarfile.open(fileobj=unpacked, mode="r|") as archive:
                while (info := archive.next()) is not None:
                    # It keeps them all: a gigabyte of a million files.
                    archive.members.clear()  # type: ignore[attr-defined]
                    budget.file()
                    yield checked_path(info.name), _content_of(archive, info)
                    unpacked.next_file()
                while unpacked.read(MB):  # read to the very end, where gzip and xz compare their checksums
                    pass
                if unpacked.last.strip(b"\0"):
                    raise tarfile.ReadError("its end is missing")


def _content_of(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes] | None:
    """The content of a file in a tar; None for a folder.

    Raises:
        DataError: it is anything else.
    """
    if info.isdir():
        return None
    if not info.isreg() or info.issparse():
        raise DataError(
            f"The tar holds {info.name}, which is a link, a device or a sparse file: the whole tar was refused."
        )
    stream = archive.extractfile(info)
    if stream is None:
        raise tarfile.ReadError(f"{info.name} has no content")
    return stream


@contextlib.contextmanager
def _unpacked(handle: IO[bytes], head: bytes, name: str) -> Iterator[IO[bytes]]:
    """The unpacked bytes of a tar, from where the handle is; the handle stays open."""
    if head[:2] == b"\x1f\x8b":
        with gzip.GzipFile(fileobj=handle) as gz:
            yield cast(IO[bytes], gz)
    elif head[:6] == b"\xfd7zXZ\x00":
        with lzma.LZMAFile(handle) as xz:
            yield xz
    elif head[:3] == b"BZh":
        with bz2.BZ2File(handle) as bz:
            yield bz
    elif head[257:262] == b"ustar":
        yield handle
    else:
        raise DataError(f"{name} is neither a folder nor a zip nor a tar (.tar, .tar.gz, .tar.xz, .tar.bz2).")
