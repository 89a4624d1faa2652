"""A run as one file, to keep or to give away: writes the .zip that `cifar_core.runs.transfer.importing` brings into another workspace.

What leaves is checked as what comes in is. Checkpoints stay: whoever opens the zip can read the run, not resume it.
"""

import contextlib
import hashlib
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from cifar_core.errors import RunError, StorageError
from cifar_core.limits import LIMITS_FILE, read_limits, require_room
from cifar_core.runs.control.actions import is_alive
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.transfer.audit import AuditedRun, audit_run
from cifar_core.runs.transfer.manifest import MANIFEST, Content, Manifest, is_run_file
from cifar_core.storage.atomic import new_file
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace

_PIECE = 1024 * 1024  # bytes
_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same run gives the same bytes
_TEXTS = (".json", ".jsonl")  # are packed; numbers hardly shrink, at a tenth of the speed


def export_run(workspace: Workspace, run_id: str, out: Path | None = None) -> Path:
    """Write a run that has ended into one new .zip, whole or not at all.

    Args:
        workspace: where the run lies.
        run_id: which.
        out: the file to make; `exports/RUN.zip` without it.

    Raises:
        ConfigError: the server's `settings.json` breaks a rule.
        RunError: no such run, it is running, damaged, larger than `export_mb`, changes meanwhile, or `out` exists.
        StorageError: there is no room, or the disk refused; nothing is left.
    """
    folder = run_folder(workspace, run_id)
    if is_alive(folder):
        raise RunError(f"Run {run_id} is running: export it when it has ended.")
    target = out or workspace.exports / f"{run_id}.zip"
    if os.path.lexists(target):
        raise RunError(f"{target} exists already: give another name with --out or remove it.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder {target.parent}: make it first or choose another with --out.")
    size, most = export_bytes(workspace, run_id), read_limits(workspace).export_mb * MB
    if size > most:
        raise RunError(f"Run {run_id} has {size_text(size)}, more than the {size_text(most)} that one export may have "
                       f"(export_mb in {LIMITS_FILE}).")  # fmt: skip
    require_room(workspace, size, "The export", place=target.parent)
    with storage_errors(f"writing {target.name}"), new_file(target) as handle, _unchanged(folder):
        try:
            sound = audit_run(folder)
        except ValueError as error:
            raise RunError(f"Run {run_id} cannot be exported: {error}.") from error
        _pack(handle, folder, sound)
    return target


def export_bytes(workspace: Workspace, run_id: str) -> int:
    """About what an export of a run holds before it is packed.

    Raises:
        RunError: no such run.
        StorageError: its files cannot be looked at.
    """
    return sum(size for size, _, _ in _marks(run_folder(workspace, run_id)).values())


@contextlib.contextmanager
def _unchanged(folder: RunFolder) -> Iterator[None]:
    """Refuse what was read of a run while it changed: resumed, renamed or deleted."""
    before = _marks(folder)
    changed = RunError(f"Run {folder.path.name} changed or was deleted while it was exported: nothing was written.")
    try:
        yield
    except (RunError, FileNotFoundError) as error:
        if _marks(folder) != before:
            raise changed from error
        raise
    if _marks(folder) != before:
        raise changed


def _marks(folder: RunFolder) -> dict[str, tuple[int, int, int]]:
    """Size, time and number of each file of a run that travels, by its name; together they change when one of them does."""
    marks = {}
    for place, _, names in os.walk(folder.path):
        for name in names:
            path = Path(place, name)
            inside = path.relative_to(folder.path).as_posix()
            if is_run_file(inside):
                with storage_errors(f"looking at {inside}", to="read"), contextlib.suppress(FileNotFoundError):
                    found = path.lstat()
                    marks[inside] = (found.st_size, found.st_mtime_ns, found.st_ino)
    return marks


def _pack(handle: BinaryIO, folder: RunFolder, sound: AuditedRun) -> None:
    records, contents = sound.records, {}
    with zipfile.ZipFile(handle, "w") as archive:

        def add(name: str, stream: BinaryIO, size: int) -> None:
            entry = zipfile.ZipInfo(f"{folder.path.name}/{name}", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_TEXTS) else zipfile.ZIP_STORED
            entry.external_attr, entry.file_size = 0o644 << 16, size
            digest = hashlib.sha256()
            with archive.open(entry, "w") as target:
                while piece := stream.read(_PIECE):
                    digest.update(piece)
                    target.write(piece)
            contents[name] = Content(size, digest.hexdigest())

        for name, text in records.texts().items():
            add(name, io.BytesIO(text), len(text))
        for name in sound.files:
            with open(folder.path / name, "rb") as stream:
                add(name, stream, os.fstat(stream.fileno()).st_size)
        text = Manifest(records.config["id"], records.origin, contents).text()
        add(MANIFEST, io.BytesIO(text), len(text))
