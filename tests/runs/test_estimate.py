"""The time estimate: costs found again, and sums that add up."""

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.files import write_json
from cifar_core.models import layer_table
from cifar_core.runs import Run, estimate_seconds
from cifar_core.runs.calibration import fit_costs
from cifar_core.runs.estimate import (
    CALIBRATION_FILE,
    Calibration,
    as_json,
    machine_name,
    read_calibration,
    step_seconds,
)
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import TINY

KNOWN = Calibration(machine_name(), per_step=1e-3, per_picture=1e-5, per_flop=1e-11, per_value=1e-10, forward=0.3)


def test_costs_are_found_again() -> None:
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
    assert estimate_seconds(workspace, config) is None
    write_json(workspace.root / CALIBRATION_FILE, as_json(KNOWN))
    estimate = estimate_seconds(workspace, config)
    longer = estimate_seconds(workspace, make_config({**TINY, "epochs": 22}))
    assert estimate is not None and longer is not None
    layers = layer_table(config.model, 10)
    steps = 8 * step_seconds(KNOWN, layers, 32) + step_seconds(KNOWN, layers, 270 - 8 * 32)
    assert (longer.seconds - estimate.seconds) / 20 == pytest.approx(steps, rel=0.1, abs=0.2)
    assert "calibration" in estimate.source


def test_an_earlier_run_alike_is_the_better_witness(shared: Workspace, finished: Run) -> None:
    estimate = estimate_seconds(shared, make_config({**TINY, "epochs": 20}), [finished])
    assert estimate is not None and finished.name in estimate.source
    assert estimate.seconds == pytest.approx(4 + 20 * finished.seconds / 2)
    assert estimate_seconds(shared, make_config({**TINY, "batch_size": 64}), [finished]) is None


def test_embedded_data_can_be_planned_before_it_is_drawn(workspace: Workspace) -> None:
    write_json(workspace.root / CALIBRATION_FILE, as_json(KNOWN))
    assert estimate_seconds(workspace, make_config()) is not None


def test_calibration_of_another_machine_does_not_hold(workspace: Workspace) -> None:
    write_json(workspace.root / CALIBRATION_FILE, {**as_json(KNOWN), "machine": "1000 cores"})
    assert read_calibration(workspace) is None
    (workspace.root / CALIBRATION_FILE).write_text("{")
    assert read_calibration(workspace) is None
