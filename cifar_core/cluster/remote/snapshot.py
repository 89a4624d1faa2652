"""The files of a run that travel, and a look at them in which no file speaks of another that is not there yet.

The logs of the training are read together with the list of files: all that they speak of is in the list. Reads the
folder of a run.
"""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from cifar_core.lifecycle.life_folder import STATUS, LifeFolder
from cifar_core.runs.run_folder import ABOUT, METRICS, MOST_BYTES, WITHIN_EPOCHS
from cifar_core.storage.json_files import read_start

Version = tuple[int, int, int]  # size in bytes, time of the last change in nanoseconds, inode
LOGS = (METRICS, WITHIN_EPOCHS)
_TRIES = 10  # until a look meets no change of the logs; they change once an epoch
_BEGINS_WITHOUT = (".", "control-")  # unfinished files and jobs; a person's requests
_KINDS = (".json", ".jsonl", ".npz", ".npy", ".safetensors", ".pt")


@dataclass(frozen=True)
class Snapshot:
    """The files of a run at one time."""

    files: dict[str, Version] = field(default_factory=dict)  # all but the logs
    logs: dict[str, bytes] = field(default_factory=dict)  # whole lines

    @property
    def digest(self) -> str:
        """Two snapshots with the same digest are the same."""
        parts = [repr(sorted(self.files.items())), *(f"{name} {len(log)}" for name, log in sorted(self.logs.items()))]
        return hashlib.sha256("\n".join(parts).encode() + b"".join(self.logs.values())).hexdigest()


def take_snapshot(folder: LifeFolder) -> Snapshot | None:
    """The files of a run as they are now; None where the logs changed during each look. OSError."""
    own = own_files(folder)
    for _ in range(_TRIES):
        before = _log_versions(folder.path)
        files = {}
        for name in travelling_files(folder.path):
            version = version_of(folder.path / name)
            if version is not None and name not in own:
                files[name] = version
        logs = {name: whole_lines(folder.path / name) for name in before}
        if _log_versions(folder.path) == before:
            return Snapshot({name: version for name, version in files.items() if name not in LOGS}, logs)
    return None


def own_files(folder: LifeFolder) -> set[str]:
    """The files of a run that each machine has for itself."""
    return {STATUS, ABOUT, folder.place.name}


def travelling_files(folder: Path) -> list[str]:
    """The names of the result files in the folder of a run, its subfolders' with "/", sorted; locks are none."""
    found = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(_BEGINS_WITHOUT) or entry.is_symlink():
                continue
            if entry.is_dir():
                below = travelling_files(folder / entry.name) if entry.name != "analyses" else []
                found += [f"{entry.name}/{name}" for name in below]
            elif entry.name.endswith(_KINDS):
                found.append(entry.name)
    return sorted(found)


def version_of(path: Path) -> Version | None:
    """What changes when the content of a file does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def whole_lines(path: Path) -> bytes:
    """A log without a last line that is still being written; empty without the file."""
    try:
        content = read_start(path, MOST_BYTES[path.name])
    except FileNotFoundError:
        return b""
    return content[: content.rfind(b"\n") + 1]


def _log_versions(folder: Path) -> dict[str, Version]:
    found = {name: version_of(folder / name) for name in LOGS}
    return {name: version for name, version in found.items() if version is not None}
