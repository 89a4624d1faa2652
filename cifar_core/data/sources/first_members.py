"""The names of the first files in a folder or archive, to recognise what it is before it is read.

Reads the first megabyte of an archive, or lists a folder; whatever cannot be read has no names, and the import itself
says why.
"""

import bz2
import io
import itertools
import lzma
import os
import re
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from cifar_core.data.sources.archive_limits import is_junk
from cifar_core.data.sources.zips import ZIP_SIGNATURES
from cifar_core.text import MB

_MOST = 100  # names


def first_members(path: Path) -> list[tuple[str, ...]]:
    """The paths inside of the first files, without those of operating systems."""
    try:
        names = _in_folder(path, 4) if path.is_dir() else _in_archive(_head(path))
        paths = (tuple(part for part in name.split("/") if part not in ("", ".")) for name in names)
        return list(itertools.islice((parts for parts in paths if not is_junk(parts)), _MOST))
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError):
        return []


def _head(path: Path) -> bytes:
    if not path.is_file():
        return b""
    with open(path, "rb") as file:
        return file.read(MB)


def _in_folder(folder: Path, depth: int) -> Iterator[str]:
    """The files of a folder, then those of the folders in it."""
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    yield from (entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    for entry in entries:
        if depth > 0 and entry.is_dir(follow_symlinks=False):
            yield from (f"{entry.name}/{name}" for name in _in_folder(Path(entry.path), depth - 1))


def _in_archive(head: bytes) -> Iterator[str]:
    if head[:4] in ZIP_SIGNATURES:
        return _in_zip(head)
    if head[:2] == b"\x1f\x8b":
        return _in_tar(zlib.decompressobj(wbits=31).decompress(head, MB))
    if head[:6] == b"\xfd7zXZ\x00":
        return _in_tar(lzma.LZMADecompressor().decompress(head, MB))
    if head[:3] == b"BZh":
        return _in_tar(bz2.BZ2Decompressor().decompress(head, MB))
    return _in_tar(head)


def _in_zip(head: bytes) -> Iterator[str]:
    """The names in the headers before the files: quicker to find than the directory at the end of the zip."""
    for match in re.finditer(ZIP_SIGNATURES[0], head):
        length = head[match.start() + 26 : match.start() + 28]
        if len(length) == 2:
            begin = match.start() + 30
            name = head[begin : begin + struct.unpack("<H", length)[0]].decode("cp437").replace("\\", "/")
            if not name.endswith("/"):
                yield name


def _in_tar(head: bytes) -> Iterator[str]:
    try:
        with tarfile.open(fileobj=io.BytesIO(head), mode="r:") as archive:
            yield from (info.name for info in archive if info.isreg())
    except tarfile.TarError:  # no tar, or the rest lies beyond the first megabyte
        return
