"""What a node does for the worker of a run: it keeps the run's files, starts its training process and tells of it.

Every call is short. A run has a small workspace of its own on the node, in which the ordinary training process works
as it does on any machine; its datasets are links into the depot of the node. Reads and writes the folder of the node:
`datasets/` (`depot.py`) and `work/TOKEN/` for each process that computes, with its lock, `data/` and `runs/`.
"""

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cifar_core.cluster.remote.depot import Arrival, DatasetParcel, Depot, link_dataset, shown_datasets
from cifar_core.cluster.remote.pieces import PIECE_BYTES, Piece, Receiver, file_pieces, path_inside
from cifar_core.cluster.remote.snapshot import Snapshot, Version, take_snapshot, version_of, whole_lines
from cifar_core.errors import StorageError
from cifar_core.jobs.log import LOG_BYTES
from cifar_core.lifecycle.place import Place, write_place
from cifar_core.lifecycle.requests import control_files
from cifar_core.lifecycle.states import EndRequest
from cifar_core.lifecycle.status import State, read_state
from cifar_core.lifecycle.warm.process import WarmProcess
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.atomic import make_folder, remove, remove_folder, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.workspace import Workspace

_LAST_LOG_SECONDS = 0.5  # to write the last output of a process that has ended
_NEW_SECONDS = 60.0
_LOG_PIECE = 256 * 1024  # bytes of the log in one answer


@dataclass(frozen=True)
class Found:
    """What a node has of a run."""

    started: bool  # whether its training was started there
    ended: bool
    state: State | None
    metrics: bytes  # whole lines


@dataclass(frozen=True)
class Report:
    """How a run is on its node."""

    ended: bool  # whether its training process has ended
    code: int  # of the process that has ended, as `Popen.returncode`
    state: State
    log: bytes  # what it has printed since the last report
    log_end: int  # bytes of the log so far
    snapshot: Snapshot | None = None  # where it was asked for and is another one


