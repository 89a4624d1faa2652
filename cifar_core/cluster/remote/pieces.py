"""Files on their way between two machines: in pieces, whole or not at all, checked by SHA-256 where they arrive.

Both sides use the same two: `file_pieces` reads a file without ever holding all of it, `Receiver` writes it beside its
old content and gives it its name once its hash is right. Reads and writes the given folders.
"""

import contextlib
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cifar_core.errors import StorageError
from cifar_core.storage.atomic import make_folder, replace, sync_folder, temp_beside
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB

PIECE_BYTES = 4 * MB  # of one call: memory stays flat, and a slow network still answers in time
_MOST_FILES = 200  # of one call
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,200}")
_MOST_PARTS = 4


@dataclass(frozen=True)
class Piece:
    """A part of a file."""

    name: str  # its path below the folder that travels, with "/"
    offset: int  # bytes before it
    content: bytes
    sha256: str = ""  # of the whole file, in its last piece


def file_pieces(path: Path, name: str) -> Iterator[Piece]:
    """A file in pieces, as it was when it was opened: a new content under its name is another file. OSError."""
    hasher, offset = hashlib.sha256(), 0
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        while True:
            content = file.read(min(PIECE_BYTES, size - offset))
            hasher.update(content)
            end = offset + len(content)
            is_last = end >= size or not content
            yield Piece(name, offset, content, hasher.hexdigest() if is_last else "")
            if is_last:
                return
            offset = end


def batches(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The pieces in groups that one call can carry, so that many small files cost few calls."""
    group: list[Piece] = []
    size = 0
    for piece in pieces:
        if group and (size + len(piece.content) > PIECE_BYTES or len(group) >= _MOST_FILES):
            yield group
            group, size = [], 0
        group.append(piece)
        size += len(piece.content)
    if group:
        yield group


def path_inside(folder: Path, name: str) -> Path:
    """The path of a file that another machine names; StorageError for a name that could lead out of the folder."""
    parts = name.split("/")
    if len(parts) > _MOST_PARTS or not all(map(_NAME.fullmatch, parts)):
        raise StorageError(f"A file from another machine has the name {name[:80]!r}, which no file of a run has.")
    return folder.joinpath(*parts)


@dataclass
class _Arriving:
    """A file of which some pieces have come."""

    target: Path
    temp: Path
    handle: BinaryIO
    size: int = 0
    hasher: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def give_up(self) -> None:
        """Remove what has come."""
        with contextlib.suppress(OSError):
            self.handle.close()
        with contextlib.suppress(OSError):
            self.temp.unlink(missing_ok=True)


class Receiver:
    """Writes the files of a folder from their pieces; each replaces its old content once it is whole."""

    def __init__(self, folder: Path, *, durable: bool) -> None:
        """Receive into a folder that exists; `durable`: what has arrived also survives a power cut."""
        self._folder = folder
        self._durable = durable
        self._arriving: dict[str, _Arriving] = {}
        self._whole: dict[str, str] = {}  # the SHA-256 of each file that has arrived

    def take(self, piece: Piece) -> bool:
        """Take a piece, also once more where it is not known whether it came; whether its file is whole now.

        Raises:
            StorageError: the disk refused, a piece is missing, or the content is not the one that was sent; the old
                content is whole.
        """
        if piece.sha256 and piece.offset and self._whole.get(piece.name) == piece.sha256:
            return True  # it came before
        with storage_errors(f"writing {piece.name}"):
            arriving = self._arriving_at(piece)
            if piece.offset + len(piece.content) == arriving.size and not piece.sha256:
                return False  # it came before
            if piece.offset != arriving.size:
                self._give_up(piece.name)
                raise StorageError(f"A part of {piece.name} was lost on its way between two machines: try again.")
            try:
                return self._append(arriving, piece)
            except BaseException:
                self._give_up(piece.name)
                raise

    def close(self) -> None:
        """Remove what has not become whole."""
        for name in list(self._arriving):
            self._give_up(name)

    def _arriving_at(self, piece: Piece) -> _Arriving:
        if piece.offset == 0:
            self._give_up(piece.name)
            self._whole.pop(piece.name, None)
            target = path_inside(self._folder, piece.name)
            for parent in reversed(target.relative_to(self._folder).parents[:-1]):
                make_folder(self._folder / parent)
            temp = temp_beside(target)
            self._arriving[piece.name] = _Arriving(target, temp, open(temp, "wb"))  # noqa: SIM115 - pieces come later
        if piece.name not in self._arriving:
            raise StorageError(f"A part of {piece.name} was lost on its way between two machines: try again.")
        return self._arriving[piece.name]

    def _append(self, arriving: _Arriving, piece: Piece) -> bool:
        arriving.handle.write(piece.content)
        arriving.hasher.update(piece.content)
        arriving.size += len(piece.content)
        if not piece.sha256:
            return False
        if arriving.hasher.hexdigest() != piece.sha256:
            raise StorageError(f"{piece.name} arrived with another content than it was sent with: try again.")
        arriving.handle.flush()
        if self._durable:
            os.fsync(arriving.handle.fileno())
        arriving.handle.close()
        replace(arriving.temp, arriving.target)
        if self._durable:
            sync_folder(arriving.target.parent)
        del self._arriving[piece.name]
        self._whole[piece.name] = piece.sha256
        return True

    def _give_up(self, name: str) -> None:
        arriving = self._arriving.pop(name, None)
        if arriving is not None:
            arriving.give_up()
