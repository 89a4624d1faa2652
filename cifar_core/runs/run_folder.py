"""The run folder: what each file of a run is called, and the only function that turns a run's id into a path."""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.jobs.job import JobFolder
from cifar_core.lifecycle import life_folder as lifecycle
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.text import MB, is_folder_name
from cifar_core.train import MeasuredSplit
from cifar_core.workspace import Workspace

ABOUT = "about.json"
FACTS = "facts.json"
METRICS = "metrics.jsonl"
WITHIN_EPOCHS = "within-epochs.jsonl"
MOST_BYTES = lifecycle.MOST_BYTES | {  # more of a file is not read
    ABOUT: MB,
    FACTS: 4 * MB,
    METRICS: 4 * MB,
    WITHIN_EPOCHS: 4 * MB,
}


@dataclass(frozen=True)
class RunFolder(LifeFolder):
    """The files of one run. Its worker and its training process write them; any process may read them."""

    @property
    def about(self) -> Path:
        """The name and the note that a person gave the run."""
        return self.path / ABOUT

    @property
    def facts(self) -> Path:
        """Dataset, device and threads that the training process found, and its warnings."""
        return self.path / FACTS

    @property
    def metrics(self) -> Path:
        """A line of JSON for each epoch."""
        return self.path / METRICS

    @property
    def within_epochs(self) -> Path:
        """A line of JSON for each measurement of the accuracy in the middle of an epoch."""
        return self.path / WITHIN_EPOCHS

    @property
    def predictions(self) -> Path:
        """The folder of the predictions of every epoch."""
        return self.path / "predictions"

    def samples(self, split: MeasuredSplit) -> Path:
        """Labels and ids of the pictures of a part, in the order of their probabilities."""
        return self.predictions / f"{split}.npz"

    def sample_arrays(self, split: MeasuredSplit, *, seen: bool = False) -> list[str]:
        """The names of the arrays in `samples`, sorted; with that of the pictures `seen` in training, where known."""
        return ["ids.npy", "labels.npy", *(["seen.npy"] if seen else [])]

    def probs(self, split: MeasuredSplit, epoch: int) -> Path:
        """Probabilities float32 [N, K] of a part after one epoch."""
        return self.predictions / f"{split}-{epoch:04d}.npy"

    @property
    def training_records(self) -> Path:
        """The folder of what a training notes about each picture."""
        return self.path / "training-records"

    @property
    def trained_pictures(self) -> Path:
        """Labels, ids and positions of the pictures that it trains on, in the order of the records."""
        return self.training_records / "train.npz"

    def record(self, epoch: int) -> Path:
        """What the network answered in one epoch to each picture that it learned from."""
        return self.training_records / f"{epoch:04d}.npy"

    @property
    def analyses(self) -> Path:
        """The folder of the results of analyses, which can be computed again."""
        return self.path / "analyses"

    @property
    def old_checkpoint(self) -> Path:
        """The only checkpoint of a run of schema 1."""
        return self.path / "checkpoint.pt"

    def checkpoint(self, epochs: int, batch: int) -> Path:
        """The state of the training after so many whole epochs and batches; the names sort by age."""
        return self.checkpoints / f"{epochs:04d}-{batch:07d}.safetensors"

    def weights(self, epoch: int) -> Path:
        """The weights of the best epoch.

        Each epoch has a file of its own, so that the weights of the best epoch survive whatever interrupts the next
        write.
        """
        return self.path / "best" / f"{epoch:04d}.safetensors"

    def last_weights(self, epoch: int) -> Path:
        """The weights of the last epoch of a finished run, where another one is the best; a person may remove them."""
        return self.path / "last" / f"{epoch:04d}.safetensors"

    def last_optimizer(self, epoch: int) -> Path:
        """The state of the optimiser after the last epoch of a finished run, with which a further run goes on.

        It is removed with `last_weights`; the weights that it belongs to are these, or those of the best epoch.
        """
        return self.path / "last" / f"{epoch:04d}-optimizer.safetensors"

    @property
    def start_weights(self) -> Path:
        """The weights that an unfinished run began with, where it goes on from another run."""
        return self.path / "start" / "weights.safetensors"

    @property
    def start_optimizer(self) -> Path:
        """The state of the optimiser that it began with; there is none where it began with a new optimiser."""
        return self.path / "start" / "optimizer.safetensors"

    def job(self, name: str) -> JobFolder:
        """A job that works with the run, such as one that recomputes its predictions; it stays out of exports."""
        return JobFolder(self.path / ".jobs" / name)


def run_folder(workspace: Workspace, run_id: str) -> RunFolder:
    """The folder of a run that exists.

    Raises:
        RunError: no such run, or a name that no run can have; such a name is never looked up on the disk.
    """
    if is_run_id(run_id):
        path = workspace.runs / run_id
        if path.is_dir() and not path.is_symlink():
            return RunFolder(path)
    shown = repr(run_id) if len(run_id) <= 80 else repr(run_id[:80]) + "…"
    raise RunError(f"There is no run {shown} in this workspace: the Runs page and `runs list` show those there are.")


def checkpoint_files(folder: RunFolder) -> list[Path]:
    """The checkpoints of a run, newest first. Symbolic links are ignored, because this program never makes them."""
    linked = folder.checkpoints.is_symlink()
    found = [] if linked else sorted(folder.checkpoints.glob("[0-9]*.safetensors"), reverse=True)
    return [path for path in (*found, folder.old_checkpoint) if path.is_file() and not path.is_symlink()]


def is_run_id(text: str) -> bool:
    """Whether a text can be the id of a run."""
    return is_folder_name(text)
