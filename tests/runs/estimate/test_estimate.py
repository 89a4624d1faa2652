"""The time estimate: fitted costs, the sum of the steps of an epoch, and what runs teach about it."""

import os
import time
from collections.abc import Sequence
from dataclasses import astuple, replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import RunConfig, make_config
from cifar_core.data import DatasetState, dataset_job, list_datasets
from cifar_core.jobs import start
from cifar_core.jobs.job import write_request
from cifar_core.jobs.process import Reporter
from cifar_core.lifecycle.place import Place
from cifar_core.lifecycle.queue import slot_locks
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.models import layer_table
from cifar_core.presets import PRESETS
from cifar_core.runs import Run, create_run, delete_run, ensure_speed, estimate_run, measure_speed, read_run, speed_job
from cifar_core.runs.estimate.epoch_time import epoch_seconds, fitted_step
from cifar_core.runs.estimate.estimate import Estimate, correction_by
from cifar_core.runs.estimate.measure_speed import disturbance, fit_costs, measure_machine
from cifar_core.runs.estimate.speed import (
    SPEED_FILE,
    SPEED_LAYOUT,
    Costs,
    MachineSpeed,
    as_json,
    machine_name,
    read_speed,
    step_key,
)
from cifar_core.runs.estimate.speed_job import SpeedRequest
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY

COSTS = Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)
KNOWN = MachineSpeed(
    machine_name(), 2, 3.5, {"simple_cnn": COSTS, "fast_cnn": COSTS}, {}, spread=0.1, fit_error=0.1, layout=SPEED_LAYOUT
)

OLD_FIELDS = ("machine", "threads", "start_up", "costs", "known")  # of machine.json, as version 1 wrote it
DRAWN = [DatasetState("drawn10", "", "", "ready", "", 10_000, 2_000, 10, 0, "")]


def estimated(workspace: Workspace, config: RunConfig, runs: Sequence[Run] = ()) -> Estimate | None:
    """As on the pages, where a workspace gives what is known."""
    return estimate_run(config, read_speed(workspace), list_datasets(workspace), runs)


def test_the_fit_finds_the_costs_that_made_the_times() -> None:
    rng = np.random.default_rng(0)
    rows = rng.uniform(1, 100, (8, 4))
    costs = np.array([1e-3, 2e-4, 0.0, 5e-5])
    assert fit_costs(rows, rows @ costs) == pytest.approx(costs, abs=1e-9)


def test_no_cost_is_negative() -> None:
    rows = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 3.0]])
    assert min(fit_costs(rows, np.array([3.0, 2.0, 1.0]))) >= 0


def test_estimate_is_the_sum_of_its_steps(workspace: Workspace) -> None:
    save_tiny(workspace)
    config = make_config(TINY)
    assert estimated(workspace, config) is None
    write_json(workspace.root / SPEED_FILE, as_json(KNOWN))
    estimate = estimated(workspace, config)
    longer = estimated(workspace, make_config({**TINY, "epochs": 22}))
    assert estimate is not None and longer is not None
    layers = layer_table(config.model, 10)
    steps = 8 * fitted_step(COSTS, layers, 32) + fitted_step(COSTS, layers, 270 - 8 * 32)
    measuring = 0.3 * (30 + 100) * fitted_step(COSTS, layers, 32) / 32
    assert (longer.training.middle - estimate.training.middle) / 20 == pytest.approx(steps + measuring)
    assert "no run has confirmed it" in estimate.source and estimate.start_up == 3.5 + 0.5
    writing = 2 * KNOWN.write
    assert estimate.whole.middle == pytest.approx(estimate.start_up + estimate.training.middle + writing)
    assert estimate.low < estimate.whole.middle < estimate.high


def test_a_step_that_was_timed_itself_corrects_the_fit(workspace: Workspace) -> None:
    config = make_config({"model": "fast_cnn", "batch_size": 64})
    fitted = fitted_step(COSTS, layer_table(config.model, 10), 64)
    timed = replace(KNOWN, known={step_key(config): 3 * fitted})
    plain, corrected = (
        epoch_seconds(item, config, classes=10, train=6400, validation=0, test=0) for item in (KNOWN, timed)
    )
    assert plain == pytest.approx(100 * fitted)
    assert corrected == pytest.approx(300 * fitted)
    other = make_config({"model": "fast_cnn", "batch_size": 64, "widths": "4,4,4"})
    assert epoch_seconds(timed, other, classes=10, train=6400, validation=0, test=0) == epoch_seconds(
        KNOWN, other, classes=10, train=6400, validation=0, test=0
    )


