"""The folder of a sweep, `workspace/sweeps/SWEEP/`: its files, and from an id to it."""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import SweepError
from cifar_core.jobs.job import JobFolder
from cifar_core.runs.trials.kept import KEPT_RUNS
from cifar_core.storage.atomic import subfolders
from cifar_core.text import is_folder_name
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class SweepFolder:
    """The files of one sweep. `sweep.json` is written once; its owner writes the rest, but for `runs/`."""

    path: Path

    @property
    def id(self) -> str:
        """The sweep's id."""
        return self.path.name

    @property
    def workspace(self) -> Workspace:
        """The workspace it lies in."""
        return Workspace(self.path.parents[1])

    @property
    def plan(self) -> Path:
        """The plan, as `SweepPlan`."""
        return self.path / "sweep.json"

    @property
    def trials(self) -> Path:
        """The folder of the trials, a file each, written before a run of it is made."""
        return self.path / "trials"

    def trial(self, number: int) -> Path:
        """What was proposed, as `TrialFile`: number, settings, seeds; later whether it was pruned."""
        return self.trials / f"{number:06d}.json"

    @property
    def runs(self) -> Path:
        """The folder of what is kept of its runs that have ended, so that a deleted one stays as values."""
        return self.path / KEPT_RUNS

    @property
    def importance(self) -> Path:
        """How much each swept setting matters, as the owner computed it last."""
        return self.path / "importance.json"

    @property
    def job(self) -> JobFolder:
        """The owner's job."""
        return JobFolder(self.path / ".job")


def is_sweep_id(text: str) -> bool:
    """Whether a text can be the id of a sweep."""
    return is_folder_name(text)


def sweep_folder(workspace: Workspace, sweep_id: str) -> SweepFolder:
    """The folder of a sweep that exists.

    Raises:
        SweepError: no such sweep, or a name that no sweep can have; such a name is never looked up on the disk.
    """
    if is_sweep_id(sweep_id):
        path = workspace.sweeps / sweep_id
        if path.is_dir() and not path.is_symlink():
            return SweepFolder(path)
    shown = repr(sweep_id) if len(sweep_id) <= 80 else repr(sweep_id[:80]) + "…"
    raise SweepError(
        f"There is no sweep {shown} in this workspace: the Sweep page and `sweep list` show those there are."
    )


def sweep_folders(workspace: Workspace) -> list[SweepFolder]:
    """The folders of all sweeps, in any order.

    Raises:
        StorageError: the folder of the sweeps cannot be read.
    """
    return [SweepFolder(workspace.sweeps / name) for name in subfolders(workspace.sweeps) if is_sweep_id(name)]
