"""The measurement of many short runs, with a few tiny ones: its sums are right, and the memory stays as it is."""

import pytest

from cifar_core.bench.sweeps.short_runs import measure
from cifar_core.config import make_config
from cifar_core.runs import list_runs
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY

MB = 1024 * 1024


@pytest.mark.slow
def test_the_measurement_adds_up_and_memory_stays_flat(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """An epoch after the other of tiny runs; a leak of a run's pictures or network would add up to megabytes."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    save_tiny(workspace)
    found = measure(workspace, make_config({**TINY, "epochs": 1}), runs=60, slots=1)
    runs = list_runs(workspace)[:60]  # without the one that warmed up
    assert found["finished"] == found["runs"] == 60
    assert found["sum_train_seconds"] == pytest.approx(sum(run.seconds for run in runs))
    assert found["ratio"] == pytest.approx(found["wall_seconds"] / found["sum_train_seconds"]) and found["ratio"] > 1
    (after_few,), (at_end,) = found["memory_bytes"]["10%"], found["memory_bytes"]["100%"]
    assert at_end - after_few < 4 * MB
