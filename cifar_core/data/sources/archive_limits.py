"""What all sources of files share: limits that are counted while reading, checked member names, errors as sentences.

Reads and writes nothing by itself.
"""

import contextlib
import io
import lzma
import re
import struct
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from cifar_core.errors import DataError
from cifar_core.text import MB, can_be_shown, one_line

_JUNK_FOLDERS = {"__MACOSX", "@eaDir"}
_JUNK_FILES = {"thumbs.db", "desktop.ini"}
MAX_DEPTH = 32  # folders inside each other
_DRIVE = re.compile(r"[A-Za-z]:")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error)


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold."""

    files: int = 2_000_000
    file_bytes: int = 64 * MB
    total_bytes: int = 256 * 1024 * MB  # a million photographs of 250 kB
    ratio: float = 200.0  # largest ratio of unpacked to packed bytes, checked from `ratio_from` unpacked bytes on
    ratio_from: int = 64 * MB


def open_regular_file(path: Path, name: str) -> BinaryIO:
    """Open a file; DataError for what is not a regular file, such as a pipe, on which reading could wait for ever."""
    if path.exists() and not path.is_file():
        raise DataError(f"{name} is not a file.")
    return open(path, "rb")


def shown_name(path: Path, shown: str = "") -> str:
    """The name of a source in messages: `shown`, or else its file name, in at most 100 visible characters."""
    return one_line(shown) or one_line(path.name) or str(path)


def checked_path(name: str) -> tuple[str, ...]:
    """The parts of the path of a member.

    Raises:
        DataError: it is absolute, leads out with "..", has a drive, a backslash, or characters that cannot be shown, or
            is too long or too deep.
    """
    shown = ascii(name[:200])
    if name.startswith("/") or _DRIVE.match(name) or "\\" in name:
        raise DataError(
            f"The archive holds {shown}, a path with a drive, a backslash or a leading slash: the whole archive was "
            "refused."
        )
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    if ".." in parts:
        raise DataError(f"The archive holds {shown}, a path that leads out of it: the whole archive was refused.")
    if not can_be_shown(name) or len(name) > 1000:
        raise DataError(
            f"The archive holds the name {shown}, which is too long or has characters that cannot be shown: rename it."
        )
    if len(parts) > MAX_DEPTH:
        raise DataError(f"The archive holds {shown}, more than {MAX_DEPTH} folders inside each other: it was refused.")
    return (*map(sys.intern, parts[:-1]), *parts[-1:])  # a million paths share the names of their folders


def is_junk(parts: tuple[str, ...]) -> bool:
    """Whether this is a hidden file or one that operating systems create: __MACOSX, Thumbs.db and the like."""
    return (
        any(part in _JUNK_FOLDERS or part.startswith(".") for part in parts)
        or not parts
        or parts[-1].lower() in _JUNK_FILES
    )


class Budget:
    """Counts the files and bytes read from a source and raises DataError, which calls it `source`, beyond a limit."""

    def __init__(self, limits: ArchiveLimits, source: str) -> None:
        self._limits = limits
        self._source = source
        self._files = 0
        self._bytes = 0

    def file(self) -> None:
        """Count one file."""
        self._files += 1
        if self._files > self._limits.files:
            raise DataError(too_many_files(self._source, self._limits))

    def stream(self, handle: IO[bytes], name: str, packed: int) -> BinaryIO:
        """The content of one file; `packed` is how many bytes of the archive were read so far (0 = not packed)."""
        return io.BufferedReader(_Counted(handle, name, packed, self, self._limits.file_bytes), MB)

    def read(self, handle: IO[bytes], name: str, packed: int) -> bytes:
        """The whole content of one file, as by `stream`."""
        return self.stream(handle, name, packed).read()

    def count(self, size: int, packed: int) -> None:
        """Count bytes."""
        self._bytes += size
        if self._bytes > self._limits.total_bytes:
            raise DataError(
                f"{self._source} holds more than the {self._limits.total_bytes // MB:,} MB allowed: it was refused."
            )
        if packed and self._bytes > self._limits.ratio_from and self._bytes > packed * self._limits.ratio:
            raise DataError(
                f"{self._source} unpacks to more than {self._limits.ratio:.0f} times its size, as only an archive "
                "bomb does: it was refused."
            )


class _Counted(io.RawIOBase):
    """The bytes of one file of a source, as far as the limits of a file and of the whole source allow."""

    def __init__(self, handle: IO[bytes], name: str, packed: int, budget: Budget, max_bytes: int) -> None:
        self._handle = handle
        self._name = name
        self._packed = packed
        self._budget = budget
        self._max_bytes = max_bytes
        self._remaining = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._handle.read(min(len(buffer), MB))
        self._remaining -= len(chunk)
        if self._remaining < 0:
            raise DataError(f"{self._name} is larger than the {self._max_bytes // MB} MB allowed for one file.")
        self._budget.count(len(chunk), self._packed)
        buffer[: len(chunk)] = chunk
        return len(chunk)


def too_many_files(source: str, limits: ArchiveLimits) -> str:
    """The sentence for a source beyond the limit on files."""
    return f"{source} holds more than the {limits.files:,} files allowed: it was refused."


@contextlib.contextmanager
def archive_errors(name: str) -> Iterator[None]:
    """Turn what goes wrong while the source `name` is read into a DataError of one sentence."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"There is no file or folder {name}.") from error
    except _DAMAGED as error:
        raise DataError(f"{name} is damaged or incomplete ({error}): get it or create it again.") from error
    except OSError as error:
        if error.errno is None:  # it does not come from the disk: gzip and bz2 raise it for a wrong checksum
            raise DataError(f"{name} is damaged or incomplete ({error}): get it or create it again.") from error
        raise DataError(f"{name} cannot be read ({error.strerror or error}).") from error
