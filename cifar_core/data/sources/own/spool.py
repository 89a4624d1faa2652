"""The pictures that an import has read so far, in files that outlive a kill, so that the import goes on from there.

Writes a folder of its own: `source.json` (what is read, and how), `facts.bin` (a record for each file that was read),
`pixels.bin` (their pictures, in the same order), `originals.bin` and `problems.json`. The facts are written last: what
they do not speak of is cut off when the import goes on.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from cifar_core.data.array_files import array_header
from cifar_core.data.originals.keeping import NOWHERE, KeptOriginals
from cifar_core.data.picture_reader import read_pictures
from cifar_core.data.pictures import SIZE, Picture
from cifar_core.errors import StorageError
from cifar_core.jobs.progress import OnProgress
from cifar_core.storage import faults
from cifar_core.storage.atomic import make_folder, new_file, write_whole
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.text import MB, counted

PICTURE_BYTES = 3 * SIZE * SIZE
UNUSABLE, TWICE, USABLE, IN_TWO_READINGS = 1, 2, 3, 4  # kinds of files; 0 is a record that a power cut left empty
_READINGS = np.array([0, 0, 0, 1, 2])  # pictures of a file of each kind: with white at 65,535, and at 4,095
FACT = np.dtype(
    [
        ("file", "<u4"),  # its place in the listing
        ("kind", "u1"),
        ("grey", "u1"),  # 1: grey of 16 bits that may hold 12; 2: it holds more
        ("format", "u1"),
        ("size", "<i4", 2),  # width and height before it was resized
        ("original", "<i8", 2),  # its place in the originals
        ("twelve", "<i8", 2),  # that of the reading with white at 4,095
    ]
)
_SECONDS = 2.0  # of work that a kill costs at most
_COPIED = 4096  # pictures that are put into their order at once
_SOURCE, _FACTS, _PIXELS, _PROBLEMS = "source.json", "facts.bin", "pixels.bin", "problems.json"


class Spool:
    """The pictures read so far. Use it in `with`; `remove_spool` removes what it has written."""

    def __init__(self, folder: Path, source: Mapping[str, object], total: int) -> None:
        """Go on with what was read in a folder, if it was read from the same `source`; else begin anew.

        Raises:
            StorageError: the disk refused.
        """
        self._folder = folder
        source = {**source, "total": total}
        with storage_errors("keeping the pictures that are read"):
            before = _read_source(folder)
            self.is_another = before is not None and before != source  # what was read before cannot be used
            if before != source:
                remove_spool(folder)
                make_folder(folder)
                write_json(folder / _SOURCE, source)
            facts = self._whole_facts()
            self.pictures = int(_READINGS[facts["kind"]].sum())
            self._facts = _opened(folder / _FACTS, facts.nbytes, 0)
            self._pixels = _opened(folder / _PIXELS, self.pictures * PICTURE_BYTES, MB)
        self.originals = KeptOriginals(folder, *_originals_so_far(facts))
        self.begun_with = facts  # those of an earlier process
        unusable = int((facts["kind"] < USABLE).sum())
        self.problems = _read_problems(folder)[:unusable]  # sentences on files that cannot be used, the first ones
        self._written = len(self.problems)
        self._waiting: list[bytes] = []  # facts that are not written yet
        self._next = time.monotonic() + _SECONDS

    def add(self, file: int, picture: Picture, twelve: Picture | None, *, grey: int) -> None:
        """Take a picture, the file at this place of the listing, and its reading with white at 4,095 where it has one.

        Raises:
            StorageError: the disk refused.
        """
        reduced = NOWHERE if twelve is None else self.originals.keep(twelve.upright)
        original = self.originals.keep(picture.upright)
        with storage_errors("keeping the pictures that are read"):
            for reading in (picture, *([] if twelve is None else [twelve])):
                faults.wrap(self._pixels).write(reading.pixels.data)
                self.pictures += 1
        kind = USABLE if twelve is None else IN_TWO_READINGS
        size = picture.width, picture.height
        self._note((file, kind, grey, picture.format, size, original, reduced))

    def add_unusable(self, file: int, *, twice: bool = False) -> None:
        """Note that this file cannot be used; the sentence that says it, if it is to be listed, is in `problems`."""
        self._note((file, TWICE if twice else UNUSABLE, 0, 0, (0, 0), NOWHERE, NOWHERE))

    def facts(self) -> np.ndarray:
        """The records of all files read, `FACT` [F]."""
        self._flush()
        return np.fromfile(self._folder / _FACTS, FACT)

    def in_order(self, pictures: np.ndarray, name: str, progress: OnProgress) -> Path:
        """Write the pictures with these numbers, int64 [N], one after the other into a `.npy` file of this name.

        Raises:
            CancelledError: from `progress`.
            StorageError: the disk refused.
        """
        self._flush()
        path = self._folder / name
        read = np.memmap(self._folder / _PIXELS, np.uint8, "r", 0, (self.pictures, 3, SIZE, SIZE)).view(np.ndarray)
        with storage_errors(f"writing {name}"), new_file(path) as target:
            target.write(array_header(np.dtype(np.uint8), (len(pictures), 3, SIZE, SIZE)))
            for start in range(0, len(pictures), _COPIED):
                progress("Putting the pictures in order", start, len(pictures), "pictures")
                target.write(read_pictures(read, pictures[start : start + _COPIED]).data)
        return path

    def _note(self, fact: tuple[object, ...]) -> None:
        self._waiting.append(np.array(fact, FACT).tobytes())
        if time.monotonic() >= self._next:
            self._flush()
            self._next = time.monotonic() + _SECONDS

    def _flush(self) -> None:
        """Write what waits, the facts last: a power cut too leaves no fact without its picture and original."""
        if not self._waiting:
            return
        with storage_errors("keeping the pictures that are read"):
            self._pixels.flush()
            os.fsync(self._pixels.fileno())
            self.originals.sync()
            if len(self.problems) > self._written:
                write_json(self._folder / _PROBLEMS, self.problems)
                self._written = len(self.problems)
            write_whole(self._facts, b"".join(self._waiting))
        self._waiting.clear()

    def _whole_facts(self) -> np.ndarray:
        """The records up to the first that is not whole, or whose picture is not."""
        try:
            facts = np.fromfile(self._folder / _FACTS, FACT)
            pixels = (self._folder / _PIXELS).stat().st_size // PICTURE_BYTES
        except FileNotFoundError:
            return np.empty(0, FACT)
        kinds = facts["kind"]
        sound = (kinds > 0) & (kinds < len(_READINGS)) & (np.cumsum(_READINGS[np.minimum(kinds, 4)]) <= pixels)
        return facts[: len(facts) if sound.all() else int(sound.argmin())]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if not isinstance(error, StorageError):
                self._flush()
        finally:
            for file in (self._facts, self._pixels, self.originals):
                with contextlib.suppress(OSError):  # where the disk is full, the rest of a picture cannot be written
                    file.close()


def first_pictures(facts: np.ndarray) -> np.ndarray:
    """The number of the first picture of each file, int64 [F]; that of its second reading follows it."""
    readings = _READINGS[facts["kind"]]
    return np.cumsum(readings) - readings


def read_so_far(folder: Path) -> tuple[int, int]:
    """How many files an unfinished import has read, and of how many; 0 of 0 where there is none."""
    source = _read_source(folder)
    total = source.get("total", 0) if isinstance(source, dict) else 0
    try:
        return (folder / _FACTS).stat().st_size // FACT.itemsize, total if isinstance(total, int) else 0
    except OSError:
        return 0, 0


def last_read(folder: Path) -> float:
    """When an unfinished import last read a file, in seconds since 1970; OSError where there is none."""
    return (folder / _FACTS).stat().st_mtime


def unfinished_sentence(folder: Path, name: str) -> str:
    """What an import of the dataset `name` has read that did not end; empty where there is none."""
    done, total = read_so_far(folder)
    if not done:
        return ""
    return (
        f"{done:,} of {counted(total, 'file')} are read already: an import of the same files goes on there; Dismiss, "
        f"or `data give-up {name}`, removes them."
    )


def remove_spool(folder: Path) -> None:
    """Remove what was read; StorageError where the disk refuses."""
    with storage_errors(f"removing {folder.name}"):
        if folder.exists():
            faults.inject("remove")
            shutil.rmtree(folder)


def _opened(path: Path, size: int, buffering: int) -> BinaryIO:
    """A file to append to, of which the first `size` bytes stay."""
    file = open(path, "ab", buffering)  # noqa: SIM115 - closed at the end of the import
    file.truncate(size)
    return file


def _originals_so_far(facts: np.ndarray) -> tuple[int, bool]:
    """Where the next original begins, and whether one did not fit any more."""
    large = (facts["kind"] >= USABLE) & (facts["size"].max(axis=1, initial=0) > SIZE)
    places = [facts["original"][large], facts["twelve"][large & (facts["kind"] == IN_TWO_READINGS)]]
    ends = [int(place.sum(axis=1).max(initial=0)) for place in places]
    return max(ends), any(bool((place[:, 1] == 0).any()) for place in places)


def _read_source(folder: Path) -> object:
    try:
        return read_json(folder / _SOURCE, max_bytes=MB)
    except (OSError, ValueError):
        return None


def _read_problems(folder: Path) -> list[str]:
    try:
        found = read_json(folder / _PROBLEMS, max_bytes=MB)
    except (OSError, ValueError):
        return []
    return [str(sentence) for sentence in found] if isinstance(found, list) else []
