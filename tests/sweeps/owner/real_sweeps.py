"""What tests of real sweeps wait for, and what must hold of one at its end."""

import time

from cifar_core.runs import list_runs, verify_run
from cifar_core.sweeps.sweep import Sweep, read_sweep
from cifar_core.workspace import Workspace
from tests.sweeps.owner.plans import SWEEP

DEADLINE = 240.0  # seconds; for a sweep that is stuck, not a wait


def wait_until_ended(workspace: Workspace) -> Sweep:
    until = time.monotonic() + DEADLINE
    while time.monotonic() < until:
        sweep = read_sweep(workspace, SWEEP)
        if not sweep.active:
            return sweep
        time.sleep(0.1)
    raise AssertionError(f"the sweep is still running: {read_sweep(workspace, SWEEP)}")


def all_is_well(workspace: Workspace, runs: int) -> None:
    """Every trial is counted once, and every run is whole."""
    sweep = read_sweep(workspace, SWEEP)
    assert (sweep.status, sweep.reason) == ("finished", "")
    assert [trial.number for trial in sweep.trials] == list(range(1, runs + 1))
    assert {trial.status for trial in sweep.trials} == {"finished"}
    assert sweep.runs_done == runs
    assert {run.id for run in list_runs(workspace)} == {run.run for trial in sweep.trials for run in trial.runs}
    for run in list_runs(workspace):
        assert verify_run(workspace, run.id) == []
        assert run.exact
        assert len(run.validation_curve) == run.config.optimizer.epochs
