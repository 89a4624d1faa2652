"""Brings the files of a run from its node: which ones, in which order, and what is removed.

The order is that in which the training wrote them, so that a reader meets no log that speaks of a file which is not
there yet. Writes the folder of the run, except the files that this machine has for itself.
"""

from cifar_core.cluster.remote.pieces import Piece, Receiver, path_inside
from cifar_core.cluster.remote.snapshot import (
    LOGS,
    Snapshot,
    Version,
    own_files,
    travelling_files,
    whole_lines,
)
from cifar_core.lifecycle.life_folder import CONFIG
from cifar_core.runs.run_folder import FACTS, METRICS, RunFolder
from cifar_core.storage.atomic import remove, write_atomic

_LATE = (FACTS, CONFIG)  # after the files that they speak of; all others come before


class Mirror:
    """The folder of a run here, which follows the one on its node."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._receiver = Receiver(folder.path, durable=True)
        self._known: dict[str, Version] = {}  # what is here is this version of the node's
        self.digest = ""  # of the snapshot that the folder is like; empty: of none

    def sent(self, snapshot: Snapshot) -> None:
        """The node has just got all files from here, and nothing has changed them there."""
        self._known = dict(snapshot.files)

    def missing(self, snapshot: Snapshot) -> list[tuple[str, Version]]:
        """The files of a snapshot that are not here yet, in the order in which they are to come."""
        missing = [item for item in snapshot.files.items() if self._known.get(item[0]) != item[1]]
        return sorted(missing, key=lambda item: (_LATE.index(item[0]) + 1 if item[0] in _LATE else 0, item[0]))

    def take(self, piece: Piece, version: Version) -> bool:
        """Take a piece of a file; whether it is whole now. StorageError."""
        whole = self._receiver.take(piece)
        if whole:
            self._known[piece.name] = version
        return whole

    def complete(self, snapshot: Snapshot) -> None:
        """All files of a snapshot are here: write the logs, then remove what the node has removed.

        Raises:
            StorageError: the disk refused.
        """
        # A log that loses lines goes last: points within an epoch must never be of a later epoch than the next one.
        shrinks = len(snapshot.logs.get(METRICS, b"")) < len(whole_lines(self._folder.metrics))
        for name in reversed(LOGS) if shrinks else LOGS:
            content, path = snapshot.logs.get(name), path_inside(self._folder.path, name)
            if content is None:
                remove(path)
            elif content != whole_lines(path):
                write_atomic(path, content)
        own = own_files(self._folder)
        for name in travelling_files(self._folder.path):
            if name not in snapshot.files and name not in LOGS and name not in own:
                remove(path_inside(self._folder.path, name))
                self._known.pop(name, None)
        self._remove_empty_folders(snapshot)
        self.digest = snapshot.digest

    def close(self) -> None:
        """Remove what has not arrived whole."""
        self._receiver.close()

    def _remove_empty_folders(self, snapshot: Snapshot) -> None:
        """A folder that has lost its last file is removed, as the training does with that of its beginning."""
        start = self._folder.start_weights.parent
        if start.is_dir() and not any(name.startswith(f"{start.name}/") for name in snapshot.files):
            start.rmdir()
