"""A workspace with a person's own runs and the trials of a sweep, for page tests; no process."""

import contextlib
import json
import shutil
from collections.abc import Iterator

import pytest

from cifar_core.jobs.job import JobState, write_state
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.trial_file import TrialFile, trial_run_id, write_trial
from cifar_core.workspace import Workspace
from tests.sweeps.crafted_sweeps import SWEEP, end_owner, make_sweep

RATES = (0.001, 0.003, 0.01)
_CURVES = ((0.3, 0.4), (0.5, 0.9), (0.2, 0.1))  # validation accuracy after each epoch
BEST = 2  # number of the trial with the highest
OWN = ("early", "late", "short", "unjudged")


def trial_id(number: int) -> str:
    """The run of a trial."""
    return trial_run_id(SWEEP, number, 0)


@pytest.fixture
def swept(epochs_of_their_own: Workspace) -> Workspace:
    """A person's runs `early`, `late`, `short` and `unjudged`, and three newer ones, the trials of a finished sweep."""
    workspace = epochs_of_their_own
    folder = make_sweep(workspace, runs=len(RATES))
    end_owner(folder)
    for number, (rate, curve) in enumerate(zip(RATES, _CURVES, strict=True), start=1):
        write_trial(folder, TrialFile(number, {"learning_rate": rate}, (0,)))
        _copy_run(workspace, number, rate, curve)
    for name in OWN:
        _rewrite(workspace, name, created="2026-01-01T12:00:00+00:00")
    return workspace


def _copy_run(workspace: Workspace, number: int, rate: float, curve: tuple[float, ...]) -> None:
    """The run of a trial: that of `late`, with its rate and the accuracies of its curve."""
    run_id = trial_id(number)
    folder = RunFolder(workspace.runs / run_id)
    shutil.copytree(workspace.runs / "late", folder.path)
    settings = json.loads(folder.config.read_text("utf-8"))["settings"] | {"learning_rate": rate}
    _rewrite(workspace, run_id, id=run_id, origin="trial", sweep=SWEEP, trial=number, settings=settings)
    lines = [json.loads(line) for line in folder.metrics.read_text("utf-8").splitlines()]
    judged = [{**line, "validation_accuracy": value} for line, value in zip(lines, curve, strict=True)]
    folder.metrics.write_text("".join(json.dumps(line) + "\n" for line in judged), "utf-8")


def _rewrite(workspace: Workspace, run_id: str, **named: object) -> None:
    config = RunFolder(workspace.runs / run_id).config
    config.write_text(json.dumps({**json.loads(config.read_text("utf-8")), **named}), "utf-8")


@contextlib.contextmanager
def working(workspace: Workspace) -> Iterator[None]:
    """While this lasts, the sweep's owner works, as far as anybody can see."""
    job = SweepFolder(workspace.sweeps / SWEEP).job
    write_state(job, JobState("sweep", "running", "Sweeping", 1, 3, "runs"))
    with hold_lock(job.lock):
        yield
    write_state(job, JobState("sweep", "cancelled"))
