"""The files of a run's life: its status, its locks, what is asked of it, what its processes said."""

import os
from dataclasses import dataclass
from pathlib import Path

from cifar_core.text import MB
from cifar_core.workspace import Workspace

CONFIG = "config.json"
STATUS = "status.json"
LOG = "worker.log"
MOST_BYTES = {CONFIG: MB, STATUS: MB}  # that are read of each: hundreds of times what we write


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
        """The path of one of its files as text: making a `Path` costs as much as reading the file, and lists are long."""
        return f"{self.path}{os.sep}{name}"

    @property
    def config(self) -> Path:
        """Settings, seed, versions; written once, at creation."""
        return self.path / CONFIG

    @property
    def status(self) -> Path:
        """Status, progress and the plain-words error; written by the holder of a lock."""
        return self.path / STATUS

    @property
    def log(self) -> Path:
        """What the run's processes printed."""
        return self.path / LOG

    @property
    def lock(self) -> Path:
        """Held by the run's worker for life: free means dead."""
        return self.path / "worker.lock"

    @property
    def heartbeat(self) -> Path:
        """An empty file whose time stamp says when the run's worker last looked around."""
        return self.path / "heartbeat"

    @property
    def training_lock(self) -> Path:
        """Held by the process that computes, so that an orphan of a killed worker ends before another begins."""
        return self.path / "training.lock"

    @property
    def stop_file(self) -> Path:
        """Its presence asks the run to stop."""
        return self.path / "control-stop"

    @property
    def pause_file(self) -> Path:
        """Its presence asks the run to pause."""
        return self.path / "control-pause"