@pytest.mark.parametrize(
    ("settings", "views"), [({"flip_test": True}, 2), ({"shift_test": 1}, 3), ({"flip_test": True, "shift_test": 2}, 6)]
)
@pytest.mark.parametrize(("validation", "measured"), [(640, 4), (0, 1)])
def test_each_view_takes_as_long_as_the_first(
    settings: dict[str, object], views: int, validation: int, measured: int
) -> None:
    """For the epochs that may count: all with a validation part, the last of four without."""
    parts = {"train": 64, "validation": validation, "test": 6400 - validation}
    one, two = (
        epoch_seconds(KNOWN, make_config({"epochs": 4, **chosen}), classes=10, **parts) for chosen in ({}, settings)
    )
    rest = epoch_seconds(KNOWN, make_config({"epochs": 4}), classes=10, train=64, validation=0, test=0)
    assert two - rest == pytest.approx((measured * views + 4 - measured) / 4 * (one - rest))


def test_leaving_out_easy_pictures_saves_about_that_part() -> None:
    whole, pruned = (
        epoch_seconds(
            KNOWN, make_config({"epochs": 20, "prune_share": share}), classes=10, train=64_000, validation=0, test=0
        )
        for share in (0, 0.5)
    )
    assert pruned == pytest.approx(whole * (1 - 0.5 * 0.68 * 16 / 20), rel=1e-3), (
        "not in the first epoch, nor in the last three"
    )


def as_slow(run: Run, factor: float, **settings: Any) -> Run:
    """A run of two epochs on 50,000 pictures that took so many times its computed time."""
    assert run.dataset is not None and run.last is not None and run.progress is not None
    config = make_config({"epochs": 2, **settings})
    data = replace(run.dataset, train=50_000, validation=0, test=10_000)
    epoch = epoch_seconds(KNOWN, config, classes=10, train=50_000, validation=0, test=10_000)
    progress = replace(run.progress, elapsed=factor * epoch * run.last.epoch)
    return replace(run, config=config, dataset=data, progress=progress)


def test_runs_correct_the_estimates_of_all_presets_alike(finished: Run, workspace: Workspace) -> None:
    """No earlier run of equal cost is preferred for one preset; the range narrows as runs confirm it."""
    datasets = list_datasets(workspace)
    runs = [as_slow(finished, factor) for factor in (2.0, 2.1, 1.9, 2.0, 2.05)]
    widths = []
    for preset in PRESETS:
        before, after = (estimate_run(make_config(preset=preset), KNOWN, datasets, given) for given in ((), runs))
        assert before is not None and after is not None and after.source.endswith("its last 5 runs")
        assert after.training.middle == pytest.approx(2 * before.training.middle, rel=0.06)
        widths.append((before.training.high / before.training.low, after.training.high / after.training.low))
    assert all(after < before for before, after in widths)


def test_what_says_nothing_of_this_machine_is_no_evidence(finished: Run) -> None:
    run = as_slow(finished, 3.0)
    assert run.progress is not None
    training = replace(run, status=Status.RUNNING, progress=replace(run.progress, epoch=2, batch=1, batches=2))
    for one, counts in (
        (run, 1),
        (replace(run, from_zip=True), 0),
        (replace(run, place=Place("ray", "10.0.0.5:6379")), 0),
        (replace(run, origin="trial", sweep="calm-owl-7abcd"), 0),
        (replace(run, origin="imported"), 0),
        (replace(run, status=Status.STOPPED), 0),
        (replace(run, config=make_config({**run.config.flat(), "model": "fast_cnn"})), 1),
        (replace(run, progress=replace(run.progress, elapsed=0.5)), 0),
        (training, 1),
        (replace(training, config=make_config({**run.config.flat(), "prune_share": 0.5})), 0),
        (replace(training, last=None), 0),
    ):
        assert correction_by(KNOWN, [one]).runs == counts, one


def test_a_start_that_took_longer_corrects_the_next(finished: Run, workspace: Workspace) -> None:
    config, datasets = make_config(preset="quick"), list_datasets(workspace)
    absent, *_ = (replace(item, state="absent") for item in datasets if item.name == "drawn10")
    ready, drawn_now = replace(absent, state="ready"), replace(absent, state="preparing")
    trial = replace(finished, start_up=0.1, sweep="calm-owl-7abcd")  # its worker was there already
    slow = [*[trial] * 9, *[replace(finished, start_up=14.0)] * 9]
    starts = [estimate_run(config, KNOWN, [ready], runs) for runs in ((), slow)]
    assert [item.start_up for item in starts if item] == [pytest.approx(4.0), pytest.approx(14.5)]
    drawing, waiting = (estimate_run(config, KNOWN, [item]) for item in (absent, drawn_now))
    assert drawing is not None and waiting is not None
    assert drawing.start_up == pytest.approx(4.0 + KNOWN.draw)
    assert waiting.low < drawing.low and waiting.whole.middle < drawing.whole.middle < waiting.high


