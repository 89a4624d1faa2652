"""Imports a run from a .zip of `cifar_core.runs.transfer.exporting`: whole and checked, or not at all.

The zip is not trusted: names, sizes, hashes and every value are checked in a hidden folder before the run appears in
the workspace, under a new id. A checkpoint is refused and nothing is unpickled.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.sources.archive_limits import ArchiveLimits, shown_name
from cifar_core.data.sources.zips import ZipFiles, open_zip
from cifar_core.errors import RunError
from cifar_core.limits import read_limits, require_room
from cifar_core.runs.control.ids import new_run_id
from cifar_core.runs.listing import list_runs, read_run_or_problem
from cifar_core.runs.old_schemas import carry_over
from cifar_core.runs.records import identity_of, read_creation
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.transfer.audit import audit_run
from cifar_core.runs.transfer.manifest import MANIFEST, MAX_MANIFEST_BYTES, Manifest, is_run_file, parse_manifest
from cifar_core.storage.atomic import make_folder, new_file, new_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB
from cifar_core.workspace import Workspace

_MAX_FILES = 4000  # three for each of 500 epochs, a dozen more, and as many that operating systems add to zips
_CHUNK = 1024 * 1024  # bytes


@dataclass(frozen=True)
class ImportedRun:
    """The result of an import."""

    run: str  # the run's id in this workspace
    new: bool  # False where the workspace had the run already


def import_run(workspace: Workspace, path: Path, *, shown: str = "") -> ImportedRun:
    """Import an exported run into the workspace; a run that the workspace has already is not imported again.

    Args:
        workspace: gets the run.
        path: the .zip.
        shown: the name for errors, where the person knows the file by another name than `path` has.

    Raises:
        ConfigError: the server's `settings.json` breaks a rule.
        DataError: the zip is absent, damaged, dangerous or larger than `export_mb` unpacked.
        RunError: it is not an exported run, or the run breaks a rule; the sentence says which.
        StorageError: there is no room, or the disk refused. In all cases the workspace stays as it was.
    """
    name, limit = shown_name(path, shown), read_limits(workspace).export_mb * MB
    with open_zip(path, ArchiveLimits(_MAX_FILES, limit, limit), shown=shown) as archive:
        try:
            manifest, folder = _manifest(archive)
            entries = _entries(archive, folder, manifest)
        except ValueError as error:
            raise RunError(f"{name} was refused: {error}.") from error
        existing = _existing_id(workspace, manifest)
        if existing:
            return ImportedRun(existing, new=False)
        require_room(workspace, archive.total_bytes, "The run")
        run_id = new_run_id(manifest.origin)
        try:
            with new_folder(workspace.runs / run_id) as temp:
                _unpack(archive, entries, manifest, temp)
                try:
                    _check_and_adopt(RunFolder(temp), manifest, run_id)
                except ValueError as error:
                    reason = str(error).replace(temp.name, run_id)
                    raise RunError(f"{name} was refused: {reason}.") from error
        except FileExistsError as error:
            if _existing_id(workspace, manifest) == run_id:  # another process has imported it meanwhile
                return ImportedRun(run_id, new=False)
            raise RunError(
                f"{name} was refused: this workspace has another run named {run_id}. Delete that one first."
            ) from error
    return ImportedRun(run_id, new=True)


def _existing_id(workspace: Workspace, manifest: Manifest) -> str:
    """The id that the run of the manifest has in the workspace; empty where the workspace does not have it."""
    for run in list_runs(workspace):
        with contextlib.suppress(RunError):  # it cannot be read, or has just been deleted
            if not run.problem and identity_of(read_creation(run_folder(workspace, run.id))) == manifest.origin:
                return run.id
    return ""


def _manifest(archive: ZipFiles) -> tuple[Manifest, str]:
    """The manifest, and the name of the folder in the zip that it lies in, with a slash; empty at the top."""
    found = next((info for info in archive.infos if _is_manifest(info.filename)), None)
    if found is None:
        raise ValueError(f"it is not an exported run: it has no {MANIFEST}")
    with archive.open(found) as stream:
        text = stream.read(MAX_MANIFEST_BYTES + 1)
    if len(text) > MAX_MANIFEST_BYTES:
        raise ValueError(f"{MANIFEST} is larger than {MAX_MANIFEST_BYTES:,} bytes")
    try:
        return parse_manifest(text), found.filename.removesuffix(MANIFEST)
    except ValueError as error:
        raise ValueError(f"{MANIFEST} {error}") from error


def _is_manifest(name: str) -> bool:
    """Whether an entry is the manifest, at the top of the zip or in one folder."""
    return name.split("/")[-1] == MANIFEST and name.count("/") <= 1


def _entries(archive: ZipFiles, folder: str, manifest: Manifest) -> dict[str, zipfile.ZipInfo]:
    """The files of the zip, which are those of the manifest, by their names inside the run's folder."""
    entries = {}
    for info in archive.infos:
        name = info.filename.removeprefix(folder)
        if not is_run_file(name) or not info.filename.startswith(folder):
            raise ValueError(f"it holds {info.filename[:80]!a}, which is not a file of a run")
        if name in entries:
            raise ValueError(f"it holds {name} twice")
        entries[name] = info
    unmatched = sorted((entries.keys() - {MANIFEST}) ^ manifest.files.keys())
    if unmatched:
        where = "missing" if unmatched[0] in manifest.files else f"not listed in {MANIFEST}"
        raise ValueError(f"{unmatched[0]} is {where}")
    return entries


def _unpack(archive: ZipFiles, entries: Mapping[str, zipfile.ZipInfo], manifest: Manifest, temp: Path) -> None:
    """Write the files in chunks, and check the size and the hash of each against the manifest."""
    for name, listed in manifest.files.items():
        target, digest, size = temp / name, hashlib.sha256(), 0
        with storage_errors(f"writing {name}"), archive.open(entries[name]) as stream:
            make_folder(target.parent)
            with new_file(target) as handle:
                while chunk := stream.read(_CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    handle.write(chunk)
        if (size, digest.hexdigest()) != (listed.bytes, listed.sha256):
            raise RunError(f"{name} in the zip does not match the size and hash in {MANIFEST}: get the zip again.")


def _check_and_adopt(folder: RunFolder, manifest: Manifest, run_id: str) -> None:
    """Check the unpacked run and write its records again, as those of a run of this workspace."""
    audited = audit_run(folder)
    records = audited.records.renamed(run_id)
    if records.identity != manifest.origin or audited.records.creation.id != manifest.run:
        raise ValueError(f"config.json is of another run than {MANIFEST}")
    audited_files = {path.relative_to(folder.path).as_posix() for path in audited.files.values()}
    extra = sorted(manifest.files.keys() - records.file_contents().keys() - audited_files)
    if extra:
        raise ValueError(f"{extra[0]} does not belong to this run")
    carry_over(folder)
    for name, text in records.file_contents().items():
        with storage_errors(f"writing {name}"), new_file(folder.path / name) as handle:
            handle.write(text)
    problem = read_run_or_problem(folder).problem  # the pages read it in the same way
    if problem:
        raise ValueError(f"it could not be shown in this workspace ({problem.rstrip('.')})")
