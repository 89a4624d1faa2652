"""The operating system's lock on a file, which dies with its holder."""

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

PROBE_SECONDS = (
    0.2  # trying on for this long outlasts `is_held` of another process, which takes the lock for an instant
)
_LOCK_STEP = 0.02  # seconds between tries for a lock
_DENIED = (errno.EACCES, errno.EPERM, errno.EROFS)
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
    handle = _opened(path)
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


def is_held(path: Path) -> bool:
    """Whether a process holds a lock; one whose file is missing is free. OSError where the file cannot be opened."""
    if sys.platform == "win32":
        release = acquired(path, PROBE_SECONDS) if path.exists() else None
        if release is not None:
            release()
        return path.exists() and release is None
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe in its place is not waited for
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask at once do not deny each other
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _opened(path: Path) -> int:
    """The file of a lock, made where there is none; whoever may only read one that is there can hold it all the same."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    except OSError as error:
        if error.errno not in _DENIED or not path.is_file():
            raise
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    open_up(handle, path.parent, 0o666)
    return handle


def open_up(ours: Path | int, folder: Path, most: int) -> None:
    """Make what all users of a folder share as open as the folder, whatever our umask; that of others stays as it is.

    Args:
        ours: a path or an open file.
        folder: the one it lies in.
        most: permission bits it may get.
    """
    found, wanted = os.stat(ours), folder.stat().st_mode & most  # noqa: PTH116 - of an open file too
    if found.st_uid == os.geteuid() and wanted & ~found.st_mode:
        with contextlib.suppress(PermissionError):  # a file system that keeps no such bits
            os.chmod(ours, stat.S_IMODE(found.st_mode) | wanted)  # noqa: PTH101


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


@contextlib.contextmanager
def hold_lock(path: Path, *, timeout: float = 0.0) -> Iterator[bool]:
    """Hold the operating system's lock on `path`; the kernel frees it when this process dies, however it dies.

    Yields:
        True when this process holds it, False when another did for all of `timeout` seconds.

    Raises:
        StorageError: the lock file cannot be made, as where its folder is gone (it is not made anew), or the file system
            has no locks.
    """
    if not path.parent.is_dir():
        raise StorageError(f"{path.parent} is gone: it was moved or deleted.")
    with storage_errors(f"locking {path.name}"):
        release = acquired(path, max(timeout, PROBE_SECONDS))
    try:
        yield release is not None
    finally:
        if release is not None:
            release()


def is_locked(path: Path) -> bool:
    """Whether a living process holds the lock on `path`. Asking makes no file; a missing one is free.

    Raises:
        StorageError: the file cannot be opened, so that nobody can tell.
    """
    with storage_errors(f"looking at {path.name}", to="read"):
        return is_held(path)
