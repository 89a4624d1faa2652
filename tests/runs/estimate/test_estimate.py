"""The time estimate: fitted costs, and the sum of the steps of an epoch."""

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pytest

from cifar_core.config import RunConfig, make_config
from cifar_core.data import list_datasets
from cifar_core.jobs import start
from cifar_core.jobs.process import Reporter
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.models import layer_table
from cifar_core.presets import PRESETS
from cifar_core.runs import Run, create_run, delete_run, ensure_speed, estimate_run, measure_speed, read_run, speed_job
from cifar_core.runs.estimate.estimate import Estimate, epoch_seconds, fitted_step
from cifar_core.runs.estimate.measure_speed import fit_costs
from cifar_core.runs.estimate.speed import (
    SPEED_FILE,
    Costs,
    MachineSpeed,
    as_json,
    machine_name,
    read_speed,
    step_key,
)
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY

COSTS = Costs(per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)
KNOWN = MachineSpeed(machine_name(), 2, 3.5, {"simple_cnn": COSTS, "fast_cnn": COSTS}, {})


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
    assert (longer.seconds - estimate.seconds) / 20 == pytest.approx(steps + measuring + 0.15)
    assert "measured speed of this machine" in estimate.source and estimate.start_up == 3.5


def test_a_step_that_was_timed_itself_corrects_the_fit(workspace: Workspace) -> None:
    config = make_config({"model": "fast_cnn", "batch_size": 64})
    fitted = fitted_step(COSTS, layer_table(config.model, 10), 64)
    timed = replace(KNOWN, known={step_key(config): 3 * fitted})
    plain, corrected = (
        epoch_seconds(item, config, classes=10, train=6400, validation=0, test=0) for item in (KNOWN, timed)
    )
    assert plain - 0.15 == pytest.approx(100 * fitted)
    assert corrected - 0.15 == pytest.approx(300 * fitted)
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
        - 0.15
        for share in (0, 0.5)
    )
    assert pruned == pytest.approx(whole * (1 - 0.5 * 0.68 * 16 / 20), rel=1e-3), (
        "not in the first epoch, nor in the last three"
    )


def test_an_earlier_run_with_the_same_cost_is_preferred(shared: Workspace, finished: Run) -> None:
    estimate = estimated(shared, make_config({**TINY, "epochs": 20}), [finished])
    assert estimate is not None and finished.name in estimate.source
    assert estimate.seconds == pytest.approx(20 * finished.seconds / 2)
    assert estimated(shared, make_config({**TINY, "batch_size": 64}), [finished]) is None


@pytest.mark.parametrize(
    ("settings", "alike"),
    [
        ({}, True),
        ({"flip_test": True}, True),
        ({"flip_test": True, "validation_share": 0.0}, False),
        ({"prune_share": 0.5}, False),
        ({"model": "fast_cnn", "small_share": 0.5}, True),
    ],
)
def test_a_run_of_another_length_is_not_used_where_its_epochs_differ(
    shared: Workspace, finished: Run, settings: dict[str, Any], alike: bool
) -> None:
    """The last epoch is measured with more views, or the first and the last epochs train on more pictures."""
    run = replace(finished, config=make_config({**TINY, **settings}))
    for epochs, found in ((finished.config.optimizer.epochs, True), (20, alike)):
        estimate = estimated(shared, make_config({**TINY, **settings, "epochs": epochs}), [run])
        assert (estimate is not None and finished.name in estimate.source) is found


def test_a_run_on_another_dataset_of_the_same_name_is_not_used(shared: Workspace, finished: Run) -> None:
    assert finished.dataset is not None
    other = replace(finished, dataset=replace(finished.dataset, fingerprint="0" * 64))
    assert estimated(shared, finished.config, [other]) is None


def test_a_run_knows_how_right_its_estimate_was(shared: Workspace, finished: Run) -> None:
    """A run with the same settings as a finished one is expected to take as long."""
    new = create_run(shared, finished.config)
    expected = read_run(shared, new).expected_seconds
    assert expected == pytest.approx(finished.seconds)
    assert read_run(shared, new).overrun is None
    late = replace(finished, expected_seconds=finished.seconds / 2)
    assert late.overrun == pytest.approx(1.0)
    assert late.last is not None
    longer = replace(finished.config, optimizer=replace(finished.config.optimizer, epochs=2 * late.last.epoch))
    assert replace(late, config=longer).overrun == pytest.approx(3.0), "stopped early: only its own epochs count"
    move(RunFolder(shared.runs / new), Status.STOPPED)
    delete_run(shared, new)


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


@pytest.mark.parametrize(("factor", "repeated"), [(0.4, True), (0.7, False), (1.8, False), (2.5, True)])
def test_a_run_with_a_very_different_time_has_the_speed_measured_again(
    shared: Workspace,
    finished: Run,
    workspace: Workspace,
    started: list[object],
    factor: float,
    repeated: bool,
) -> None:
    """Only once: runs made before the measurement and imported runs do not count."""
    write_json(workspace.root / SPEED_FILE, as_json(KNOWN))
    made = datetime.fromisoformat(finished.created).timestamp()
    os.utime(workspace.root / SPEED_FILE, (made - 1, made - 1))
    run = replace(finished, expected_seconds=finished.seconds / factor)
    assert ensure_speed(workspace, [replace(run, imported=True)]) == "done" and not started
    assert ensure_speed(workspace, [run]) == ("measuring" if repeated else "done")
    assert len(started) == repeated
    os.utime(workspace.root / SPEED_FILE, (made + 1, made + 1))
    assert ensure_speed(workspace, [run]) == "done" and len(started) == repeated


@pytest.mark.slow
def test_this_machine_is_measured(workspace: Workspace) -> None:
    """By the real process: every preset is timed, and the fitted costs give about the same times."""
    while ensure_speed(workspace) == "measuring":
        time.sleep(0.1)
    found = read_speed(workspace)
    assert found is not None, speed_job(workspace).log.read_text("utf-8")
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
