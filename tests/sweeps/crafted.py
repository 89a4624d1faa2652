"""Sweeps written as files: a plan, trials and kept values, and where a template is given real run folders; no process."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from cifar_core.jobs.job import JobState
from cifar_core.runs import Run
from cifar_core.runs.trials.kept import KeptRun, KeptStatus, kept_file
from cifar_core.storage.json_files import write_json
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.plan_file import write_plan
from cifar_core.sweeps.space import Space
from cifar_core.sweeps.sweep import Trial, TrialRun
from cifar_core.sweeps.trial_file import TrialFile, trial_run_id, write_trial
from cifar_core.workspace import Workspace

DONE = JobState("sweep", "done")


@dataclass(frozen=True)
class Crafted:
    """One trial to write: its settings, and for each seed the validation accuracy after each epoch."""

    settings: dict[str, Any]
    curves: Sequence[Sequence[float]]
    status: KeptStatus = "finished"
    pruned: bool = False
    seconds: float = 10.0  # of each run
    real: bool = field(default=False, kw_only=True)  # whether its runs are folders: copies of the template


def trial(number: int, settings: dict[str, Any], value: float | None = None, *curves: tuple[float, ...]) -> Trial:
    """A trial that has finished with this value, or one that was pruned after these epochs."""
    runs = tuple(TrialRun("r", seed, "finished", None, curve, 1.0) for seed, curve in enumerate(curves))
    return Trial(number, settings, runs, "pruned" if value is None else "finished", value)


def craft_sweep(
    workspace: Workspace,
    sweep_id: str,
    space: Space,
    trials: Sequence[Crafted],
    *,
    settings: dict[str, Any],
    template: Run | None = None,
    state: JobState | None = DONE,
    pictures: int = 1000,
) -> SweepPlan:
    """Write a sweep whose trials have ended, and return its plan.

    Args:
        workspace: where.
        sweep_id: name of its folder.
        space: what it searches.
        trials: numbered from 1; the first one is where it began.
        settings: those that stay.
        template: a finished run of two epochs at least, copied for each run of a `real` trial.
        state: how its owner ended.
        pictures: validation pictures of a run that is no folder.
    """
    seeds = max(len(trial.curves) for trial in trials)
    folder = SweepFolder(workspace.sweeps / sweep_id)
    folder.path.mkdir(parents=True)
    start = (trials[0].settings,)
    options = SweepOptions(runs=len(trials) * seeds, seeds=seeds)
    plan = SweepPlan(sweep_id, "2026-11-29T12:00:00+00:00", settings, space, options, start_points=start)
    write_plan(folder, plan)
    for number, trial in enumerate(trials, start=1):
        write_trial(folder, TrialFile(number, trial.settings, tuple(range(len(trial.curves))), trial.pruned))
        for seed, curve in enumerate(trial.curves):
            if trial.real and template is not None:
                _copy_run(workspace, template, sweep_id, number, seed, trial)
            else:
                _keep(workspace, sweep_id, number, seed, curve, trial, pictures)
    if state is not None:
        folder.job.make()
        folder.job.request.write_text(json.dumps({"kind": "sweep"}), "utf-8")
        write_json(folder.job.state, asdict(state))
    return replace(plan, id=sweep_id)


def _keep(
    workspace: Workspace, sweep: str, number: int, seed: int, curve: Sequence[float], trial: Crafted, pictures: int
) -> None:
    run_id = trial_run_id(sweep, number, seed)
    path = kept_file(workspace, sweep, run_id)
    path.parent.mkdir(exist_ok=True)
    value = max(curve) if curve else None
    kept = KeptRun(run_id, number, seed, trial.status, value, tuple(curve), trial.seconds, pictures)
    write_json(path, asdict(kept))


def _copy_run(workspace: Workspace, template: Run, sweep: str, number: int, seed: int, trial: Crafted) -> None:
    """A run folder of the trial: the template's, with its settings and with the accuracies of its curve."""
    run_id = trial_run_id(sweep, number, seed)
    path: Path = workspace.runs / run_id
    shutil.copytree(workspace.runs / template.id, path)
    creation = json.loads((path / "config.json").read_text("utf-8"))
    creation.update(id=run_id, origin="trial", sweep=sweep, trial=number)
    creation["settings"].update(trial.settings, seed=seed)
    (path / "config.json").write_text(json.dumps(creation), "utf-8")
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text("utf-8").splitlines()]
    for line, value in zip(lines, trial.curves[seed], strict=True):
        line.update(validation_accuracy=value, validation_loss=1.0 - value)
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
