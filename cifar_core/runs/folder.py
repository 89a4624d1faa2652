"""The run folder: which file is what, and the one way from a run's id to its path."""

import re
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.files import is_device_name
from cifar_core.lifecycle.folder import LifeFolder
from cifar_core.workspace import Workspace

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class RunFolder(LifeFolder):
    """All files of one run. Its two processes write; everyone reads."""

    @property
    def about(self) -> Path:
        """Name and note given by the person."""
        return self.path / "about.json"

    @property
    def facts(self) -> Path:
        """Dataset, device and threads as the run found them."""
        return self.path / "facts.json"

    @property
    def metrics(self) -> Path:
        """One JSON line an epoch."""
        return self.path / "metrics.jsonl"

    @property
    def predictions(self) -> Path:
        """Probabilities of the best epoch for the test set, with labels and sample ids."""
        return self.path / "predictions.npz"

    @property
    def weights(self) -> Path:
        """Weights of the best epoch."""
        return self.path / "best.safetensors"

    @property
    def checkpoint(self) -> Path:
        """All that an unfinished run needs to go on."""
        return self.path / "checkpoint.pt"

    def history(self, epoch: int) -> Path:
        """Test probabilities float32 [N, K] after one epoch."""
        return self.path / "history" / f"test-{epoch:04d}.npy"


def run_folder(workspace: Workspace, run_id: str) -> RunFolder:
    """The folder of a run that exists.

    Raises:
        RunError: no such run, or a name that no run can have (it is never looked up on the disk).
    """
    if is_run_id(run_id):
        path = workspace.runs / run_id
        if path.is_dir() and not path.is_symlink():
            return RunFolder(path)
    shown = repr(run_id) if len(run_id) <= 80 else repr(run_id[:80]) + "…"
    raise RunError(f"There is no run {shown} in this workspace: the Runs page and `runs list` show those there are.")


def is_run_id(text: str) -> bool:
    """Whether a text can be the id of a run."""
    return _ID.fullmatch(text) is not None and not is_device_name(text)
