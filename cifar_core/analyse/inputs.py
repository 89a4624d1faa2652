"""What analyses read of a run: whether it is there, and the identity by which a change is known.

An identity is made of contents, so that it stays when a run is copied, brought in or restored. What is large is hashed
once as long as its file stays the same one.
"""

import functools
import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from cifar_core.analyse.declaration import Need
from cifar_core.runs import Run
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.records import read_creation
from cifar_core.runs.results import UNREADABLE
from cifar_core.runs.run_folder import METRICS, MOST_BYTES, RunFolder, run_folder
from cifar_core.runs.sample_files import hash_of_samples, read_samples
from cifar_core.runs.training_records.reading import missing_training_records
from cifar_core.storage.json_files import read_start
from cifar_core.train import MeasuredSplit, best_line
from cifar_core.workspace import Workspace

_KEPT_HASHES = 512


def missing_input(workspace: Workspace, run: Run, need: Need) -> str:
    """One sentence why a run lacks what an analysis needs; empty where it is there. RunError without such a run."""
    if need == "training records":
        return missing_training_records(workspace, run.id)
    folder = as_stored(run_folder(workspace, run.id))
    if not read_lines(folder)[0]:
        return f"Run {run.id} has no predictions yet: they come with its first finished epoch."
    if need == "validation predictions" and not folder.samples("validation").is_file():
        return f"Run {run.id} kept no predictions of validation pictures: choose a run with a validation part."
    return ""


def identity_of(workspace: Workspace, run: Run, needs: Iterable[Need]) -> str:
    """SHA-256 of what these needs stand for, as it is now; RunError without such a run."""
    folder = as_stored(run_folder(workspace, run.id))
    facts = (fact for need in needs for fact in (need, *_FACTS[need](folder)))
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def _reported(folder: RunFolder, split: MeasuredSplit) -> list[str]:
    """The reported epoch, its labels and ids, its probabilities."""
    best = best_line(read_lines(folder)[0], read_creation(folder).epoch_rule)
    if best is None:
        return ["none"]
    return [
        str(best.epoch),
        *_hash(_samples_hash, folder.samples(split)),
        *_hash(_hash_of, folder.probs(split, best.epoch)),
    ]


def _every_epoch(folder: RunFolder) -> list[str]:
    """As `_reported` of the test part, the log of the epochs, and how large the probabilities of each are.

    The probabilities of an epoch are written once, together with the line whose accuracy and loss come of them.
    """
    lines = read_lines(folder)[0]
    sizes = (f"{line.epoch} {_size(folder.probs('test', line.epoch))}" for line in lines)
    return [*_reported(folder, "test"), _log_hash(folder), *sizes]


def _training_records(folder: RunFolder) -> list[str]:
    """The log of the epochs, the recorded pictures, and name and size of each file of the records."""
    files = sorted(path for path in folder.training_records.glob("*.np[yz]") if path.is_file())
    sizes = (f"{path.name} {_size(path)}" for path in files)
    return [_log_hash(folder), *_hash(_hash_of, folder.trained_pictures), *sizes]


_FACTS: dict[Need, Callable[[RunFolder], list[str]]] = {
    "test predictions": lambda folder: _reported(folder, "test"),
    "validation predictions": lambda folder: _reported(folder, "validation"),
    "every epoch": _every_epoch,
    "training records": _training_records,
}


def _log_hash(folder: RunFolder) -> str:
    """Of the whole lines of the log: one that is being written does not count."""
    try:
        content = read_start(folder.text_of(METRICS), MOST_BYTES[METRICS])
    except OSError:
        return "none"
    return hashlib.sha256(content[: content.rfind(b"\n") + 1]).hexdigest()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1


def _hash(function: Callable[..., str], path: Path) -> list[str]:
    """What a function says of a file, asked again only when another file has taken its place."""
    try:
        found = path.stat()
        return [function(path, (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns))]
    except UNREADABLE:
        return ["unreadable" if os.path.lexists(path) else "none"]


@functools.lru_cache(_KEPT_HASHES)
def _hash_of(path: Path, _identity: object) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@functools.lru_cache(_KEPT_HASHES)
def _samples_hash(path: Path, _identity: object) -> str:
    """Of the arrays, because earlier schemas kept more in the same file."""
    samples = read_samples(path)
    seen = b"" if samples.seen is None else samples.seen.tobytes()
    return hash_of_samples(samples.labels, [samples.ids]) + hashlib.sha256(seen).hexdigest()
