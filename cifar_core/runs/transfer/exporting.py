"""Exports a run as one .zip, which `cifar_core.runs.transfer.importing` reads in another workspace.

A run is checked as strictly when it is exported as when it is imported. Checkpoints are left out, so an imported run
can be read but not resumed.
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
from cifar_core.runs.control.actions import is_active
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.sample_files import read_samples, samples_content
from cifar_core.runs.transfer.audit import AuditedRun, audit_run
from cifar_core.runs.transfer.manifest import MANIFEST, ListedFile, Manifest, is_run_file
from cifar_core.storage.atomic import new_file
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB, size_text
from cifar_core.workspace import Workspace

_CHUNK = 1024 * 1024  # bytes
_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that the same run gives the same bytes
_TEXTS = (".json", ".jsonl")  # only these are compressed: arrays hardly shrink, and compressing is ten times slower


def export_run(workspace: Workspace, run_id: str, out: Path | None = None) -> Path:
    """Write a run that has ended into one new .zip, whole or not at all.

    Args:
        workspace: where the run is.
        run_id: of the run.
        out: the file to make; `exports/RUN.zip` by default.

    Raises:
        ConfigError: the server's `settings.json` breaks a rule.
        RunError: no such run, it is running, damaged, larger than `export_mb`, changes meanwhile, or `out` exists.
        StorageError: there is no room, or the disk refused; no file is left.
    """
    folder = run_folder(workspace, run_id)
    if is_active(folder):
        raise RunError(f"Run {run_id} is running: export it when it has ended.")
    target = out or workspace.exports / f"{run_id}.zip"
    if os.path.lexists(target):
        raise RunError(f"{target} exists already: give another name with --out or remove it.")
    if not target.parent.is_dir():
        raise StorageError(f"There is no folder {target.parent}: create it first, or choose another with --out.")
    size, limit = export_bytes(workspace, run_id), read_limits(workspace).export_mb * MB
    if size > limit:
        raise RunError(
            f"Run {run_id} has {size_text(size)}, more than the {size_text(limit)} that one export may have "
            f"(export_mb in {LIMITS_FILE})."
        )
    require_room(workspace, size, "The export", place=target.parent)
    with storage_errors(f"writing {target.name}"), new_file(target) as handle, _require_unchanged(folder):
        try:
            audited = audit_run(folder)
        except ValueError as error:
            raise RunError(f"Run {run_id} cannot be exported: {error}.") from error
        _write_zip(handle, folder, audited)
    return target


def export_bytes(workspace: Workspace, run_id: str) -> int:
    """About how many bytes an export of a run has before compression.

    Raises:
        RunError: no such run.
        StorageError: the sizes of its files cannot be read.
    """
    return sum(size for size, _, _ in _stamps(run_folder(workspace, run_id)).values())


@contextlib.contextmanager
def _require_unchanged(folder: RunFolder) -> Iterator[None]:
    """Raise RunError where the run changes during the export, because it is resumed, renamed or deleted."""
    before = _stamps(folder)
    changed = RunError(f"Run {folder.path.name} changed or was deleted while it was exported: nothing was written.")
    try:
        yield
    except (RunError, FileNotFoundError) as error:
        if _stamps(folder) != before:
            raise changed from error
        raise
    if _stamps(folder) != before:
        raise changed


def _stamps(folder: RunFolder) -> dict[str, tuple[int, int, int]]:
    """Size, time and inode of each file that is exported, by its name; they change whenever a file does."""
    stamps = {}
    for place, _, names in os.walk(folder.path):
        for name in names:
            path = Path(place, name)
            inside = path.relative_to(folder.path).as_posix()
            if is_run_file(inside):
                with storage_errors(f"looking at {inside}", to="read"), contextlib.suppress(FileNotFoundError):
                    found = path.lstat()
                    stamps[inside] = (found.st_size, found.st_mtime_ns, found.st_ino)
    return stamps


def _write_zip(handle: BinaryIO, folder: RunFolder, audited: AuditedRun) -> None:
    records, listed = audited.records, {}
    with zipfile.ZipFile(handle, "w") as archive:

        def add(name: str, stream: BinaryIO, size: int) -> None:
            entry = zipfile.ZipInfo(f"{folder.path.name}/{name}", _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED if name.endswith(_TEXTS) else zipfile.ZIP_STORED
            entry.external_attr, entry.file_size = 0o644 << 16, size
            digest = hashlib.sha256()
            with archive.open(entry, "w") as target:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    target.write(chunk)
            listed[name] = ListedFile(size, digest.hexdigest())

        for name, text in records.file_contents().items():
            add(name, io.BytesIO(text), len(text))
        for name, path in audited.files.items():
            if path.suffix == ".npz" and path != folder.trained_pictures:  # of an earlier schema it holds more
                text = samples_content(read_samples(path))
                add(name, io.BytesIO(text), len(text))
                continue
            with open(path, "rb") as stream:
                add(name, stream, os.fstat(stream.fileno()).st_size)
        text = Manifest(records.creation.id, records.identity, listed).text()
        add(MANIFEST, io.BytesIO(text), len(text))
