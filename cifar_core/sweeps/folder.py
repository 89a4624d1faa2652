"""The folder of a sweep, `workspace/sweeps/SWEEP/`: its files, and from an id to it."""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.jobs.job import JobFolder


@dataclass(frozen=True)
class SweepFolder:
    """The files of one sweep. `sweep.json` is written once; its owner writes the rest, but for `runs/`."""

    path: Path

    @property
    def plan(self) -> Path:
        """The plan, as `SweepPlan`."""
        return self.path / "sweep.json"

    @property
    def trials(self) -> Path:
        """The folder of the trials, a file each, written before a run of it is made."""
        return self.path / "trials"

    def trial(self, number: int) -> Path:
        """What was proposed: number, settings, seeds, nonces of its runs; later whether it was pruned."""
        return self.trials / f"{number:06d}.json"

    @property
    def runs(self) -> Path:
        """The folder of what is kept of its runs that have ended, so that a deleted one stays as values."""
        return self.path / "runs"

    @property
    def importance(self) -> Path:
        """How much each swept setting matters, as the owner computed it last."""
        return self.path / "importance.json"

    @property
    def job(self) -> JobFolder:
        """The owner's job."""
        return JobFolder(self.path / ".job")
