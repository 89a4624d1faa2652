"""A sweep as it is: read from its folder and from the run folders of its trials, which are the truth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from cifar_core.errors import CifarCoreError, SweepError
from cifar_core.evaluate import wilson_interval
from cifar_core.evaluate.spread import Spread, spread_of
from cifar_core.jobs.job import JobFolder, JobState, read_job
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.supervise import KILLED_FROM_OUTSIDE
from cifar_core.runs import Run, list_runs
from cifar_core.runs.trials.kept import KeptRun, read_kept, values_of
from cifar_core.storage.json_files import read_json
from cifar_core.storage.parse import parse
from cifar_core.sweeps.folder import SweepFolder, sweep_folder, sweep_folders
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.sweeps.trial_file import TrialFile, read_trial_files, trial_run_id
from cifar_core.text import MB
from cifar_core.workspace import Workspace

SweepStatus = Literal["running", "finished", "stopped", "failed", "interrupted"]
# finished: it told its value; pruned: stopped early by the sweep; failed: it diverged or cannot train;
# stopped: a person stopped it; waiting: its run is not begun, paused or interrupted, and goes on with the sweep
TrialStatus = Literal["waiting", "running", "finished", "pruned", "failed", "stopped"]
COUNTED: tuple[TrialStatus, ...] = ("finished", "pruned", "failed", "stopped")  # of a run that is done
_NOT_BEGUN = "Its owner was never started: resume it, and it begins."
_RESUME = "Resume it, and it goes on where it was."


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
    made: bool = True  # whether it was begun: its folder is or was there
    diverged: bool = False  # whether it failed because its loss or its weights were no longer numbers
    pictures: int = 0  # validation pictures that it was judged on; 0: not known
    refused: str = ""  # why no run could be made with these settings; it counts as failed then

    @property
    def counts(self) -> bool:
        """Whether it is one of the runs that are done."""
        return self.status in COUNTED


@dataclass(frozen=True)
class Trial:
    """One candidate: a combination of the swept settings, with a run for each seed.

    Where no further runs will be made, as of one that was pruned, only those that were are there.
    """

    number: int  # from 1, in the order of their proposal
    settings: Mapping[str, Any]  # of the swept settings that have an effect
    runs: tuple[TrialRun, ...]
    status: TrialStatus  # finished where all of its runs have finished
    value: float | None  # mean of its finished runs; None unless finished
    replaces: int | None = None  # number of the lost trial that this one repeats (shared study)
    lost: bool = False  # whether another owner repeats it, because this one was taken for dead (shared study)
    problem: str = ""  # why its file cannot be read; it has neither settings nor runs then, and counts as failed

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
        return sum(run.counts for trial in self.trials for run in trial.runs)


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
    """All sweeps, the newest first; `runs` are all runs where the caller has them already.

    One whose `sweep.json` cannot be read says so in its `problem`, comes last and hides no other.

    Raises:
        StorageError: the folder of the sweeps or that of the runs cannot be read.
    """
    folders = sweep_folders(workspace)
    by_id = _by_id(list_runs(workspace) if runs is None and folders else runs or ())
    sweeps = [_read_or_problem(folder, by_id) for folder in folders]
    return sorted(sweeps, key=lambda sweep: (sweep.plan.created, sweep.id), reverse=True)


def read_sweep(workspace: Workspace, sweep_id: str, runs: Sequence[Run] | None = None) -> Sweep:
    """One sweep; `latest` is the newest.

    Raises:
        SweepError: no such sweep, or it cannot be read; the sentence says how to list them.
        StorageError: the disk refused.
    """
    if sweep_id == "latest":
        readable = [sweep for sweep in list_sweeps(workspace, runs) if not sweep.problem]
        if not readable:
            raise SweepError("There is no sweep yet: start one on the Sweep page or with `sweep start`.")
        return readable[0]
    folder = sweep_folder(workspace, sweep_id)
    return _read(folder, _by_id(list_runs(workspace) if runs is None else runs))


def _by_id(runs: Sequence[Run]) -> dict[str, Run]:
    """The runs that may be trials; of one that cannot be read nobody knows."""
    return {run.id: run for run in runs if run.sweep or run.problem}


def _read_or_problem(folder: SweepFolder, runs: Mapping[str, Run]) -> Sweep:
    try:
        return _read(folder, runs)
    except CifarCoreError as error:
        unknown = SweepPlan(folder.id, "", {}, (), SweepOptions())
        return Sweep(unknown, "failed", (), None, problem=str(error))


def _read(folder: SweepFolder, runs: Mapping[str, Run]) -> Sweep:
    """A sweep as it is now; SweepError where its plan cannot be read."""
    plan = read_plan(folder)
    job = read_job(folder.job)  # before the trials: one that ends now is still called running, never the reverse
    status, reason = _status(folder.job, job)
    prunes = plan.options.pruner != "none"
    trials = tuple(
        _unreadable(number, found) if isinstance(found, str) else _trial(folder, found, runs, prunes=prunes)
        for number, found in read_trial_files(folder).items()
    )
    return Sweep(plan, status, trials, job, reason)


def _status(folder: JobFolder, job: JobState | None) -> tuple[SweepStatus, str]:
    """The status of a sweep from the job of its owner, and why it is not finished.

    An owner that ends before its plan is done, but for a cancel or an error, says why in the job's report.
    """
    if job is None:
        return "interrupted", _NOT_BEGUN
    if job.active:
        return "running", ""
    if job.state == "cancelled":
        return "stopped", f"It was stopped. {_RESUME}"
    if job.state == "done":
        return ("stopped", job.report[-1]) if job.report else ("finished", "")
    if _wrote_its_end(folder):
        return "failed", job.error
    return "interrupted", f"{job.error.removesuffix(' Start it again.')} {_RESUME}"


def _wrote_its_end(folder: JobFolder) -> bool:
    """Whether the owner itself wrote that it failed; else it was killed."""
    try:
        return not parse(JobState, read_json(folder.state, max_bytes=MB), exact=False).active
    except (OSError, ValueError):
        return False


def _unreadable(number: int, problem: str) -> Trial:
    return Trial(number, {}, (), "failed", None, problem=problem)


def _trial(folder: SweepFolder, file: TrialFile, runs: Mapping[str, Run], *, prunes: bool) -> Trial:
    found = [_trial_run(folder, file, seed, runs) for seed in file.seeds]
    ended_early = prunes and found[0].status in ("failed", "stopped")  # a pruner judges the first before others begin
    if file.pruned or file.lost or ended_early:
        found = [run for run in found if run.made]
    status = _status_of_trial(file, found)
    value = math.fsum(run.value or 0.0 for run in found) / len(found) if status == "finished" else None
    return Trial(file.number, file.settings, tuple(found), status, value, file.replaces, file.lost)


def _status_of_trial(file: TrialFile, runs: Sequence[TrialRun]) -> TrialStatus:
    states = {run.status for run in runs}
    if "running" in states:
        return "running"
    if file.lost:
        return "failed"
    if file.pruned:
        return "pruned"
    for state in ("waiting", "failed", "stopped"):
        if state in states:
            return state
    return "finished"


def _trial_run(folder: SweepFolder, file: TrialFile, seed: int, runs: Mapping[str, Run]) -> TrialRun:
    """The run of a candidate with a seed: as its folder says, else as it was kept, else it is not made yet."""
    run_id = trial_run_id(folder.id, file.number, seed)
    run = runs.get(run_id)
    if run is not None and not run.problem and (run.sweep, run.trial) == (folder.id, file.number):
        return _shown(values_of(run), _status_of_run(run, pruned=file.pruned))
    try:
        kept = read_kept(folder.runs / f"{run_id}.json")
    except (OSError, ValueError):  # nothing was kept, or it is damaged
        if run is not None and run.problem:
            return TrialRun(run_id, seed, "failed", None, (), 0.0)
        return TrialRun(run_id, seed, "waiting", None, (), 0.0, made=False)  # the run is made, perhaps again
    pruned = file.pruned and kept.status == "stopped"
    return _shown(kept, "pruned" if pruned else kept.status, deleted=run is None and not kept.refused)


def _status_of_run(run: Run, *, pruned: bool) -> TrialStatus:
    if run.active:
        return "running"
    if run.status in (Status.PAUSED, Status.INTERRUPTED) or run.error == KILLED_FROM_OUTSIDE:
        return "pruned" if pruned else "waiting"
    if run.status is Status.STOPPED:
        return "pruned" if pruned else "stopped"
    judged = run.best is not None and run.best.validation_accuracy is not None
    return "finished" if run.status is Status.FINISHED and judged else "failed"


def _shown(found: KeptRun, status: TrialStatus, *, deleted: bool = False) -> TrialRun:
    return TrialRun(
        run=found.run,
        seed=found.seed,
        status=status,
        value=found.value,
        values=found.values,
        seconds=found.seconds,
        deleted=deleted,
        diverged=found.diverged,
        pictures=found.pictures,
        refused=found.refused,
    )


def best_of(sweep: Sweep, runs: Sequence[Run] = ()) -> Best | None:
    """The best candidate; of several alike the first. None before one has finished."""
    finished = [trial for trial in sweep.trials if trial.value is not None]
    if not finished:
        return None
    trial = max(finished, key=lambda each: each.value or 0.0)  # the first of several
    best = max(trial.runs, key=lambda run: run.value or 0.0)
    low, high, n = interval_of(trial.runs)
    return Best(trial, best.run, trial.value or 0.0, low, high, n)


def interval_of(runs: Sequence[TrialRun]) -> tuple[float, float, int]:
    """The 95 % interval of finished runs of one setting, cut at 0 and 1, and of how many that is: as in `Best`."""
    if len(runs) == 1:
        run = runs[0]
        return *wilson_interval(round((run.value or 0.0) * run.pictures), run.pictures), run.pictures
    spread = spread_of([run.value or 0.0 for run in runs])
    return max(spread.low, 0.0), min(spread.high, 1.0), spread.n


def spread_of_trial(trial: Trial) -> Spread | None:
    """Mean and t interval of the values of its finished runs; None without one."""
    values = [run.value for run in trial.runs if run.status == "finished" and run.value is not None]
    return spread_of(values) if values else None


def sweep_facts(sweep: Sweep, runs: Sequence[Run] = (), *, trials: bool = False) -> dict[str, Any]:
    """For JSON: `sweep`, `status`, `runs` (done), `best` {`run`, `value`, `settings`} or None; with `trials`, those.

    A trial has `run`, `status`, `value`, `settings`, and beside these `trial`, `seed`, `values`, `seconds`, `deleted`,
    and `refused` (why no run could be made with its settings). One entry for each run that was begun.
    """
    best = best_of(sweep, runs)
    facts: dict[str, Any] = {
        "sweep": sweep.id,
        "status": sweep.status,
        "runs": sweep.runs_done,
        "best": _facts_of_best(best) if best else None,
        "planned": sweep.plan.options.runs,
        "name": sweep.plan.options.name,
        "place": asdict(sweep.plan.options.place),
        "dataset": sweep.plan.settings.get("dataset", ""),
        "created": sweep.plan.created,
        "reason": sweep.problem or sweep.reason,
    }
    if trials:
        facts["trials"] = [_facts_of_run(trial, run) for trial in sweep.trials for run in trial.runs if run.made]
    return facts


def _facts_of_best(best: Best) -> dict[str, Any]:
    return {
        "run": best.run,
        "value": best.value,
        "settings": dict(best.trial.settings),
        "trial": best.trial.number,
        "interval": [best.low, best.high],
        "n": best.n,
    }


def _facts_of_run(trial: Trial, run: TrialRun) -> dict[str, Any]:
    return {
        "run": run.run,
        "status": run.status,
        "value": run.value,
        "settings": dict(trial.settings),
        "trial": trial.number,
        "seed": run.seed,
        "values": list(run.values),
        "seconds": run.seconds,
        "deleted": run.deleted,
        "refused": run.refused,
    }
