"""A stored run, and an analysis for tests that counts its mistakes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from cifar_core.analyse import Analysis, Result
from cifar_core.analyse.compute import COMPUTE
from cifar_core.analyse.job import AnalysisRequest
from cifar_core.analyse.process import analyse
from cifar_core.analyse.table import ANALYSES
from cifar_core.jobs import start
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import do_job
from cifar_core.jobs.progress import OnProgress
from cifar_core.processes import Program
from cifar_core.runs import Run, read_predictions, read_run
from cifar_core.spec import setting
from cifar_core.workspace import Workspace
from tests.runs.exported_runs import RUN, store


@dataclass(frozen=True)
class CountingParameters:
    """The parameters of `COUNTING`."""

    part: str = setting("all", "choice", "Part", "Which pictures are counted.", choices=("all", "first"))
    limit: int = setting(50, "int", "Limit", "How many are counted at most.", low=1, high=1000, unit="pictures")


COUNTING = Analysis(
    id="counting",
    title="count of mistakes",
    version=1,
    needs=("test predictions",),
    uses=("validation predictions",),
    parameters=CountingParameters,
    kind="job",
    variant="part",
    variant_needs={"first": ("every epoch",)},
)


@dataclass
class Counting:
    """The function of `COUNTING`, which a test may change; counts how often it was called."""

    calls: int = 0
    meanwhile: Callable[[], None] = field(default=lambda: None)  # called in the middle

    def __call__(self, workspace: Workspace, run: Run, parameters: CountingParameters, progress: OnProgress) -> Result:
        self.calls += 1
        found = read_predictions(workspace, run.id)
        wrong = (found.probs.argmax(axis=1) != found.labels)[: parameters.limit]
        progress("Counting", 1, 2, "pictures")
        self.meanwhile()
        progress("Counting", 2, 2, "pictures")
        arrays = {"wrong": wrong, "ids": found.ids, "probs": found.probs.astype(np.float64), "none": np.empty((0, 3))}
        return Result({"mistakes": int(wrong.sum()), "epoch": found.epoch, "unknown": None, "text": "ø"}, arrays)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """`COUNTING` among the analyses."""
    function = Counting()
    monkeypatch.setitem(ANALYSES, COUNTING.id, COUNTING)
    monkeypatch.setitem(COMPUTE, COUNTING.id, function)
    return function


@pytest.fixture
def run(workspace: Workspace) -> Run:
    """A stored run of three epochs, of which the second is the best."""
    store(workspace)
    return read_run(workspace, RUN)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> list[JobFolder]:
    """A job that computes an analysis is done in this process, before the call that starts it returns; lists them."""
    started: list[JobFolder] = []

    def spawn(program: Program, arguments: list[str], _log: Path) -> None:
        assert program is Program.ANALYSE
        started.append(JobFolder(Path(arguments[0].removeprefix("--job="))))
        do_job(started[-1], AnalysisRequest, analyse)

    monkeypatch.setattr(start, "spawn", spawn)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    return started
