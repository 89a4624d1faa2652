"""A sweep as it is: read from its folder and from the run folders of its trials, which are the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cifar_core.evaluate.spread import Spread
from cifar_core.jobs.job import JobState
from cifar_core.runs import Run
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.workspace import Workspace

SweepStatus = Literal["running", "finished", "stopped", "failed", "interrupted"]
# finished: it told its value; pruned: stopped early by the sweep; failed: it diverged or cannot train;
# stopped: a person stopped it; waiting: its run is not begun, paused or interrupted, and goes on with the sweep
TrialStatus = Literal["waiting", "running", "finished", "pruned", "failed", "stopped"]


@dataclass(frozen=True)
class TrialRun:
    """One run of a candidate, from its folder, or from what the sweep kept of it where that is gone."""

    run: str  # its id
    seed: int
    status: TrialStatus
    value: float | None  # validation accuracy of the epoch that counts, 0 to 1
    values: tuple[float, ...]  # validation accuracy after each epoch
    seconds: float  # of training and measuring
    deleted: bool = False  # its folder is gone


@dataclass(frozen=True)
class Trial:
    """One candidate: a combination of the swept settings, with a run for each seed."""

    number: int  # from 1, in the order of their proposal
    settings: Mapping[str, Any]  # of the swept settings that have an effect
    runs: tuple[TrialRun, ...]
    status: TrialStatus  # finished where all of its runs have finished
    value: float | None  # mean of its finished runs; None unless finished
    replaces: int | None = None  # number of the lost trial that this one repeats (shared study)

    @property
    def seconds(self) -> float:
        """Seconds of training and measuring of all of its runs."""
        return sum(run.seconds for run in self.runs)


@dataclass(frozen=True)
class Sweep:
    """A sweep with its trials."""

    plan: SweepPlan
    status: SweepStatus
    trials: tuple[Trial, ...]
    job: JobState | None  # of its owner
    reason: str = ""  # why it is not finished, one sentence
    problem: str = ""  # why its folder cannot be read; the plan then holds its id alone

    @property
    def id(self) -> str:
        """Its id."""
        return self.plan.id

    @property
    def active(self) -> bool:
        """Whether its owner works."""
        return self.status == "running"

    @property
    def runs_done(self) -> int:
        """Runs that count: finished, pruned, failed, or stopped by a person."""
        return sum(
            run.status in ("finished", "pruned", "failed", "stopped") for trial in self.trials for run in trial.runs
        )


@dataclass(frozen=True)
class Best:
    """The candidate with the highest mean validation accuracy."""

    trial: Trial
    run: str  # of its runs the one with the highest value
    value: float  # the trial's
    low: float  # 95 % interval: of one run Wilson's over its validation pictures, of several the t interval of the mean
    high: float
    n: int  # validation pictures (one run) or seeds (several)


def list_sweeps(workspace: Workspace, runs: Sequence[Run] | None = None) -> list[Sweep]:
    """All sweeps, the newest first; `runs` are all runs where the caller has them already."""
    raise NotImplementedError


def read_sweep(workspace: Workspace, sweep_id: str, runs: Sequence[Run] | None = None) -> Sweep:
    """One sweep; `latest` is the newest.

    Raises:
        SweepError: no such sweep; the sentence says how to list them.
    """
    raise NotImplementedError


def best_of(sweep: Sweep, runs: Sequence[Run]) -> Best | None:
    """The best candidate; of several alike the first. None before one has finished."""
    raise NotImplementedError


def sweep_facts(sweep: Sweep, runs: Sequence[Run], *, trials: bool = False) -> dict[str, Any]:
    """For JSON: `sweep`, `status`, `runs` (done), `best` {`run`, `value`, `settings`} or None; with `trials`, those.

    A trial has `run`, `status`, `value`, `settings`, and beside these `number`, `runs`, `values`, `seconds`, `deleted`.
    One entry for each run. More keys (`planned`, `dataset`, `name`, `interval`, `reason`) may follow.
    """
    raise NotImplementedError


def spread_of_trial(trial: Trial) -> Spread | None:
    """Mean and t interval of the values of its finished runs; None without one."""
    raise NotImplementedError
