"""The run folder: which file is what, and the one way from a run's id to its path."""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.lifecycle import life_folder as lifecycle
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.text import MB, is_folder_name
from cifar_core.workspace import Workspace

ABOUT = "about.json"
FACTS = "facts.json"
METRICS = "metrics.jsonl"
MOST_BYTES = lifecycle.MOST_BYTES | {ABOUT: MB, FACTS: 4 * MB, METRICS: 4 * MB}  # that are read of each


@dataclass(frozen=True)
class RunFolder(LifeFolder):
    """All files of one run. Its two processes write; everyone reads."""

    @property
    def about(self) -> Path:
        """Name and note given by the person."""
        return self.path / ABOUT

    @property
    def facts(self) -> Path:
        """Dataset, device and threads as the run found them, and what a person should know of how it went."""
        return self.path / FACTS

    @property
    def metrics(self) -> Path:
        """One JSON line an epoch."""
        return self.path / METRICS

    @property
    def predictions(self) -> Path:
        """Probabilities of the best epoch for the test set, with labels and sample ids."""
        return self.path / "predictions.npz"

    @property
    def checkpoints(self) -> Path:
        """The folder of what an unfinished run needs to go on: the last two, so that one may be damaged."""
        return self.path / "checkpoints"

    @property
    def old_checkpoint(self) -> Path:
        """The one checkpoint of a run of schema 1."""
        return self.path / "checkpoint.pt"

    @property
    def old_weights(self) -> Path:
        """The one file of weights of a run of schema 1."""
        return self.path / "best.safetensors"

    def history(self, epoch: int) -> Path:
        """Test probabilities float32 [N, K] after one epoch."""
        return self.path / "history" / f"test-{epoch:04d}.npy"

    def checkpoint(self, epochs: int, batch: int) -> Path:
        """All that the run needs to go on after so many whole epochs and batches; the names sort by age."""
        return self.checkpoints / f"{epochs:04d}-{batch:07d}.safetensors"

    def new_weights(self, epoch: int) -> Path:
        """Where the weights after an epoch go that is the best so far.

        Each has a file of its own, so that those of the epoch that counts are there whatever interrupts the next.
        """
        return self.path / "best" / f"{epoch:04d}.safetensors"

    def weights(self, epoch: int) -> Path:
        """Where the weights of the best epoch lie."""
        own = self.new_weights(epoch)
        return self.old_weights if self.old_weights.exists() and not own.exists() else own


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


def checkpoint_files(folder: RunFolder) -> list[Path]:
    """The checkpoints of a run, newest first; links, which lead to no file of ours, are none."""
    own = [] if folder.checkpoints.is_symlink() else sorted(folder.checkpoints.glob("[0-9]*.safetensors"), reverse=True)
    return [path for path in (*own, folder.old_checkpoint) if path.is_file() and not path.is_symlink()]


def is_run_id(text: str) -> bool:
    """Whether a text can be the id of a run."""
    return is_folder_name(text)
