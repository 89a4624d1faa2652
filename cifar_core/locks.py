"""The operating system's lock on a file, which dies with its holder. `cifar_core.files` offers it to the others."""

import errno
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.errors import StorageError

if sys.platform != "win32":
    import fcntl

_LOCK_STEP = 0.02  # seconds between tries for a lock
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def acquired(path: Path, seconds: float) -> Callable[[], None] | None:
    """Take a lock and say how to let go of it; None where another held it for all of `seconds`.

    `FileLock` would make a folder anew that was deleted just now, and with it the ghost of a run; only Windows needs it.
    """
    if sys.platform == "win32":
        lock = FileLock(path)
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            return None
        return lock.release
    until = time.monotonic() + seconds
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    try:
        while not _flocked(handle, path):
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(_LOCK_STEP)
    except BaseException:
        os.close(handle)
        raise

    def release() -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)  # a process that is being forked just now has the file open as well
        os.close(handle)

    return release


def _flocked(handle: int, path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        if error.errno not in _NO_LOCKS:
            raise
        raise StorageError(
            f"{path.parent} lies on a file system without locks, as some network disks are, where the living "
            "cannot be told from the dead: keep the workspace on another disk (--workspace or CIFAR_WORKSPACE)."
        ) from error
    return True
