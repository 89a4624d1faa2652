"""What every source of files has in common: limits that are counted while reading, names that are checked, words for damage.

Reads and writes nothing by itself.
"""

import contextlib
import io
import lzma
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO

from cifar_core.errors import DataError
from cifar_core.text import can_be_shown, one_line

MB = 1024 * 1024
_JUNK_FOLDERS = {"__MACOSX", "@eaDir"}
_JUNK_FILES = {"thumbs.db", "desktop.ini"}
_DRIVE = re.compile(r"[A-Za-z]:")
_DAMAGED = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, struct.error)


@dataclass(frozen=True)
class ArchiveLimits:
    """What an archive may hold."""

    files: int = 300_000
    file_bytes: int = 64 * MB
    total_bytes: int = 16 * 1024 * MB
    ratio: float = 200.0  # unpacked : packed, looked at from `ratio_from` unpacked bytes on
    ratio_from: int = 64 * MB


def open_regular_file(path: Path, name: str) -> BinaryIO:
    """Open a file; what is none, such as a pipe that would be waited for without end, is refused by `name`."""
    if path.exists() and not path.is_file():
        raise DataError(f"{name} is not a file.")
    return open(path, "rb")


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


class Budget:
    """Counts files and bytes as they come out, and stops at the first limit crossed."""

    def __init__(self, limits: ArchiveLimits) -> None:
        self._limits = limits
        self._files = 0
        self._bytes = 0

    def file(self) -> None:
        self._files += 1
        if self._files > self._limits.files:
            raise DataError(f"It holds more than the {self._limits.files:,} files allowed: nothing was imported.")

    def stream(self, handle: IO[bytes], name: str, packed: int) -> BinaryIO:
        """One file; `packed` is how many bytes of the archive were used so far (0 = not packed)."""
        return io.BufferedReader(_Counted(handle, name, packed, self, self._limits.file_bytes), MB)

    def read(self, handle: IO[bytes], name: str, packed: int) -> bytes:
        """All of one file, as `stream`."""
        return self.stream(handle, name, packed).read()

    def count(self, size: int, packed: int) -> None:
        self._bytes += size
        if self._bytes > self._limits.total_bytes:
            raise DataError(f"It unpacks to more than the {self._limits.total_bytes // MB:,} MB allowed.")
        if packed and self._bytes > self._limits.ratio_from and self._bytes > packed * self._limits.ratio:
            raise DataError(f"It unpacks to more than {self._limits.ratio:.0f} times its size, which only a bomb does.")


class _Counted(io.RawIOBase):
    """The bytes of one file of a source, up to its limit and those of the whole."""

    def __init__(self, handle: IO[bytes], name: str, packed: int, budget: Budget, most: int) -> None:
        self._handle = handle
        self._name = name
        self._packed = packed
        self._budget = budget
        self._most = most
        self._left = most

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._handle.read(min(len(buffer), MB))
        self._left -= len(chunk)
        if self._left < 0:
            raise DataError(f"{self._name} is larger than the {self._most // MB} MB allowed for one file.")
        self._budget.count(len(chunk), self._packed)
        buffer[: len(chunk)] = chunk
        return len(chunk)


@contextlib.contextmanager
def archive_errors(name: str) -> Iterator[None]:
    """Say in one sentence what is wrong with the source `name`, which is read inside."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"There is no file or folder {name}.") from error
    except _DAMAGED as error:
        raise DataError(f"{name} is damaged or cut off ({error}): get or make it again.") from error
    except OSError as error:
        if error.errno is None:  # not the disk: gzip and bz2 say so that their checksum is wrong
            raise DataError(f"{name} is damaged or cut off ({error}): get or make it again.") from error
        raise DataError(f"{name} cannot be read ({error.strerror or error}).") from error