@given(
    epochs=st.integers(1, 499),
    share=st.floats(0.1, 0.9),
    preset=st.sampled_from(sorted(PRESETS)),
    factors=st.lists(st.floats(0.2, 5.0), max_size=4),
)
def test_more_epochs_and_more_pictures_take_longer(
    finished: Run, epochs: int, share: float, preset: str, factors: list[float]
) -> None:
    runs = [as_slow(finished, factor) for factor in factors]
    settings = [
        {"epochs": epochs, "train_share": share},
        {"epochs": epochs + 1, "train_share": share},
        {"epochs": epochs, "train_share": share + 0.1},
    ]
    one, longer, larger = (estimate_run(make_config(item, preset=preset), KNOWN, DRAWN, runs) for item in settings)
    assert one is not None and longer is not None and larger is not None
    for more, rounding in ((longer, 0.02), (larger, 0.0)):  # a pruned epoch counts its average of whole batches
        bounds = zip(astuple(one.whole), astuple(more.whole), strict=True)
        assert all(before < after * (1 + rounding) for before, after in bounds)
    assert one.low < one.whole.middle < one.high


@given(factor=st.floats(0.01, 100.0), preset=st.sampled_from(sorted(PRESETS)))
def test_no_single_run_turns_the_order_of_the_presets_over(finished: Run, factor: float, preset: str) -> None:
    """Neither by the middle nor by a bound, whatever preset it was of and however long it took."""
    run = as_slow(finished, factor, model=make_config(preset=preset).model.model)
    timed = {step_key(make_config(preset=name)): 0.01 * (number + 1) for number, name in enumerate(PRESETS)}
    speed = replace(KNOWN, known=timed)
    before, after = (
        {name: estimate_run(make_config(preset=name), speed, DRAWN, given) for name in PRESETS} for given in ((), [run])
    )
    assert order_of(before, 1) == order_of(after, 1) == order_of(after, 0) == order_of(after, 2)


def order_of(estimates: dict[str, Estimate | None], bound: int) -> list[str]:
    """Names by their training's low (0), middle (1) or high (2)."""
    return sorted(estimates, key=lambda name: astuple(estimates[name].training)[bound])  # type: ignore[union-attr]


def test_a_run_knows_how_right_its_estimate_was(shared: Workspace, finished: Run) -> None:
    write_json(shared.root / SPEED_FILE, as_json(KNOWN))
    new = create_run(shared, finished.config)
    (shared.root / SPEED_FILE).unlink()
    made = read_run(shared, new)
    assert made.expected_low is not None and made.expected_high is not None and made.expected_seconds is not None
    assert 0 < made.expected_low < made.expected_seconds < made.expected_high and made.expected_start_up
    assert made.overrun is None
    late = replace(finished, expected_seconds=finished.seconds / 2)
    assert late.overrun == pytest.approx(1.0)
    assert late.last is not None
    longer = replace(finished.config, optimizer=replace(finished.config.optimizer, epochs=2 * late.last.epoch))
    assert replace(late, config=longer).overrun == pytest.approx(3.0), "stopped early: only its own epochs count"
    move(RunFolder(shared.runs / new), Status.STOPPED)
    delete_run(shared, new)


def test_a_run_keeps_how_long_its_start_took(finished: Run) -> None:
    assert finished.start_up is not None and 0 < finished.start_up < 120


