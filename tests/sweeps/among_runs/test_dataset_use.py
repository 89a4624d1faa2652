"""What the deletion of a dataset means for sweeps, in sentences."""

from dataclasses import replace

from cifar_core.sweeps.among_runs.dataset_use import sweep_use
from cifar_core.sweeps.plan import SweepOptions, SweepPlan
from cifar_core.sweeps.sweep import Sweep


def test_what_the_deletion_means_for_sweeps() -> None:
    plan = SweepPlan("calm-fox", "", {"dataset": "tiny"}, (), SweepOptions())
    works = Sweep(plan, "running", (), None)
    named = replace(plan, id="old", options=SweepOptions(name="Which rate?"))
    stopped, broken = Sweep(named, "stopped", (), None), Sweep(plan, "failed", (), None, problem="No.")
    finished = Sweep(replace(plan, id="done"), "finished", (), None)
    assert sweep_use([works, stopped, broken, finished], "tiny") == [
        "Sweeping on it: calm-fox. Runs that begin later fail unless it is back.",
        "Not resumed yet, and only with it: sweep Which rate?.",
    ]
    assert not sweep_use([finished, works, stopped], "other") and not sweep_use([finished, broken], "tiny")
