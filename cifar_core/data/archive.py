"""Folders, zips and tars as one stream of files. Nothing is extracted; nothing an archive claims about itself is believed.

Reads the folder or archive given; writes nothing. What makes an archive dangerous (links, devices, paths that climb out,
encryption, bombs) refuses it as a whole; names and sizes are counted while reading.
"""

import bz2
import contextlib
import gzip
import io
import lzma
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from cifar_core.errors import DataError
from cifar_core.text import can_be_shown, one_line

MiB = 1024 * 1024
_JUNK_FOLDERS = {"__MACOSX", "@eaDir"}
_JUNK_FILES = {"thumbs.db", "desktop.ini"}
_DRIVE = re.compile(r"[A-Za-z]:")
_DIRECTORY_ENTRY = 46  # bytes of the shortest entry in a zip's directory
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error)


@dataclass(frozen=True)
class Limits:
    """What an archive may hold."""

    files: int = 300_000
    file_bytes: int = 64 * MiB
    total_bytes: int = 16 * 1024 * MiB
    ratio: float = 200.0  # unpacked : packed, looked at from `ratio_from` unpacked bytes on
    ratio_from: int = 64 * MiB


@dataclass(frozen=True)
class Member:
    """One file of a folder or archive."""

    path: tuple[str, ...]  # its checked path inside, e.g. ("train", "cat", "1.png")
    content: bytes
    done: int  # how far the reading is after it, in `Source.unit`

    @property
    def name(self) -> str:
        """The path as people write it."""
        return "/".join(self.path)


@dataclass
class Source:
    """An opened folder or archive: go through `members` once, then look at `junk`."""

    members: Iterator[Member]
    total: int
    unit: str  # "files" (folder, zip) or "bytes" (tar, of the packed file)
    junk: int = 0  # files of operating systems that were passed over


@contextlib.contextmanager
def open_source(path: Path, limits: Limits | None = None, *, shown: str = "") -> Iterator[Source]:
    """Open a folder, zip or tar (plain, gz, xz, bz2). What the file holds decides, not its name.

    Errors call it `shown`, else by its own name.

    Raises (also while its members are read):
        DataError: absent, another kind of file, damaged, cut off, dangerous, or beyond a limit; nothing was written.
    """
    limits = limits or Limits()
    name = shown_name(path, shown)
    try:
        if path.is_dir():
            yield _open_folder(path, limits)
            return
        with open(path, "rb") as handle:
            head = handle.read(512)
            handle.seek(0)
            if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
                with _open_zip(handle, path, limits) as source:
                    yield source
            else:
                with _open_tar(handle, head, name, limits) as source:
                    yield source
    except FileNotFoundError as error:
        raise DataError(f"There is no file or folder {name}.") from error
    except _DAMAGED as error:
        raise DataError(f"{name} is damaged or cut off ({error}): get or make it again.") from error
    except OSError as error:
        if error.errno is None:  # not the disk: gzip and bz2 say so that their checksum is wrong
            raise DataError(f"{name} is damaged or cut off ({error}): get or make it again.") from error
        raise DataError(f"{name} cannot be read ({error.strerror or error}).") from error


def shown_name(path: Path, shown: str = "") -> str:
    """What sentences call a source: `shown`, else its own name, as one line of at most 100 visible characters."""
    return one_line(shown) or one_line(path.name) or str(path)


def checked_path(name: str) -> tuple[str, ...]:
    """The parts of a member's name.

    Raises:
        DataError: it is absolute, climbs out with "..", has a drive, a backslash, or characters that cannot be shown.
    """
    shown = ascii(name[:200])
    if name.startswith("/") or _DRIVE.match(name) or "\\" in name:
        raise DataError(f"The archive holds {shown}, a path that is not plainly inside it: it was refused as a whole.")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise DataError(f"The archive holds {shown}, a path that leads out of it: it was refused as a whole.")
    if not can_be_shown(name) or len(name) > 1000:
        raise DataError(f"The archive holds the name {shown}, which cannot be shown: rename it.")
    return parts


def is_junk(parts: tuple[str, ...]) -> bool:
    """Whether an operating system left this file there: hidden files, __MACOSX, Thumbs.db and the like."""
    return (
        any(part in _JUNK_FOLDERS or part.startswith(".") for part in parts)
        or not parts
        or parts[-1].lower() in _JUNK_FILES
    )


