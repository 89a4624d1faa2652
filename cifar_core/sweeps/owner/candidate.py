"""A candidate as its owner knows it: its file, and where each of its runs stands."""

from dataclasses import dataclass, field
from enum import Enum

from cifar_core.errors import RunError
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.supervise import KILLED_FROM_OUTSIDE
from cifar_core.runs.listing import read_run_or_problem
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.trials.kept import KeptRun, kept_file, read_kept, values_of
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.owner.outcome import Outcome, outcome_of
from cifar_core.sweeps.trial_file import TrialFile, trial_run_id


class Stage(Enum):
    """Where the run of a candidate stands."""

    ABSENT = "not made yet"
    ACTIVE = "made; it is new, waits or trains"
    PAUSED = "paused"
    INTERRUPTED = "interrupted"
    ENDED = "ended"


_STAGES = {
    Status.QUEUED: Stage.ACTIVE,
    Status.RUNNING: Stage.ACTIVE,
    Status.PAUSED: Stage.PAUSED,
    Status.INTERRUPTED: Stage.INTERRUPTED,
}


def _stage_of(run: Run) -> Stage:
    """Where a run stands. One whose training process was killed counts as interrupted, as where its worker was."""
    if run.status is Status.FAILED and run.error == KILLED_FROM_OUTSIDE:
        return Stage.INTERRUPTED
    return _STAGES.get(run.status, Stage.ENDED)


@dataclass
class TrialRun:
    """One run of a candidate, read from its folder, or from what the sweep kept of it where that is gone."""

    id: str
    seed: int
    stage: Stage = Stage.ABSENT
    run: Run | None = None  # as it was read last
    kept: KeptRun | None = None  # its values, once it has ended
    is_kept: bool = False  # whether they are in the folder of the sweep

    def read(self, sweep: SweepFolder, trial: int) -> None:
        """Read it again, unless it has ended."""
        if self.stage is Stage.ENDED:
            return
        try:
            self.run = read_run_or_problem(run_folder(sweep.workspace, self.id))
        except RunError:
            self.run, self.kept = None, self._read_kept(sweep)
            self.stage = Stage.ENDED if self.kept else Stage.ABSENT  # without its values it is made again
            return
        self.stage = _stage_of(self.run)
        if self.run.problem:
            self.kept = self._read_kept(sweep) or KeptRun(self.id, trial, self.seed, "failed", None, (), 0.0)
        elif self.stage is Stage.ENDED:
            self.kept = values_of(self.run)

    def _read_kept(self, sweep: SweepFolder) -> KeptRun | None:
        try:
            return read_kept(kept_file(sweep.workspace, sweep.id, self.id))
        except (OSError, ValueError):  # nothing was kept, or it is damaged
            return None

    def end(self) -> None:
        """Take it as it is for its end: it is paused or was interrupted, and will not go on."""
        if self.run is not None and self.stage is not Stage.ENDED:
            self.kept, self.stage = values_of(self.run), Stage.ENDED


@dataclass
class Candidate:
    """A combination of settings with a run for each seed."""

    file: TrialFile
    one_first: bool  # whether a pruner judges the first run before the others begin
    runs: list[TrialRun] = field(default_factory=list)

    @property
    def first(self) -> TrialRun:
        """The run that a pruner judges."""
        return self.runs[0]

    @property
    def wanted(self) -> list[TrialRun]:
        """The runs that are to be trained now, or have been."""
        if self.file.pruned or (self.one_first and (self.first.kept is None or self.first.kept.status != "finished")):
            return self.runs[:1]
        return self.runs

    @property
    def outcome(self) -> Outcome | None:
        """What became of it; None where one of its runs has not ended."""
        kept = [run.kept for run in self.wanted if run.kept is not None]
        return outcome_of(kept, pruned=self.file.pruned) if len(kept) == len(self.wanted) else None

    def read(self, sweep: SweepFolder) -> None:
        """Read its runs again, those that have not ended."""
        for run in self.wanted:
            run.read(sweep, self.file.number)
        if self.file.pruned and self.first.stage in (Stage.PAUSED, Stage.INTERRUPTED):
            self.first.end()


def new_candidate(sweep: SweepFolder, file: TrialFile, *, one_first: bool) -> Candidate:
    """The candidate of a file, whose runs were not read yet."""
    runs = [TrialRun(trial_run_id(sweep.id, file.number, seed), seed) for seed in file.seeds]
    return Candidate(file, one_first, runs)
