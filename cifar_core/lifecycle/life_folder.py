"""The files of a run that its worker needs: status, locks, requests, log."""

import os
from dataclasses import dataclass
from pathlib import Path

from cifar_core.text import MB
from cifar_core.workspace import Workspace

CONFIG = "config.json"
STATUS = "status.json"
LOG = "worker.log"
PLACE = "place.json"
WORKER_LOCK = "worker.lock"
MOST_BYTES = {CONFIG: MB, STATUS: MB}  # read of each; hundreds of times what this program writes


@dataclass(frozen=True)
class LifeFolder:
    """A run's folder as its worker knows it."""

    path: Path

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.path.name

    @property
    def workspace(self) -> Workspace:
        """The workspace it lies in."""
        return Workspace(self.path.parents[1])

    def text_of(self, name: str) -> str:
        """The path of one of its files as text: making a `Path` takes as long as reading the file."""
        return f"{self.path}{os.sep}{name}"

    @property
    def config(self) -> Path:
        """Settings, seed, versions; written once, at creation."""
        return self.path / CONFIG

    @property
    def place(self) -> Path:
        """Where the run is computed; absent where that is this machine."""
        return self.path / PLACE

    @property
    def status(self) -> Path:
        """Status, progress and the error as a sentence; only the holder of a lock writes it."""
        return self.path / STATUS

    @property
    def log(self) -> Path:
        """What the run's processes printed."""
        return self.path / LOG

    @property
    def lock(self) -> Path:
        """The run's worker holds it as long as it lives: a free lock means that the worker is dead."""
        return self.path / WORKER_LOCK

    @property
    def heartbeat(self) -> Path:
        """An empty file whose time stamp is the last heartbeat of the run's worker."""
        return self.path / "heartbeat"

    @property
    def training_lock(self) -> Path:
        """The computing process holds it, so that an orphan of a killed worker ends before the next one starts."""
        return self.path / "training.lock"

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints of an unfinished run: the last two, so that one of them may be damaged."""
        return self.path / "checkpoints"

    @property
    def torchrun(self) -> Path:
        """While torchrun's rank 0 is the run's worker: which start of torchrun it belongs to, for the other ranks."""
        return self.path / "torchrun"

    @property
    def stop_file(self) -> Path:
        """Its presence asks the run to stop."""
        return self.path / "control-stop"

    @property
    def pause_file(self) -> Path:
        """Its presence asks the run to pause."""
        return self.path / "control-pause"
