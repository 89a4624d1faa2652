"""Brings a run from a .zip that `cifar_core.runs.transfer.exporting` made, or that says so: whole and checked, or not at all.

Nothing the zip says is believed: names, sizes, hashes and every value are checked, in a folder that no one sees, before
the run appears under an id of its own. No checkpoint travels and nothing is unpickled.
"""

import contextlib
import hashlib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data.sources.entries import ArchiveLimits, shown_name
from cifar_core.data.sources.zips import ZipFiles, open_zip
from cifar_core.errors import RunError
from cifar_core.limits import read_limits, require_room
from cifar_core.runs.ids import run_id as id_of
from cifar_core.runs.listing import list_runs, read_anyway
from cifar_core.runs.records import origin_of, read_creation
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.transfer.audit import audit_run
from cifar_core.runs.transfer.manifest import MANIFEST, MAX_BYTES, Manifest, is_run_file, parse_manifest
from cifar_core.storage.atomic import make_folder, new_file, new_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB
from cifar_core.workspace import Workspace

_MAX_FILES = 2000  # one for each epoch and a dozen more, and room for what operating systems leave
_PIECE = 1024 * 1024  # bytes


@dataclass(frozen=True)
class ImportedRun:
    """What became of an import."""

    run: str  # the run's id in this workspace
    new: bool  # False where it was here already


def import_run(workspace: Workspace, path: Path, *, shown: str = "") -> ImportedRun:
    """Bring an exported run into the workspace; the same run a second time, in whatever zip, is found here.

    Args:
        workspace: where to.
        path: the .zip.
        shown: what people know it as, where its file has another name.

    Raises:
        ConfigError: the server's `settings.json` breaks a rule.
        DataError: the zip is absent, damaged, dangerous or larger than `export_mb` unpacked.
        RunError: it holds no run, or one that breaks a rule; the sentence says which.
        StorageError: there is no room, or the disk refused. In all cases the workspace stays as it was.
    """
    name, most = shown_name(path, shown), read_limits(workspace).export_mb * MB
    with open_zip(path, ArchiveLimits(_MAX_FILES, most, most), shown=shown) as archive:
        try:
            entries = _entries(archive)
            manifest = _manifest(archive, entries)
        except ValueError as error:
            raise RunError(f"{name} was refused: {error}.") from error
        here = _known(workspace, manifest)
        if here:
            return ImportedRun(here, new=False)
        require_room(workspace, archive.total_bytes, "The run")
        identity = id_of(manifest.origin)
        try:
            with new_folder(workspace.runs / identity) as temp:
                _unpack(archive, entries, manifest, temp)
                try:
                    _settle(RunFolder(temp), manifest, identity)
                except ValueError as error:
                    told = str(error).replace(temp.name, identity)
                    raise RunError(f"{name} was refused: {told}.") from error
        except FileExistsError as error:
            if _known(workspace, manifest) == identity:  # brought by someone else meanwhile
                return ImportedRun(identity, new=False)
            raise RunError(
                f"{name} was refused: another run is named {identity} here. Delete that one first."
            ) from error
    return ImportedRun(identity, new=True)


def _known(workspace: Workspace, manifest: Manifest) -> str:
    """The id that the run of the manifest has here, empty where it has none."""
    for run in list_runs(workspace):
        with contextlib.suppress(RunError):  # it cannot be read, or was deleted just now
            if not run.problem and origin_of(read_creation(run_folder(workspace, run.id))) == manifest.origin:
                return run.id
    return ""


def _entries(archive: ZipFiles) -> dict[str, zipfile.ZipInfo]:
    """The files of the zip by their names inside the run's folder: that is where the manifest lies."""
    above = next((info.filename.removesuffix(MANIFEST) for info in archive.infos if _is_manifest(info.filename)), None)
    if above is None:
        raise ValueError(f"it is no exported run, which has a {MANIFEST}")
    entries = {}
    for info in archive.infos:
        name = info.filename.removeprefix(above)
        if not is_run_file(name) or not info.filename.startswith(above):
            raise ValueError(f"it holds {info.filename[:80]!a}, which no exported run has")
        if name in entries:
            raise ValueError(f"it holds {name} twice")
        entries[name] = info
    return entries


def _is_manifest(name: str) -> bool:
    """Whether this is the manifest, in a folder or in none."""
    return name.split("/")[-1] == MANIFEST and name.count("/") <= 1


def _manifest(archive: ZipFiles, entries: Mapping[str, zipfile.ZipInfo]) -> Manifest:
    with archive.open(entries[MANIFEST]) as stream:
        text = stream.read(MAX_BYTES + 1)
    if len(text) > MAX_BYTES:
        raise ValueError(f"{MANIFEST} is larger than {MAX_BYTES:,} bytes")
    try:
        manifest = parse_manifest(text)
    except ValueError as error:
        raise ValueError(f"{MANIFEST} {error}") from error
    odd = sorted((entries.keys() - {MANIFEST}) ^ manifest.files.keys())
    if odd:
        where = "missing" if odd[0] in manifest.files else f"not listed in {MANIFEST}"
        raise ValueError(f"{odd[0]} is {where}")
    return manifest


def _unpack(archive: ZipFiles, entries: Mapping[str, zipfile.ZipInfo], manifest: Manifest, temp: Path) -> None:
    """Write the files, piece by piece, each of the size and hash that were promised."""
    for name, content in manifest.files.items():
        target, digest, size = temp / name, hashlib.sha256(), 0
        with storage_errors(f"writing {name}"), archive.open(entries[name]) as stream:
            make_folder(target.parent)
            with new_file(target) as handle:
                while piece := stream.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
                    handle.write(piece)
        if (size, digest.hexdigest()) != (content.bytes, content.sha256):
            raise RunError(f"{name} in the zip is not what its {MANIFEST} promises: get the zip again.")


def _settle(folder: RunFolder, manifest: Manifest, identity: str) -> None:
    """Check the unpacked run and write its records anew, as those of a run of this workspace."""
    sound = audit_run(folder)
    records = sound.records.renamed(identity)
    if records.origin != manifest.origin or sound.records.config["id"] != manifest.run:
        raise ValueError(f"config.json is of another run than {MANIFEST}")
    extra = sorted(manifest.files.keys() - {*records.texts(), *sound.files})
    if extra:
        raise ValueError(f"{extra[0]} does not belong to this run")
    for name, text in records.texts().items():
        with storage_errors(f"writing {name}"), new_file(folder.path / name) as handle:
            handle.write(text)
    problem = read_anyway(folder).problem  # as every page will read it
    if problem:
        raise ValueError(f"it could not be shown here ({problem.rstrip('.')})")
