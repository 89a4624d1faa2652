"""Errors of the disk as one plain sentence."""

import contextlib
import errno
from collections.abc import Callable, Iterator

from cifar_core.errors import StorageError

ALLOW = "let its owner allow it (chmod -R g+rwX)"  # what to do where a file belongs to another person


@contextlib.contextmanager
def storage_errors(what: str, *, room: Callable[[], str] = str, to: str = "write") -> Iterator[None]:
    """Turn an `OSError` of the disk into a `StorageError` that names `what` was being done.

    Args:
        what: the action, such as "writing status.json".
        room: text for the sentence of a full disk: how much space is needed and how much there is.
        to: the verb for the sentence of a missing permission, "write" or "read".

    Raises:
        StorageError: the disk is full, read-only, or refused in another way.
    """
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(f"The disk is full while {what}{room()}: free some space and try again.") from error
        place = f" ({error.filename})" if error.filename else ""
        if error.errno == errno.EROFS:
            raise StorageError(f"No permission to write while {what}{place}: choose another workspace.") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            raise StorageError(
                f"No permission to {to} while {what}{place}: {ALLOW}, or choose another workspace."
            ) from error
        raise StorageError(f"The disk refused while {what}: {error.strerror or error}.") from error
