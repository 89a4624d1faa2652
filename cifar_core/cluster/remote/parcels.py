"""What a run needs on another machine: its own files, those of the runs that it goes on from, and their datasets."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from cifar_core.cluster.remote.depot import DatasetParcel
from cifar_core.cluster.remote.pieces import Piece, file_pieces
from cifar_core.cluster.remote.snapshot import own_files, travelling_files
from cifar_core.data.store import META, broken_sentence, dataset_folder, is_saved, read_dataset_record
from cifar_core.errors import ConfigError, DataError, RunError
from cifar_core.lifecycle.life_folder import CONFIG, STATUS
from cifar_core.runs.about import link_of, read_about
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.records import read_creation, run_config
from cifar_core.runs.run import GOES_ON
from cifar_core.runs.run_folder import ABOUT, FACTS, RunFolder, run_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.workspace import Workspace

_CHECKS = "check*"  # what the check of a dataset has found: else each node would check it again
_UNTRAVELLED = "originals.bin"  # which no training reads


def run_pieces(folder: RunFolder) -> Iterator[Piece]:
    """The files of a run in pieces, whose names begin with its id; then what is read of the runs that it goes on from.

    Raises:
        RunError: the run cannot be read.
        StorageError: the disk refused.
    """
    own = own_files(folder)
    names = [name for name in travelling_files(folder.path) if name not in own]
    for found, files in [(folder, names), *((run, _read_of(run)) for run in runs_before(folder))]:
        for name in files:
            with storage_errors(f"reading {name} of run {found.run_id}", to="read"):
                yield from file_pieces(found.path / name, f"{found.run_id}/{name}")


def runs_before(folder: RunFolder) -> list[RunFolder]:
    """The runs that a run goes on from, the nearest first, as far as they are here; RunError for its own file."""
    found: list[RunFolder] = []
    creation = read_creation(folder)
    while creation.origin in GOES_ON and creation.parent not in {run.run_id for run in found}:
        try:
            before = run_folder(folder.workspace, creation.parent)
            creation = read_creation(before)
        except RunError:  # deleted or unreadable: the training says what follows from that
            break
        found.append(before)
    return found


def datasets_of(folder: RunFolder) -> list[str]:
    """The datasets that the training of a run reads: its own first, then those of the runs before that are here.

    Raises:
        ConfigError, RunError: the run's settings cannot be read.
    """
    names = [run_config(folder).data.dataset]
    for run in runs_before(folder):
        try:
            linked = link_of(read_about(run))
            theirs = [run_config(run).data.dataset, *([linked.name] if linked else [])]
        except (ConfigError, RunError):
            continue
        names += [name for name in theirs if is_saved(folder.workspace, name)]
    return list(dict.fromkeys(names))


def dataset_parcel(workspace: Workspace, name: str) -> DatasetParcel:
    """A dataset as it is announced to a node. Its key is made of all that a training reads of it.

    Raises:
        DataError: it is absent or broken.
    """
    folder = dataset_folder(workspace, name)
    try:
        record = read_dataset_record(folder)
        meta = (folder / META).read_bytes()
        ids = [_sha256_of(folder / f"{part}_ids.npy") for part in ("train", "test")]
        files = {file: size for file, size in record.files.items() if file != _UNTRAVELLED}
        checks = tuple(sorted(path.name for path in folder.glob(_CHECKS) if path.is_file()))
    except (OSError, ValueError) as error:
        raise DataError(broken_sentence(name, error)) from error
    meta_hash = hashlib.sha256(meta).hexdigest()
    key = hashlib.sha256("\n".join([name, meta_hash, *ids]).encode()).hexdigest()
    return DatasetParcel(name, key, str(folder.resolve()), meta_hash, files, checks)


def dataset_pieces(workspace: Workspace, parcel: DatasetParcel) -> Iterator[Piece]:
    """The files of a dataset in pieces; raises StorageError where one cannot be read."""
    folder = dataset_folder(workspace, parcel.name)
    for name in (*parcel.files, *parcel.more):
        with storage_errors(f"reading {name} of the dataset {parcel.name}", to="read"):
            yield from file_pieces(folder / name, name)


def _read_of(run: RunFolder) -> list[str]:
    """The files that a training reads of a run that it goes on from: how it was made, and what it had measured."""
    samples = [as_stored(run).samples(split) for split in ("test", "validation")]
    wanted = [*(run.path / name for name in (CONFIG, STATUS, FACTS, ABOUT)), *samples]
    return [path.relative_to(run.path).as_posix() for path in wanted if path.is_file() and not path.is_symlink()]


def _sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
