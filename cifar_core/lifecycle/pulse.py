"""The heartbeat of a worker: the time stamp of its lock file, set to the monotonic clock every other second.

A time stamp needs no room, so a worker beats on a full disk as well, and thirty that wait write no file. The monotonic
clock, as in the status: neither a person nor summer time sets it. The file's own stamp, of its making, lies far beyond it
and so is no beat: a worker of an earlier version, which has none, is never taken for a silent one.
"""

import contextlib
import os
import time

from cifar_core.lifecycle.folder import LifeFolder

BEAT_SECONDS = 2.0
MISSED_SECONDS = 3 * BEAT_SECONDS  # without a beat: a worker that does not even look at what is asked of it
QUIET_SECONDS = 30.0  # a waiting worker that has not beaten for this long is passed over


class Pulse:
    """The worker's side, to be called often."""

    def __init__(self, folder: LifeFolder) -> None:
        self._lock = folder.lock
        self._next = 0.0

    def beat(self) -> None:
        """Tell that this worker lives, where it is time; a disk that refuses is not an error here."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + BEAT_SECONDS
            with contextlib.suppress(OSError):
                os.utime(self._lock, (now, now))


def quiet_seconds(folder: LifeFolder, queued: float | None, *, taken: bool) -> float:
    """For how long the worker of a run has not beaten; 0 where that cannot be known.

    Args:
        folder: the run's; its lock is held.
        queued: when the status was last written, monotonic seconds of this start of the machine.
        taken: whether the worker has said that it holds the lock, and so has beaten unless its version is an earlier one.
    """
    now = time.monotonic()
    try:
        stamp = folder.lock.stat().st_mtime
    except OSError:
        return 0.0
    if stamp > now and taken:
        return 0.0
    signs = [sign for sign in (stamp, queued) if sign is not None and sign <= now]
    return now - max(signs) if signs else 0.0