class _Budget:
    """Counts files and bytes as they come out, and stops at the first limit crossed."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._files = 0
        self._bytes = 0

    def file(self) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise DataError(f"It holds more than the {self._limits.files:,} files allowed: nothing was imported.")

    def read(self, handle: IO[bytes], name: str, packed: int) -> bytes:
        """All of one file; `packed` is how many bytes of the archive were used so far (0 = not packed)."""
        content = handle.read(self._limits.file_bytes + 1)
        if len(content) > self._limits.file_bytes:
            raise DataError(f"{name} is larger than the {self._limits.file_bytes // MiB} MiB allowed for one file.")
        self.count(len(content), packed)
        return content

    def count(self, size: int, packed: int) -> None:
        self._bytes += size
        if self._bytes > self._limits.total_bytes:
            raise DataError(f"It unpacks to more than the {self._limits.total_bytes // MiB:,} MiB allowed.")
        if packed and self._bytes > self._limits.ratio_from and self._bytes > packed * self._limits.ratio:
            raise DataError(f"It unpacks to more than {self._limits.ratio:.0f} times its size, which no pictures do.")


def _open_folder(folder: Path, limits: Limits) -> Source:
    files = list(_walk(folder, (), _Budget(limits)))
    source = Source(iter(()), len(files), "files")

    def members() -> Iterator[Member]:
        budget = _Budget(limits)
        for done, parts in enumerate(files, start=1):
            if is_junk(parts):
                source.junk += 1
                continue
            name = "/".join(checked_path("/".join(parts)))
            with open(folder.joinpath(*parts), "rb") as handle:
                yield Member(parts, budget.read(handle, name, 0), done)

    source.members = members()
    return source


def _walk(folder: Path, above: tuple[str, ...], budget: _Budget) -> Iterator[tuple[str, ...]]:
    """All files below a folder in the order of their names; links and devices are refused, not followed."""
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
            raise DataError(f"{'/'.join(parts)} is a link or a device, not a file: put the file itself there.")


@contextlib.contextmanager
def _open_zip(handle: IO[bytes], path: Path, limits: Limits) -> Iterator[Source]:
    if _zip_directory_bytes(handle) > limits.files * _DIRECTORY_ENTRY * 4:
        raise DataError(f"It holds more than the {limits.files:,} files allowed: nothing was imported.")
    packed = path.stat().st_size
    with zipfile.ZipFile(handle) as archive:
        infos = archive.infolist()
        for info in infos:  # the whole zip is judged before any of it is read
            checked_path(info.orig_filename)
            _refuse_odd_entry(info)
        source = Source(iter(()), len(infos), "files")

        def members() -> Iterator[Member]:
            budget = _Budget(limits)
            for done, info in enumerate(infos, start=1):
                budget.file()
                parts = checked_path(info.filename)
                if info.is_dir():
                    continue
                if is_junk(parts):
                    source.junk += 1
                    continue
                with archive.open(info) as member:
                    yield Member(parts, budget.read(member, info.filename, packed), done)

        source.members = members()
        yield source


def _refuse_odd_entry(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise DataError(f"The zip holds {info.filename}, a link or a device: it was refused as a whole.")
    if info.flag_bits & 0x1:
        raise DataError(f"{info.filename} in the zip is encrypted: make the zip again without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack without a bound
        raise DataError(f"{info.filename} is packed in an unusual way: make an ordinary zip (stored or deflated).")


def _zip_directory_bytes(handle: IO[bytes]) -> int:
    """Size of the list of files that `zipfile` would read into memory, from the end of the file; 0 where none is found."""
    end = handle.seek(0, io.SEEK_END)
    start = max(0, end - 65_535 - 22 - 20)
    handle.seek(start)
    tail = handle.read()
    handle.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        return 0
    (size,) = struct.unpack_from("<I", tail, at + 12)
    if at >= 20 and tail[at - 20 : at - 16] == b"PK\x06\x07":  # ZIP64: the true size stands in a record of its own
        (record,) = struct.unpack_from("<Q", tail, at - 12)
        handle.seek(min(record, end))
        extended = handle.read(56)
        handle.seek(0)
        if len(extended) == 56 and extended[:4] == b"PK\x06\x06":
            (size64,) = struct.unpack_from("<Q", extended, 40)
            return max(size64, size if size != 0xFFFFFFFF else 0)
    return size


class _Unpacked(io.RawIOBase):
    """The unpacked bytes of a tar: bounded between two files (a header may claim gigabytes) and as a whole."""

    def __init__(self, stream: IO[bytes], packed: IO[bytes], limits: Limits) -> None:
        self._stream = stream
        self._packed = packed
        self._limits = limits
        self._budget = _Budget(limits)
        self._left = 0
        self.last = b""  # the last block read
        self.next_file()

    def next_file(self) -> None:
        self._left = self._limits.file_bytes + 2 * MiB

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size if 0 <= size <= MiB else MiB)
        self._left -= len(chunk)
        if self._left < 0:
            raise DataError(f"It holds a file or header of more than the {self._limits.file_bytes // MiB} MiB allowed.")
        self._budget.count(len(chunk), max(self._packed.tell(), 1))
        self.last = chunk[-512:] if len(chunk) >= 512 else (self.last + chunk)[-512:]
        return chunk


@contextlib.contextmanager
def _open_tar(handle: IO[bytes], head: bytes, name: str, limits: Limits) -> Iterator[Source]:
    with contextlib.closing(_unpacker(handle, head, name)) as stream:
        unpacked = _Unpacked(stream, handle, limits)
        source = Source(iter(()), os.fstat(handle.fileno()).st_size, "bytes")
        # "r|": strictly forward; every header is read in small pieces through `unpacked`
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            source.members = _tar_members(archive, unpacked, handle, source, limits)
            yield source


def _tar_members(
    archive: tarfile.TarFile, unpacked: _Unpacked, packed: IO[bytes], source: Source, limits: Limits
) -> Iterator[Member]:
    budget = _Budget(limits)
    for info in archive:
        budget.file()
        parts = checked_path(info.name)
        if info.isdir():
            continue
        if not info.isreg() or info.issparse():
            raise DataError(f"The tar holds {info.name}, a link, a device or a sparse file: it was refused as a whole.")
        stream = archive.extractfile(info)
        if stream is None:
            raise tarfile.ReadError(f"{info.name} has no content")
        if is_junk(parts):
            source.junk += 1
        else:
            yield Member(parts, budget.read(stream, info.name, 0), packed.tell())
        unpacked.next_file()
    while unpacked.read(MiB):  # to the very end: only there do gzip and xz compare their checksums
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
