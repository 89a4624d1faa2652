"""How long a sweep will take: the runs that it may make, its slots, and what is left of it."""

import math
import os
import statistics
from dataclasses import replace
from typing import Any

import pytest

from cifar_core.config import make_config
from cifar_core.data import list_datasets
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import Run, Status, TrainingProgress, estimate_run
from cifar_core.runs.estimate.speed import SPEED_FILE, SPEED_LAYOUT, Costs, MachineSpeed, as_json, machine_name
from cifar_core.storage.json_files import write_json
from cifar_core.sweeps import estimate as module
from cifar_core.sweeps.estimate import estimate_sweep, some_candidates, sweep_time_left
from cifar_core.sweeps.plan import SweepOptions, SweepPlan, plan_sweep
from cifar_core.sweeps.space import contains, grid, in_effect, parse_space
from cifar_core.sweeps.sweep import Sweep, Trial, TrialRun, TrialStatus
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY

COSTS = Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)
SPEED = MachineSpeed(
    machine_name(), 1, 3.0, {"simple_cnn": COSTS, "fast_cnn": COSTS}, {}, spread=0.1, fit_error=0.1, layout=SPEED_LAYOUT
)


@pytest.fixture
def measured(workspace: Workspace) -> Workspace:
    """A workspace with tiny pictures, whose machine has been measured."""
    save_tiny(workspace)
    write_json(workspace.root / SPEED_FILE, as_json(SPEED))
    return workspace


def planned(workspace: Workspace, *texts: str, **options: Any) -> SweepPlan:
    flat = make_config(TINY).flat()
    return plan_sweep(workspace, flat, parse_space(texts, flat), SweepOptions(**options))


def test_the_time_is_that_of_its_runs_one_after_the_other(measured: Workspace) -> None:
    plan = planned(measured, "channels=4,6|64,128", "batch_size=32|64", sampler="grid", runs=0, seeds=2)
    found = estimate_sweep(measured, plan, [])
    datasets, each = list_datasets(measured), []
    for chosen in grid(plan.space, plan.settings):
        expected = estimate_run(make_config({**plan.settings, **chosen}), SPEED, datasets)
        assert expected is not None
        each.append(expected.whole.middle - expected.start_up)
    assert found is not None and found.low < found.middle < found.high
    between = module._BETWEEN.middle
    assert found.middle == pytest.approx(expected.start_up + 8 * (statistics.fmean(each) + between))


def test_it_is_not_known_before_the_machine_was_measured(workspace: Workspace) -> None:
    save_tiny(workspace)
    assert estimate_sweep(workspace, planned(workspace, "learning_rate=1e-4..1e-1"), []) is None


def test_more_runs_take_longer_and_a_limit_ends_it(measured: Workspace) -> None:
    few, many = (estimate_sweep(measured, planned(measured, "dropout=0..0.5", runs=runs), []) for runs in (10, 100))
    assert few is not None and many is not None and few.middle < many.middle / 5
    limited = estimate_sweep(measured, planned(measured, "dropout=0..0.5", runs=10_000, hours=0.01), [])
    assert limited is not None and limited.high == 36


@pytest.mark.parametrize(("threads", "cores", "slots"), [(1, 2, 2), (4, 4, 2), (4, 4, 4), (1, 2, 8)])
def test_slots_share_the_cores(
    measured: Workspace, monkeypatch: pytest.MonkeyPatch, threads: int, cores: int, slots: int
) -> None:
    """Never faster than all cores allow, never slower than one run after the other at full speed with its overhead."""
    plan = planned(measured, "dropout=0..0.5", runs=80)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setattr(module, "read_speed", lambda _: replace(SPEED, threads=threads))
    alone = estimate_sweep(measured, plan, [])
    write_json(measured.root / LIMITS_FILE, {"slots": slots})
    shared = estimate_sweep(measured, plan, [])
    assert alone is not None and shared is not None
    assert shared.low < alone.low and shared.middle < alone.middle
    assert shared.low >= alone.low / min(slots, cores) * 0.9
    assert shared.high <= alone.high * 1.01
    used = threads * min(slots, cores)  # a thread each where one run has one: they do not hinder each other
    if used <= cores:
        assert shared.high == pytest.approx(alone.high / min(slots, cores), rel=0.3)


