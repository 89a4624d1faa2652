"""The heartbeat of a worker: the time stamp of a file of its own, set to the monotonic clock every other second.

A time stamp needs no room, so a worker beats on a full disk as well, and thirty that wait write nothing. The file is made by
the worker itself, for only a file's owner may set its time, and the worker holds a lock on it: without that lock it is of an
earlier worker, and whether the present one responds cannot be known. Such a worker counts as one that does. So does that of
an earlier version, or one to which the disk refuses the file.
"""

import contextlib
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack

from cifar_core.errors import StorageError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.storage.atomic import remove
from cifar_core.storage.locks import hold_lock, is_locked

BEAT_SECONDS = 2.0
MISSED_SECONDS = 3 * BEAT_SECONDS  # without a beat: a worker that does not even look at what is asked of it
UNRESPONSIVE_SECONDS = 30.0  # a waiting worker that has not beaten for this long is passed over
_STILL_SECONDS = 3.0  # between two looks of a process: it stood still; with a beat's distance still no missed one
_EPOCH = 946_684_800.0  # the year 2000; 1970, where bare monotonic seconds lie, is more than some disks can store


class Standstill:
    """Whether this process itself stood still of late, as when the whole machine did, or has only just begun to look.

    Then the others could not beat either, and whoever wakes first judges nobody until they have had the time to.
    """

    def __init__(self) -> None:
        self._looked = time.monotonic()
        self._over = self._looked + MISSED_SECONDS

    def is_recent(self) -> bool:
        """To be called often, and last before a judgement: who stood still on the way to it judges by an old sign."""
        now = time.monotonic()
        if now - self._looked > _STILL_SECONDS:
            self._over = now + MISSED_SECONDS
        self._looked = now
        return now < self._over


class Heartbeat:
    """The worker's side, to be called often."""

    def __init__(self, folder: LifeFolder) -> None:
        self._file = folder.heartbeat
        self._next = 0.0
        self.standstill = Standstill()

    def beat(self) -> None:
        """Tell that this worker lives, where it is time; a disk that refuses is not an error here."""
        self.standstill.is_recent()  # which has to be asked often
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BEAT_SECONDS
            with contextlib.suppress(OSError):
                os.utime(
                    self._file,
                    (_EPOCH + now, _EPOCH + now),
                    follow_symlinks=os.utime not in os.supports_follow_symlinks,
                )


@contextlib.contextmanager
def start_heartbeat(folder: LifeFolder) -> Iterator[Heartbeat]:
    """The heartbeat of a run's worker, which holds the run's lock; it has begun, unless the disk refuses."""
    heartbeat = Heartbeat(folder)
    with ExitStack() as held:
        with contextlib.suppress(StorageError):
            remove(folder.heartbeat)  # perhaps of another user
            held.enter_context(hold_lock(folder.heartbeat))
        heartbeat.beat()
        yield heartbeat


def seconds_since_beat(folder: LifeFolder, queued: float | None, *, taken: bool) -> float:
    """For how long the worker of a run has not beaten; 0 where that cannot be known.

    Args:
        folder: the run's; its lock is held.
        queued: when the status was last written, monotonic seconds of this start of the machine.
        taken: whether the worker has said that it holds the lock, and so has beaten unless it cannot.
    """
    now = time.monotonic()
    last = _last_beat(folder, now)
    if last is None and taken:
        return 0.0
    signs = [sign for sign in (last, queued) if sign is not None and sign <= now]
    return now - max(signs) if signs else 0.0


def _last_beat(folder: LifeFolder, now: float) -> float | None:
    """Monotonic seconds of a worker's last beat before `now`; None where it has none, or none that we may see.

    The stamp of a file that was made and not yet touched is of the usual clock, and so lies far beyond.
    """
    try:
        beat = folder.heartbeat.lstat().st_mtime - _EPOCH if is_locked(folder.heartbeat) else now + 1
    except (OSError, StorageError):
        return None
    return beat if beat <= now else None
