"""A trash: folders that were deleted, can be restored, and are removed for good after some days.

The folder of a deleted thing is named by the time of the deletion and its id: `20261125-152931-123-quiet-otter-7f3a`.
So deleting and restoring are one rename each, and there is no index that could disagree with the folders.
"""

import contextlib
import datetime
import errno
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import StorageError
from cifar_core.storage.atomic import (
    TEMP_MARK,
    make_folder,
    remove_folder,
    replace,
    subfolders,
    sync_folder,
    temp_beside,
)
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_types import moment_of

_NAME = re.compile(r"(\d{8}-\d{6}-\d{3})-(.+)", re.ASCII)
_TIME_FORMAT = "%Y%m%d-%H%M%S-"
_NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)
_FIRST_YEAR = 2026  # of this program: an earlier date comes from a clock that was not set
_TRIES = 1000  # of names, whose times are a millisecond apart


@dataclass(frozen=True)
class Deleted:
    """A folder in a trash: a deleted thing, or something else, as its `problem` says."""

    id: str
    deleted: datetime.datetime | None  # UTC; None where the folder's name has no possible time
    path: Path
    problem: str = ""  # why it is not a deleted thing; it can then be neither restored nor removed by this program


@dataclass(frozen=True)
class Trash:
    """The deleted things of one kind, each a folder in `folder`, which the first of them creates."""

    folder: Path
    kind: str  # as people call it, such as "run"
    is_id: Callable[[str], bool]  # whether a thing of this kind may have this id

    def take(self, place: Path) -> None:
        """Move the folder of a thing, whose name is its id, here; one rename, so open files stay readable on POSIX.

        Raises:
            StorageError: the disk refused; the folder is where it was.
        """
        make_folder(self.folder)
        with storage_errors(f"deleting {self.kind} {place.name}"):
            replace(place, self._free_name(place.name))
            sync_folder(self.folder)
            sync_folder(place.parent)

    def give_back(self, item: Deleted, target: Path) -> None:
        """Move a deleted thing out of the trash, unchanged; nothing may be at `target`.

        Raises:
            StorageError: the disk refused; it is still in the trash.
        """
        with storage_errors(f"bringing {self.kind} {item.id} back"):
            replace(item.path, target)
            sync_folder(target.parent)
            sync_folder(self.folder)

    def items(self) -> list[Deleted]:
        """All folders here: the deleted things, the last deleted first, then folders with other names.

        Raises:
            StorageError: the trash cannot be read.
        """
        return sorted(
            self._entries(), key=lambda item: (not item.problem, item.deleted or _NEVER, item.id), reverse=True
        )

    def find(self, wanted: str) -> Deleted | None:
        """The deleted thing with this id, of several the one deleted last, or whose folder in the trash has this name.

        Raises:
            StorageError: as `items`.
        """
        return next((item for item in self.items() if wanted in (item.id, item.path.name) and not item.problem), None)

    def empty(self, days: float) -> int:
        """Remove for good what was deleted `days` ago or earlier; returns how many.

        With 0 days this is all that was deleted, including that whose time is unknown or in the future.

        Raises:
            StorageError: the disk refused; what is left can still be restored.
        """
        limit = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
        found = [item for item in self.items() if not item.problem]
        old = [item for item in found if not days or (item.deleted is not None and item.deleted <= limit)]
        refused: list[StorageError] = []
        for item in old:
            try:
                self._remove(item)
            except StorageError as error:  # the others are still removed
                refused.append(error)
        if refused:
            raise refused[0]
        return len(old)

    def _remove(self, item: Deleted) -> None:
        what = f"removing the deleted {self.kind} {item.id}"
        with storage_errors(what), contextlib.suppress(FileNotFoundError):
            gone = temp_beside(item.path)
            replace(item.path, gone)  # so that a half-removed thing is never restored
            rights = os.R_OK | os.W_OK | os.X_OK
            denied = next((place for place, _, _ in os.walk(gone) if not os.access(place, rights)), None)
            if denied is not None:  # a folder of another user: put it back whole
                replace(gone, item.path)
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), denied)
            remove_folder(gone, what)

    def _entries(self) -> Iterator[Deleted]:
        for name in subfolders(self.folder):
            if name.startswith(TEMP_MARK):  # being removed for good
                continue
            match, path = _NAME.fullmatch(name), self.folder / name
            if match is None or not self.is_id(match[2]):
                problem = f"Not a deleted {self.kind}: the name of its folder has no date. It is left alone."
                yield Deleted(name, None, path, problem)
            else:
                yield Deleted(match[2], _time_of(match[1]), path)

    def _free_name(self, name: str) -> Path:
        """A free name for what is deleted now."""
        now = datetime.datetime.now(datetime.UTC)
        for number in range(_TRIES):
            moment = now + datetime.timedelta(milliseconds=number)
            path = self.folder / f"{moment:{_TIME_FORMAT}}{moment.microsecond // 1000:03d}-{name}"
            if not os.path.lexists(path):
                return path
        raise StorageError(f"{name} was deleted too often within a second: try again.")


def _time_of(text: str) -> datetime.datetime | None:
    """When a thing was deleted, from the name of its folder; None where the name has no possible time."""
    try:
        found = datetime.datetime.strptime(f"{text}000", f"{_TIME_FORMAT}%f").replace(tzinfo=datetime.UTC)
        return moment_of(found.isoformat()) if found.year >= _FIRST_YEAR else None
    except ValueError:
        return None
