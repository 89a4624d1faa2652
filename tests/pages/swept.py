"""A workspace with a person's own runs and the trials of a sweep, for page tests; no process."""

import contextlib
import json
from collections.abc import Iterator

import pytest

from cifar_core.jobs.job import JobState, write_state
from cifar_core.runs import read_run
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.folder import SweepFolder
from cifar_core.sweeps.space import Dimension
from cifar_core.sweeps.trial_file import trial_run_id
from cifar_core.workspace import Workspace
from tests.sweeps.crafted import Crafted, craft_sweep

SWEEP = "calm-fox"
RATES = (0.001, 0.003, 0.01)
BEST = 2  # number of the trial with the highest validation accuracy
OWN = ("early", "late", "short", "unjudged")


def trial_id(number: int) -> str:
    """The run of a trial."""
    return trial_run_id(SWEEP, number, 0)


@pytest.fixture
def swept(epochs_of_their_own: Workspace) -> Workspace:
    """A person's runs `early`, `late`, `short` and `unjudged`, and the three trials of a finished sweep made later."""
    workspace = epochs_of_their_own
    template = read_run(workspace, "late")
    curves = ((0.3, 0.4), (0.5, 0.9), (0.2, 0.1))
    trials = [Crafted({"learning_rate": rate}, [curve], real=True) for rate, curve in zip(RATES, curves, strict=True)]
    craft_sweep(
        workspace,
        SWEEP,
        (Dimension("learning_rate", 1e-4, 1e-1, log=True),),
        trials,
        settings=template.config.flat(),
        template=template,
    )
    for name in OWN:
        config = workspace.runs / name / "config.json"
        creation = json.loads(config.read_text("utf-8"))
        config.write_text(json.dumps({**creation, "created": "2026-01-01T12:00:00+00:00"}), "utf-8")
    return workspace


@contextlib.contextmanager
def working(workspace: Workspace) -> Iterator[None]:
    """While this lasts, the sweep's owner works, as far as anybody can see."""
    job = SweepFolder(workspace.sweeps / SWEEP).job
    write_state(job, JobState("sweep", "running", "Sweeping", 1, 3, "runs"))
    with hold_lock(job.lock):
        yield
    write_state(job, JobState("sweep", "cancelled"))