def test_candidates_that_stand_for_all_lie_in_the_space(measured: Workspace) -> None:
    texts = (
        "optimizer=adam|sgd",
        "momentum=0.5..0.9",
        "batch_size=16..256",
        "kernel_size=1..7",
        "learning_rate=1e-4..1",
    )
    plan = planned(measured, *texts, runs=50)
    found = some_candidates(plan, 24)
    assert len(found) == 24 and found[0] == plan.start_points[0] and found == some_candidates(plan, 24)
    for chosen in found:
        assert contains(plan.space, chosen) and list(chosen) == in_effect(plan.space, chosen, plan.settings)
        make_config({**plan.settings, **chosen})
    rates = sorted(math.log10(chosen["learning_rate"]) for chosen in found)
    assert rates[0] < -3 and rates[-1] > -1 and {chosen["optimizer"] for chosen in found} == {"adam", "sgd"}
    assert len(some_candidates(replace(plan, options=SweepOptions(runs=3)), 24)) == 3


def going_on(*states: tuple[TrialStatus, float], runs: int = 10, seeds: int = 1) -> tuple[Sweep, list[Run]]:
    """A sweep with a candidate of one run for each (status, seconds), and the runs that train."""
    plan = SweepPlan("calm-owl-7abcd", "", {}, (), SweepOptions(runs=runs, seeds=seeds))
    trials, training = [], []
    for number, (status, seconds) in enumerate(states, start=1):
        run = TrialRun(f"run-{number}", 0, status, 0.5, (0.5,), seconds)
        trials.append(Trial(number, {}, (run,), status, 0.5))
        if status == "running":
            at = TrainingProgress("training", 1, 10, 50, 100, elapsed=seconds)
            config = make_config({"epochs": 1})
            training.append(
                Run(run.run, "", "", Status.RUNNING, config, "", progress=at, expected_seconds=20.0, sweep=plan.id)
            )
    return Sweep(plan, "running", tuple(trials), None), training


def middle(sweep: Sweep, runs: list[Run]) -> float:
    found = sweep_time_left(sweep, runs)
    assert found is not None and 0 <= found.low <= found.middle <= found.high
    return found.middle


def test_what_is_left_goes_by_the_runs_that_ended() -> None:
    ended: list[tuple[TrialStatus, float]] = [("finished", 12.0), ("pruned", 4.0), ("finished", 14.0), ("failed", 10.0)]
    between = module._BETWEEN.middle
    sweep, runs = going_on(*ended)
    assert middle(sweep, runs) == pytest.approx(6 * (10.0 + between)), "six are still to be made"
    sweep, runs = going_on(*ended, ("waiting", 3.0))
    assert middle(sweep, runs) == pytest.approx(6 * (10.0 + between)), "one of them is there and paused"
    two, runs = going_on(*ended, ("running", 10.0), ("running", 10.0))
    assert middle(two, runs) == pytest.approx((2 * 10.0 + 4 * (10.0 + between)) / 2, rel=0.1), "two at a time"
    nearly, runs = going_on(*ended, ("running", 10.0), ("running", 1.0), runs=6)
    slowest = sweep_time_left(nearly, runs)
    assert slowest is not None and slowest.middle == pytest.approx(10), "no less than the slowest of those that train"


def test_it_narrows_as_runs_end() -> None:
    few, many = (
        going_on(*[("finished", float(10 + number % 2)) for number in range(count)], runs=100) for count in (4, 64)
    )
    spans = [sweep_time_left(*each) for each in (few, many)]
    widths = [span.high / span.low for span in spans if span]
    assert widths[1] < widths[0]


def test_before_one_has_ended_it_goes_by_what_was_expected() -> None:
    first, runs = going_on(("running", 10.0))
    assert middle(first, runs) == pytest.approx(10 + 9 * 20, rel=0.1)
    assert sweep_time_left(*going_on()) is None, "nothing is known"
    assert sweep_time_left(replace(first, status="stopped"), runs) is None, "it does not run"
    done, _ = going_on(*[("finished", 5.0)] * 10)
    assert middle(done, []) == 0
