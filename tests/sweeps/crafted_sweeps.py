"""Sweeps whose runs nobody trained: folders with the records of a stored run, without its predictions and weights."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cifar_core.config import make_config
from cifar_core.jobs.job import JobState, JobStatus, Request, write_request, write_state
from cifar_core.runs.run_folder import RunFolder
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.plan_file import write_plan
from cifar_core.sweeps.space import Dimension
from cifar_core.sweeps.trial_file import TrialFile, trial_run_id, write_trial
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import STORED

SWEEP = "calm-owl-7abcd"
PICTURES = 100  # validation pictures of each run
RATE = Dimension("learning_rate", 1e-4, 1e-1, log=True)
CHANNELS = Dimension("channels", values=((3, 4), (4, 8)))
SETTINGS = make_config({"dataset": "tiny", "epochs": 2, "validation_share": 0.25}).flat()
_CREATION, _FACTS, _STATUS, _LINE = (
    json.loads(
        (STORED / name).read_text("utf-8").splitlines()[0] if name.endswith("l") else (STORED / name).read_text()
    )
    for name in ("config.json", "facts.json", "status.json", "metrics.jsonl")
)


def make_sweep(
    workspace: Workspace,
    *space: Dimension,
    sweep_id: str = SWEEP,
    created: str = "2026-11-29T10:00:00+00:00",
    start_points: Sequence[Mapping[str, Any]] = (),
    **options: Any,
) -> SweepFolder:
    """A sweep without trials, whose owner was never started."""
    folder = SweepFolder(workspace.sweeps / sweep_id)
    folder.path.mkdir(parents=True)
    plan = SweepPlan(
        sweep_id, created, SETTINGS, space or (RATE,), SweepOptions(**options), start_points=tuple(start_points)
    )
    write_plan(folder, plan)
    return folder


def end_owner(folder: SweepFolder, state: JobStatus = "done", *, error: str = "", report: Sequence[str] = ()) -> None:
    """Let the owner of a sweep have ended; as `running` it was killed."""
    folder.job.make()
    write_request(folder.job, Request("sweep"))
    write_state(folder.job, JobState("sweep", state, error=error, report=list(report)))


def add_trial(
    folder: SweepFolder,
    number: int,
    settings: Mapping[str, Any],
    *curves: Sequence[float],
    status: str = "finished",
    seconds: float = 1.0,
    **file: Any,
) -> list[str]:
    """A candidate with a run for each curve of validation accuracies, of the seeds 0, 1, ...; returns their ids.

    Args:
        folder: of the sweep.
        number: of the candidate.
        settings: the swept ones.
        curves: a validation accuracy for each epoch.
        status: of all of its runs.
        seconds: of training and measuring of each.
        file: more fields of `TrialFile`; `seeds` may name more than have runs.
    """
    file.setdefault("seeds", tuple(range(max(1, len(curves)))))
    write_trial(folder, TrialFile(number, settings, **file))
    return [
        add_run(folder, number, seed, settings, curve, status=status, seconds=seconds)
        for seed, curve in enumerate(curves)
    ]


def add_run(
    folder: SweepFolder,
    number: int,
    seed: int,
    settings: Mapping[str, Any],
    curve: Sequence[float],
    *,
    status: str = "finished",
    seconds: float = 1.0,
    diverged: bool = False,
) -> str:
    """A run of a candidate; returns its id."""
    run_id = trial_run_id(folder.id, number, seed)
    run = RunFolder(folder.workspace.runs / run_id)
    run.path.mkdir()
    named = {"origin": "trial", "sweep": folder.id, "trial": number}
    config = make_config({**SETTINGS, **settings, "seed": seed}).flat()
    _write(run.config, _CREATION | named | {"id": run_id, "settings": config})
    dataset = _FACTS["dataset"] | {"validation": PICTURES}
    _write(run.facts, _FACTS | {"settings": config, "dataset": dataset})
    progress = _STATUS["progress"] | {"elapsed": seconds}
    _write(run.status, _STATUS | {"status": status, "progress": progress, "diverged": diverged})
    lines = [_LINE | {"epoch": at, "validation_accuracy": value} for at, value in enumerate(curve, start=1)]
    run.metrics.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return run_id


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content), "utf-8")