def test_rounds_tell_how_disturbed_the_timings_were() -> None:
    fastest = np.array([1.0, 2.0])
    assert disturbance(np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]), fastest) == (pytest.approx(1.0), 0.0)
    slowdown, spread = disturbance(np.array([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0]]), fastest)
    assert slowdown == pytest.approx(2.0) and spread == pytest.approx(np.log(2))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Start no process; has an item for each that was to be started."""
    programs: list[object] = []
    monkeypatch.setattr(start, "spawn", lambda *given: programs.append(given))
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    return programs


def test_the_speed_is_measured_once_and_a_failure_is_reported(workspace: Workspace, started: list[object]) -> None:
    """A failure, found on the disk by every session, is tried again only when a person asks for it."""
    job = speed_job(workspace)
    job.make()
    with hold_lock(job.start_lock):
        assert [ensure_speed(workspace), ensure_speed(workspace)] == ["measuring", "measuring"] and started == []
    assert ensure_speed(workspace) == "measuring" and len(started) == 1
    with hold_lock(job.lock):
        assert ensure_speed(workspace) == "measuring"
    assert ensure_speed(workspace) == "failed" and len(started) == 1, "its process has ended without last words"
    measure_speed(workspace)
    assert len(started) == 2
    write_json(workspace.root / SPEED_FILE, as_json(KNOWN))
    assert ensure_speed(workspace) == "done" and len(started) == 2
    Reporter(job, "speed").end("done")
    (workspace.root / SPEED_FILE).unlink()
    assert ensure_speed(workspace) == "measuring" and len(started) == 3, "the result is gone, or of another torch"


def test_the_speed_is_not_measured_beside_other_work(workspace: Workspace, started: list[object]) -> None:
    """It is taken up again when that is over; an old machine.json is read, and measured again."""
    write_json(
        workspace.root / SPEED_FILE, {name: value for name, value in as_json(KNOWN).items() if name in OLD_FIELDS}
    )
    assert read_speed(workspace) == replace(KNOWN, spread=0.3, fit_error=0.2, layout=1)
    (slot,), drawing = slot_locks(workspace), dataset_job(workspace, "drawn10")
    make_folder(slot.parent)
    drawing.make()
    for lock in (slot, drawing.start_lock, drawing.lock):
        with hold_lock(lock):
            assert ensure_speed(workspace) == "busy" and started == []
    assert ensure_speed(workspace) == "measuring" and len(started) == 1


def test_a_measurement_ends_when_a_training_begins(workspace: Workspace) -> None:
    """Without a result and without a failure, so that it is taken up again."""
    job = speed_job(workspace)
    job.make()
    write_request(job, SpeedRequest("speed", time.time()))
    (slot,) = slot_locks(workspace)
    make_folder(slot.parent)
    with hold_lock(slot):
        measure_machine(job, SpeedRequest("speed", time.time()), Reporter(job, "speed"))
    assert read_speed(workspace) is None


@pytest.mark.parametrize(
    ("factor", "runs", "repeated"), [(0.4, 3, True), (0.7, 3, False), (1.8, 9, False), (2.5, 3, True), (9, 2, False)]
)
def test_runs_with_very_different_times_have_the_speed_measured_again(
    finished: Run, workspace: Workspace, started: list[object], factor: float, runs: int, repeated: bool
) -> None:
    """Several together, and only once: runs made before the measurement and imported runs do not count."""
    write_json(workspace.root / SPEED_FILE, as_json(KNOWN))
    made = datetime.fromisoformat(finished.created).timestamp()
    os.utime(workspace.root / SPEED_FILE, (made - 1, made - 1))
    witnesses = [as_slow(finished, factor)] * runs
    assert ensure_speed(workspace, [replace(run, from_zip=True) for run in witnesses]) == "done" and not started
    assert ensure_speed(workspace, witnesses) == ("measuring" if repeated else "done")
    assert len(started) == repeated
    os.utime(workspace.root / SPEED_FILE, (made + 1, made + 1))
    assert ensure_speed(workspace, witnesses) == "done" and len(started) == repeated


@pytest.mark.slow
def test_this_machine_is_measured(workspace: Workspace) -> None:
    """By the real process: every preset is timed, and the fitted costs give about the same times."""
    while ensure_speed(workspace) == "measuring":
        time.sleep(0.1)
    found = read_speed(workspace)
    assert found is not None, speed_job(workspace).log.read_text("utf-8")
    assert found.slowdown >= 1 and found.write > 0 and found.draw > 0 and found.layout == SPEED_LAYOUT
    assert 1 <= found.threads <= (os.cpu_count() or 1) and 0 < found.start_up < 120
    for name in PRESETS:
        config = make_config(preset=name)
        measured = found.known[step_key(config)]
        layers = layer_table(config.model, 10)
        fitted = fitted_step(found.costs[config.model.model], layers, config.optimizer.batch_size)
        assert 0.4 < fitted / measured < 2.5, name


def test_a_run_on_drawn10_can_be_estimated_before_it_is_drawn(workspace: Workspace) -> None:
    write_json(workspace.root / SPEED_FILE, as_json(KNOWN))
    assert estimated(workspace, make_config()) is not None


def test_the_speed_of_another_machine_is_not_used(workspace: Workspace) -> None:
    write_json(workspace.root / SPEED_FILE, {**as_json(KNOWN), "machine": "1000 cores"})
    assert read_speed(workspace) is None
    (workspace.root / SPEED_FILE).write_text("{")
    assert read_speed(workspace) is None
