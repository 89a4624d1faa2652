"""Measures this machine: `python -m cifar_core.runs.calibration --workspace=DIR`, a few seconds, writes machine.json."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from cifar_core.config import RunConfig, make_config
from cifar_core.files import hold_lock, write_json
from cifar_core.models import layer_table
from cifar_core.models.network import create_model
from cifar_core.runs.estimate import (
    CALIBRATION_FILE,
    CALIBRATION_LOCK,
    Calibration,
    activation_values,
    as_json,
    is_calibrated,
)
from cifar_core.runs.estimate import machine_name as name_machine
from cifar_core.train.device import pick_device
from cifar_core.train.optimizers import make_optimizer
from cifar_core.workspace import Workspace

_SECONDS = 0.4  # of measuring for each case
_CASES: list[tuple[dict[str, Any], int]] = [  # networks from narrow to wide, in small and in large batches
    ({"channels": (6, 16), "kernel_size": 5, "padding": False, "hidden": (120, 84)}, 64),
    ({"channels": (6, 16), "kernel_size": 5, "padding": False, "hidden": (120, 84)}, 512),
    ({"channels": (16, 32), "hidden": (128, 64)}, 64),
    ({}, 64),
    ({}, 256),
    ({"channels": (64, 64), "hidden": (128, 128)}, 64),
    ({"channels": (64, 128)}, 128),
    ({"channels": (16, 128), "kernel_size": 5}, 64),
]
_CLASSES = 10


def measure() -> Calibration:
    """Time training steps of several networks and fit their costs."""
    rows, times, forward_shares = [], [], []
    device = pick_device("auto")
    for settings, batch in _CASES:
        config = make_config(settings)
        step, forward = _time_case(config, batch, device)
        layers = layer_table(config.model, _CLASSES)
        flops = sum(layer.flops for layer in layers)
        rows.append([1.0, batch, batch * flops, batch * activation_values(layers)])
        times.append(step)
        forward_shares.append(forward / step)
    costs = fit_costs(np.array(rows), np.array(times))
    per_step, per_picture, per_flop, per_value = costs
    forward = float(np.median(forward_shares))
    return Calibration(name_machine(), per_step, per_picture, per_flop, per_value, forward)


def fit_costs(rows: np.ndarray, seconds: np.ndarray) -> list[float]:
    """Costs >= 0 whose sums come closest to the measured times, by relative error.

    A cost that would be negative is set to 0 and the others fitted again (active set of non-negative least squares).

    Args:
        rows: float [cases, costs], how often each cost arises in each case.
        seconds: float [cases].
    """
    scaled = rows / seconds[:, None]
    keep = list(range(rows.shape[1]))
    while True:
        found, *_ = np.linalg.lstsq(scaled[:, keep], np.ones(len(seconds)), rcond=None)
        if (found >= 0).all():
            break
        keep.remove(keep[int(found.argmin())])
    costs = [0.0] * rows.shape[1]
    for place, cost in zip(keep, found, strict=True):
        costs[place] = float(cost)
    return costs


def _time_case(config: RunConfig, batch: int, device: torch.device) -> tuple[float, float]:
    """Seconds of a training step and of a forward pass alone."""
    net = create_model(config.model, _CLASSES).to(device).to(memory_format=torch.channels_last)
    optimizer = make_optimizer(config.optimizer, net)
    images = torch.randn(batch, 3, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, _CLASSES, (batch,), device=device)

    def step() -> None:
        optimizer.zero_grad()
        F.cross_entropy(net(images), labels).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        elif device.type == "mps":
            torch.mps.synchronize()

    step_time = _median_time(step)
    net.eval()
    with torch.no_grad():
        forward_time = _median_time(lambda: net(images))
    return step_time, forward_time


def _median_time(action: Callable[[], object]) -> float:
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - begin < _SECONDS / 2:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return float(np.median(times[2:]))


def main() -> int:
    """Measure and write, unless another process does so now."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True, type=Path)
    root = parser.parse_args().workspace
    with hold_lock(root / CALIBRATION_LOCK) as mine:
        if mine and not is_calibrated(Workspace(root)):
            write_json(root / CALIBRATION_FILE, as_json(measure()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
