"""Atomic writes: a file or folder appears whole or not at all.

Everything that the project writes goes through here, so a crash at any instruction leaves the old state or the new one.
`cifar_core.storage.faults` can make each of these writes fail, for tests.
"""

import contextlib
import errno
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from cifar_core.storage import faults
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import share_permissions
from cifar_core.text import size_text

TEMP_MARK = ".tmp-"  # the names of all unfinished files and folders begin with it
_NAME_SHOWN = 40  # characters of a file's name in its unfinished name, so that both together stay under 255 bytes
_REPLACE_TRIES = 10  # Windows refuses to replace a file while a reader has it open
_POSIX = os.name == "posix"


def temp_beside(path: Path) -> Path:
    """A new name for an unfinished file, in the folder of `path`."""
    return path.with_name(f"{TEMP_MARK}{path.name[:_NAME_SHOWN]}-{os.getpid()}-{secrets.token_hex(4)}")


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` survive a power cut (POSIX; Windows has no such call)."""
    if _POSIX:
        handle = os.open(folder, os.O_RDONLY)
        try:
            _sync(handle)
        finally:
            os.close(handle)


def _sync(descriptor: int) -> None:
    faults.inject("fsync")
    os.fsync(descriptor)


def replace(source: Path, target: Path) -> None:
    """`os.replace` that on Windows waits a little for a reader before it raises."""
    for attempt in range(_REPLACE_TRIES):
        try:
            faults.inject("replace")
            os.replace(source, target)
            return
        except PermissionError:
            if _POSIX or attempt == _REPLACE_TRIES - 1:
                raise
            time.sleep(0.05 * (attempt + 1))


def remove(path: Path) -> None:
    """Remove a file; a missing one is not an error.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors(f"removing {path.name}"):
        faults.inject("remove")
        path.unlink(missing_ok=True)


def remove_folder(path: Path, what: str) -> None:
    """Remove a folder with its content, or only the link where it is one.

    This is not atomic: rename the folder first where a half removed one would be taken for a whole one.

    Raises:
        StorageError: the disk refused while `what`, such as "deleting tiny"; some of it may be gone.
    """
    with storage_errors(what):
        faults.inject("remove")
        if path.is_symlink() or not path.is_dir():
            path.unlink()
        else:
            shutil.rmtree(path)


def make_folder(path: Path) -> None:
    """Create a folder with the permissions of the one around it, whatever the umask; an existing one is not an error.

    Raises:
        StorageError: the disk refused, or the folder around it does not exist.
    """
    with storage_errors(f"making the folder {path.name}"):
        if not path.is_dir():
            faults.inject("write")
            path.mkdir(exist_ok=True)
            if _POSIX:
                share_permissions(path, path.parent, 0o777)


@contextlib.contextmanager
def new_file(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Write a file in pieces; it appears whole or not at all, and replaces an older one.

    Args:
        path: the file; its folder exists.
        durable: also survive a power cut (fsync).

    Raises:
        OSError: the disk refused (`storage_errors` around it makes a sentence of it). The older file is whole, and
            no temporary file is left.
    """
    temp = temp_beside(path)
    try:
        with open(temp, "wb") as handle:
            yield faults.wrap(handle)
            if durable:
                handle.flush()
                _sync(handle.fileno())
        replace(temp, path)
    except BaseException:
        temp.unlink(missing_ok=True)
        raise
    if durable:
        sync_folder(path.parent)


def write_whole(handle: BinaryIO, content: bytes) -> None:
    """Write all of it to an unbuffered file, which may take only some at a time; OSError where the disk refuses."""
    while content:
        content = content[faults.wrap(handle).write(content) :]


def write_atomic(path: Path, *parts: bytes | memoryview, durable: bool = True) -> None:
    """Write a whole file or leave the old one.

    Args:
        path: the file; its folder exists.
        parts: its bytes, in one piece or several.
        durable: also survive a power cut (fsync); progress, which is rewritten twice a second, does not need it.

    Raises:
        StorageError: the disk refused; the old file is whole and no temporary file is left. Where it is full, the
            sentence says how much is needed and how much there is.
    """
    needed = sum(len(part) for part in parts)
    with storage_errors(f"writing {path.name}", room=lambda: _room(path.parent, needed)):
        if durable and needed > shutil.disk_usage(path.parent).free:
            # The write is refused rather than use up the space that others need as well.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with new_file(path, durable=durable) as handle:
            for part in parts:
                handle.write(part)


def _room(folder: Path, needed: int) -> str:
    free = shutil.disk_usage(folder).free
    if needed <= free:
        return " (it takes no more files, or a quota is used up)"
    return f" (it needs {size_text(needed)}, {size_text(free)} are free)"


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or copy it with its times where the file system has no hard links.

    Raises:
        StorageError: the disk refused; no half file is left.
    """
    with storage_errors(f"writing {target.name}"):
        faults.inject("write")
        with contextlib.suppress(OSError):
            target.unlink(missing_ok=True)
            os.link(source, target)
            sync_folder(target.parent)
            return
        with open(source, "rb") as content, new_file(target) as handle:
            shutil.copyfileobj(content, handle)
        shutil.copystat(source, target)


def append_line(path: Path, line: str, *, durable: bool = True) -> None:
    """`append_lines` of one line."""
    append_lines(path, [line], durable=durable)


def append_lines(path: Path, lines: Sequence[str], *, durable: bool = True) -> None:
    """Append lines, all or none of them; a torn last line of an earlier crash is cut off first.

    Args:
        path: the file; its folder exists. No other process may append at the same time: see `storage/locks.py`.
        lines: without their line breaks.
        durable: also survive a power cut (fsync).

    Raises:
        StorageError: the disk refused; the lines before are whole.
        ValueError: a line contains a line break.
    """
    if any("\n" in line for line in lines):
        raise ValueError(f"a line for {path.name} contains a line break")
    with storage_errors(f"writing {path.name}"), open(path, "ab+", buffering=0) as handle:
        end = whole_lines_end(path)
        handle.truncate(end)
        try:
            # Unbuffered, so that closing the file does not write the rest of a failed line.
            write_whole(handle, "".join(f"{line}\n" for line in lines).encode())
            if durable:
                _sync(handle.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                handle.truncate(end)
            raise


def whole_lines_end(path: Path) -> int:
    """The offset after the last newline of a file; what follows is a torn line. 0 for an empty or missing file."""
    if not path.exists():
        return 0
    with open(path, "rb") as handle:
        end = handle.seek(0, os.SEEK_END)
        while end > 0:
            start = max(0, end - 65_536)
            handle.seek(start)
            newline = handle.read(end - start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


def subfolders(folder: Path) -> list[str]:
    """Names of the folders inside one, in any order and without links; none where it does not exist.

    Raises:
        StorageError: it cannot be read.
    """
    with (
        storage_errors(f"listing {folder.name}", to="read"),
        contextlib.suppress(FileNotFoundError),
        os.scandir(folder) as entries,
    ):
        return [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    return []


@contextlib.contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Build a folder that appears whole or not at all: fill the yielded folder, which gets its name at the end.

    Raises:
        FileExistsError: `path` exists already; it is untouched.
        StorageError: the disk refused; nothing is left.
    """
    temp = temp_beside(path)
    with storage_errors(f"making {path.name}"):
        faults.inject("write")
        temp.mkdir(parents=True)
    try:
        yield temp
        _name_folder(temp, path)
    except BaseException:
        shutil.rmtree(temp, ignore_errors=True)
        raise
    with storage_errors(f"making {path.name}"):
        sync_folder(path.parent)


def _name_folder(temp: Path, path: Path) -> None:
    if os.path.lexists(path):  # a rename would replace an empty folder
        raise FileExistsError(path)
    try:
        faults.inject("replace")
        temp.rename(path)  # where two processes build it at once, this refuses the second
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise FileExistsError(path) from error
        with storage_errors(f"making {path.name}"):
            raise


def sweep_temp(folder: Path, *, older_than: float = 3600.0, spare: Collection[Path] = ()) -> int:
    """Remove what crashed writers left in `folder`, as far as permissions allow; returns how many.

    Args:
        folder: where to look.
        older_than: seconds; newer ones may still be written.
        spare: files whose unfinished versions stay, because other processes may be writing them now.
    """
    swept, spared = 0, tuple(TEMP_MARK + path.name for path in spare)
    found: list[Path] = []
    with contextlib.suppress(OSError):  # it may not be readable, or not a folder
        found.extend(folder.glob(f"{TEMP_MARK}*"))
    for item in found:
        with contextlib.suppress(OSError):
            if item.name.startswith(spared):
                continue
            if time.time() - item.lstat().st_mtime < older_than:
                continue
            if item.is_dir() and not item.is_symlink():
                shutil.rmtree(item)
            else:
                item.unlink()
            swept += 1
    return swept
