"""The heartbeat of a worker: the time stamp of a file of its own, set to the monotonic clock every two seconds.

A time stamp needs no space, so it works on a full disk too, and thirty waiting workers write no data. The worker
creates the file itself, because only a file's owner may set its time, and it holds a lock on the file. A heartbeat file
without that lock was left by an earlier worker, so whether the present one responds cannot be known. Such a worker
counts as responding. So does a worker of an earlier version, or one for which the disk refuses the file.
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
MISSED_SECONDS = 3 * BEAT_SECONDS  # without a beat: such a worker does not read its requests any more
UNRESPONSIVE_SECONDS = 30.0  # a waiting worker without a beat for this long is passed over
_STILL_SECONDS = 3.0  # a longer gap between two calls means that this process stood still; longer than between beats
# The year 2000. Bare monotonic seconds would be a time in 1970, which some file systems cannot store.
_EPOCH = 946_684_800.0


class Standstill:
    """Whether this process itself stood still recently, as when the whole machine was suspended, or has just started.

    Other workers may have stood still as well, so their old heartbeats prove nothing until they had time for a new one.
    """

    def __init__(self) -> None:
        self._checked = time.monotonic()
        self._over = self._checked + MISSED_SECONDS

    def is_recent(self) -> bool:
        """Call this often, and after a heartbeat was read, because this process may stand still between the two."""
        now = time.monotonic()
        if now - self._checked > _STILL_SECONDS:
            self._over = now + MISSED_SECONDS
        self._checked = now
        return now < self._over


class Heartbeat:
    """Sets the time stamp, on the worker's side."""

    def __init__(self, folder: LifeFolder) -> None:
        self._file = folder.heartbeat
        self._next = 0.0
        self.standstill = Standstill()

    def beat(self) -> None:
        """Set the time stamp where it is due, to be called often; a disk that refuses is not an error here."""
        self.standstill.is_recent()  # this has to be called often
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
    """Start the heartbeat of a run's worker, which holds the run's lock; without a file where the disk refuses."""
    heartbeat = Heartbeat(folder)
    with ExitStack() as held:
        with contextlib.suppress(StorageError):
            remove(folder.heartbeat)  # it may belong to another user
            held.enter_context(hold_lock(folder.heartbeat))
        heartbeat.beat()
        yield heartbeat


def has_worker(folder: LifeFolder) -> bool:
    """Whether the worker of a run lives on this machine: a dead one holds no lock.

    Raises:
        StorageError: that cannot be known.
    """
    return is_locked(folder.lock)


def seconds_since_beat(folder: LifeFolder, queued: float | None, *, taken: bool) -> float:
    """How long ago the worker of a run set its heartbeat; 0 where that cannot be known.

    Args:
        folder: of the run; a worker holds its lock.
        queued: when the status was last written, monotonic seconds of this start of the machine.
        taken: whether the worker has written that it holds the lock, and so has a heartbeat unless the disk refused it.
    """
    now = time.monotonic()
    last = _last_beat(folder, now)
    if last is None and taken:
        return 0.0
    times = [moment for moment in (last, queued) if moment is not None and moment <= now]
    return now - max(times) if times else 0.0


def _last_beat(folder: LifeFolder, now: float) -> float | None:
    """Monotonic seconds of a worker's last beat before `now`; None where there is none, or it cannot be read.

    A file that was created and not yet touched has a time of the system clock, which lies far after `now`.
    """
    try:
        beat = folder.heartbeat.lstat().st_mtime - _EPOCH if is_locked(folder.heartbeat) else now + 1
    except (OSError, StorageError):
        return None
    return beat if beat <= now else None