class NodeService:
    """A process on a node, which computes one run at a time."""

    def __init__(self, home: Path, cpus: int, gpus: int) -> None:
        """Begin to serve; what dead processes of this node left is removed.

        Args:
            home: the folder of the node, which exists; only this user may write there.
            cpus: processors that the runs may use, and so their threads.
            gpus: that they may use; without any they see none.

        Raises:
            StorageError: the disk refused.
        """
        for folder in (home / "work", home / "datasets"):
            make_folder(folder)
        _sweep(home / "work")
        root = home / "work" / secrets.token_hex(8)
        for folder in (root, root / "data", root / "runs"):
            make_folder(folder)
        self._held = ExitStack()
        self._held.enter_context(hold_lock(root / "lock"))
        self._home, self._cpus, self._gpus = home, cpus, gpus
        self._workspace = Workspace(root)
        self._depot = Depot(home / "datasets", self._datasets_in_use)
        self._process = WarmProcess()
        self._asked = time.monotonic()
        self._folder: RunFolder | None = None
        self._token = ""  # of the start of the training; empty before it
        self._reset()

    @property
    def run_id(self) -> str:
        """The run that this process has; empty: none."""
        return self._folder.run_id if self._folder is not None else ""

    def find(self, run_id: str) -> Found:
        """What this process has of a run."""
        self._note_call()
        if self._folder is None or self._folder.run_id != run_id or not self._token:
            return Found(started=False, ended=False, state=None, metrics=b"")
        ended, state = self._process.has_ended(0), read_state(self._folder)
        return Found(started=True, ended=ended, state=state, metrics=whole_lines(self._folder.metrics))

    def prepare(self, run_id: str) -> None:
        """Make place for a run, with nothing in it; a run that was here is ended and removed. StorageError."""
        self._note_call()
        self.forget()
        self._folder = RunFolder(path_inside(self._workspace.runs, run_id))
        make_folder(self._folder.path)
        self._receiver = Receiver(self._workspace.runs, durable=False)

    def take(self, pieces: list[Piece]) -> None:
        """Take pieces of the run, and of the runs that it goes on from; names begin with the id of a run."""
        self._note_call()
        for piece in pieces:
            self._receiver.take(piece)

    def announce_dataset(self, parcel: DatasetParcel) -> Arrival:
        """As `Depot.announce`; a dataset that is here is shown to the run."""
        self._note_call()
        arrival = self._depot.announce(parcel)
        if arrival == "here":
            self._show(parcel)
        return arrival

    def take_dataset(self, pieces: list[Piece]) -> None:
        """Take pieces of the dataset that was announced last."""
        self._note_call()
        self._depot.take(pieces)

    def finish_dataset(self, parcel: DatasetParcel) -> None:
        """All pieces of the dataset have come: it is kept here, and shown to the run. StorageError."""
        self._note_call()
        self._depot.finish(parcel)
        self._show(parcel)

    def snapshot(self) -> Snapshot | None:
        """The files of the run as they are now; None where they change."""
        self._note_call()
        return take_snapshot(self._run)

    def start(self, token: str, status: bytes) -> None:
        """Start the training of the run, whose files are here; a second call with the same token changes nothing.

        Args:
            token: of this start.
            status: content of `status.json`, by which the run is running.

        Raises:
            StorageError: the process could not be started, or the disk refused.
        """
        self._note_call()
        if token == self._token:
            return
        folder = self._run
        for file in control_files(folder).values():
            remove(file)
        write_place(folder, Place(cpus=self._cpus, gpus=self._gpus))
        write_atomic(folder.status, status, durable=False)
        with storage_errors("starting the training"):
            self._process.start(folder)
        self._token = token

    def poll(self, request: EndRequest | None, log_end: int, digest: str | None) -> Report:
        """How the run is.

        Args:
            request: what a person asks of it now; it reaches the training as a file, as it does everywhere.
            log_end: bytes of its log that the caller has.
            digest: of the snapshot that the caller has; None where none is wanted.
        """
        self._note_call()
        folder = self._run
        ended = self._process.has_ended(0)
        if ended:
            self._process.finish_log(_LAST_LOG_SECONDS)
        else:
            _write_request(folder, request)
        snapshot = None if digest is None else take_snapshot(folder)
        if snapshot is not None and snapshot.digest == digest:
            snapshot = None
        log, end = _read_log(folder.log, log_end)
        return Report(ended, self._process.code if ended else 0, read_state(folder), log, end, snapshot)

    def read(self, wanted: list[tuple[str, Version, int]]) -> tuple[list[Piece], list[str]]:
        """The next pieces of files of the run, as much as one answer holds.

        Args:
            wanted: of each file its name, its version, and how many bytes of it the caller has.

        Returns:
            The pieces, those of a file in order, perhaps from its beginning again; the files that are others by now.
        """
        self._note_call()
        pieces: list[Piece] = []
        changed: list[str] = []
        size = 0
        for name, version, offset in wanted:
            if size >= PIECE_BYTES:
                break
            piece = self._next_piece(name, version, offset)
            if piece is None:
                changed.append(name)
            else:
                pieces.append(piece)
                size += len(piece.content)
        return pieces, changed

    def terminate(self) -> None:
        """Tell the training to end (SIGTERM)."""
        self._note_call()
        if self._token:
            self._process.terminate()

    def kill(self) -> None:
        """Kill the training with all that it has started."""
        self._note_call()
        if self._token:
            self._process.kill()

    def forget(self) -> None:
        """Remove the run from this node; a training of it is killed. Datasets stay. StorageError."""
        self._note_call()
        if self._token and not self._process.has_ended(0):
            self._process.end()
        self._receiver.close()
        self._depot.close()
        for path in self._workspace.runs.iterdir():
            remove_folder(path, f"removing {path.name} from the node")
        self._reset()

    def leave(self) -> None:
        """End for good: the process of trainings is ended, and the folder of this process is removed."""
        self._process.end()
        self._held.close()
        remove_folder(self._workspace.root, "removing the folder of a process that ends")

    @property
    def idle_seconds(self) -> float:
        """For how long nobody has asked for anything, and no training has run."""
        if self._token and not self._process.has_ended(0):
            return 0.0
        return time.monotonic() - self._asked

    @property
    def _run(self) -> RunFolder:
        if self._folder is None:
            raise StorageError("This node has no run: send it once more.")
        return self._folder

    def _reset(self) -> None:
        self._folder, self._token = None, ""
        self._receiver = Receiver(self._workspace.runs, durable=False)
        self._reading: dict[tuple[str, Version], tuple[int, Iterator[Piece]]] = {}

    def _note_call(self) -> None:
        self._asked = time.monotonic()

    def _show(self, parcel: DatasetParcel) -> None:
        source = self._depot.find(parcel)
        if source is None:
            raise StorageError(f"The dataset {parcel.name} has gone from the node: try again.")
        link_dataset(source, path_inside(self._workspace.data, parcel.name), parcel)

    def _datasets_in_use(self) -> set[Path]:
        living = [path for path in (self._home / "work").iterdir() if is_locked(path / "lock")]
        return {dataset for path in living for dataset in shown_datasets(path / "data")}

    def _next_piece(self, name: str, version: Version, offset: int) -> Piece | None:
        """The piece of a file at an offset, or the first one where it cannot go on there; None: it has changed."""
        path, key = path_inside(self._run.path, name), (name, version)
        expected, pieces = self._reading.pop(key, (0, None))
        if version_of(path) != version and pieces is None:
            return None
        if pieces is None or offset != expected:
            pieces = file_pieces(path, name)
        try:
            piece = next(pieces)
        except OSError:
            return None
        if not piece.sha256:
            self._reading[key] = piece.offset + len(piece.content), pieces
        return piece


def _write_request(folder: RunFolder, request: EndRequest | None) -> None:
    for kind, file in control_files(folder).items():
        if kind is request:
            if not file.exists():
                write_atomic(file, durable=False)
        else:
            remove(file)


def _read_log(log: Path, have: int) -> tuple[bytes, int]:
    """What was added to a log since it had so many bytes, the end of it where that is much; and how many it has now.

    A log that was cut at its front is longer than the caller knows by less than was added: it is given from its start.
    """
    try:
        with open(log, "rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = have if have <= size else 0
            file.seek(max(start, size - min(_LOG_PIECE, LOG_BYTES)))
            return file.read(_LOG_PIECE), size
    except OSError:
        return b"", have


def _sweep(work: Path) -> None:
    """Remove the folders of dead processes whose trainings have ended as well; new ones may not have their lock yet."""
    for path in work.iterdir():
        locks = [path / "lock", *path.glob("runs/*/training.lock")]
        if not any(map(is_locked, locks)) and time.time() - path.stat().st_mtime > _NEW_SECONDS:
            remove_folder(path, "removing what a dead process left on the node")
