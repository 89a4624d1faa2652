"""The operating system's locks on files, which end with the process that holds them."""

import contextlib
import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from cifar_core.errors import StorageError
from cifar_core.storage.disk_errors import storage_errors

if sys.platform != "win32":
    import fcntl

# How long taking a lock is tried at least: `is_held` of another process takes the lock for a moment as well.
PROBE_SECONDS = 0.2
_LOCK_STEP = 0.02  # seconds between tries for a lock, at first a tenth of that and then ever longer
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)


def acquire(path: Path, seconds: float) -> Callable[[], None] | None:
    """Take a lock and return the function that releases it; None where another process held it for all of `seconds`.

    Only Windows uses `FileLock`, which would create a folder that was just deleted again, and with it an empty run.
    """
    if sys.platform == "win32":
        lock = FileLock(path)
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            return None
        return lock.release
    until = time.monotonic() + seconds
    handle, step = _opened(path), _LOCK_STEP / 10
    try:
        while not _flocked(handle, path):
            if time.monotonic() >= until:
                os.close(handle)
                return None
            time.sleep(step)
            step = min(_LOCK_STEP, 2 * step)
    except BaseException:
        os.close(handle)
        raise

    def release() -> None:
        # Closing alone would not do: a process that is being forked has the file open too.
        fcntl.flock(handle, fcntl.LOCK_UN)
        os.close(handle)

    return release


def is_held(path: Path) -> bool:
    """Whether a process holds a lock; without a file it is free. OSError where the file cannot be opened."""
    if sys.platform == "win32":
        release = acquire(path, PROBE_SECONDS) if path.exists() else None
        if release is not None:
            release()
        return path.exists() and release is None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # does not wait for a pipe in its place
    except FileNotFoundError:
        return False
    try:
        # The lock is shared, so that two checks at once do not disturb each other.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    """The file of a lock, created where there is none; a lock can also be held on a file that may only be read."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        if error.errno not in _DENIED or not path.is_file():
            raise
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    share_permissions(handle, path.parent, 0o666)
    return handle


def share_permissions(target: Path | int, folder: Path, most: int) -> None:
    """Give a file or folder the permissions of the folder around it, whatever the umask, so that all users share it.

    Only what belongs to this user is changed.

    Args:
        target: a path or an open file.
        folder: the one it lies in.
        most: permission bits it may get.
    """
    found, wanted = os.stat(target), folder.stat().st_mode & most  # noqa: PTH116 - also takes an open file
    if found.st_uid == os.geteuid() and wanted & ~found.st_mode:
        with contextlib.suppress(PermissionError):  # a file system without such bits
            os.chmod(target, stat.S_IMODE(found.st_mode) | wanted)  # noqa: PTH101


def _flocked(handle: int, path: Path) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return False
        if error.errno not in _NO_LOCKS:
            raise
        raise StorageError(
            f"{path.parent} lies on a file system without locks, as some network disks are. On it, a dead process "
            "cannot be told from a living one: keep the workspace on another disk (--workspace or CIFAR_WORKSPACE)."
        ) from error
    return True


@contextlib.contextmanager
def hold_lock(path: Path, *, timeout: float = 0.0) -> Iterator[bool]:
    """Hold the operating system's lock on `path`; the kernel releases it when this process dies for any reason.

    Yields:
        True when this process holds it, False when another did for all of `timeout` seconds.

    Raises:
        StorageError: the lock file cannot be created, as where its folder is missing (which is not created), or the
            file system has no locks.
    """
    if not path.parent.is_dir():
        raise StorageError(f"{path.parent} does not exist any more: it was moved or deleted.")
    with storage_errors(f"locking {path.name}"):
        release = acquire(path, max(timeout, PROBE_SECONDS))
    try:
        yield release is not None
    finally:
        if release is not None:
            release()


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on `path`. This creates no file; without one the lock is free.

    Raises:
        StorageError: the file cannot be opened, so that this cannot be known.
    """
    with storage_errors(f"reading {path.name}", to="read"):
        return is_held(path)
