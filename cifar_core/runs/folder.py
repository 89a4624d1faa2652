"""The run folder: which file is what, and the one way from a run's id to its path."""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.files import is_device_name, read_json, write_json
from cifar_core.runs.schema import Progress, Status
from cifar_core.workspace import Workspace

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class RunFolder:
    """The files of one run. `training` and `worker` write; everyone reads."""

    path: Path

    @property
    def config(self) -> Path:
        """Settings, seed, versions; written once, at creation."""
        return self.path / "config.json"

    @property
    def status(self) -> Path:
        """Status, progress and the plain-words error; written by the holder of the lock."""
        return self.path / "status.json"

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

    @property
    def log(self) -> Path:
        """What the run's process printed."""
        return self.path / "worker.log"

    @property
    def lock(self) -> Path:
        """Held by the run's worker for life: free means dead."""
        return self.path / "worker.lock"

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


def write_status(
    folder: RunFolder, status: Status, *, progress: Progress | None = None, error: str = "", durable: bool = True
) -> None:
    """Write the run's status; only the holder of its lock does.

    Raises:
        StorageError: the disk refused; the old status is whole.
    """
    content = {"status": status.value, "error": error, "progress": asdict(progress) if progress else None}
    write_json(folder.status, content, durable=durable)


def read_status(folder: RunFolder) -> tuple[Status, str, Progress | None]:
    """Status as written, error, progress.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    try:
        content = read_json(folder.status)
        progress = content.get("progress")
        return Status(content["status"]), str(content.get("error", "")), Progress(**progress) if progress else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"The status of run {folder.path.name} cannot be read ({error}).") from error
