"""Measures this machine: `python -m cifar_core.runs.estimate.measure_speed --workspace=DIR`, some seconds, writes machine.json.

It times the loop itself, with all that a batch costs, on made-up pictures. Every case is timed in each of some rounds and its best
time counts: what another program disturbs in one round, it seldom disturbs in all.
"""

import argparse
import itertools
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cifar_core.config import RunConfig, make_config
from cifar_core.data import Dataset, Split
from cifar_core.machine import keep_memory, lower_priority
from cifar_core.models import layer_table
from cifar_core.presets import PRESETS
from cifar_core.runs.estimate.speed import (
    SPEED_FILE,
    SPEED_LOCK,
    Costs,
    MachineSpeed,
    activation_values,
    as_json,
    measured_at,
    step_key,
)
from cifar_core.runs.estimate.speed import machine_name as name_machine
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.train.batches import epoch_batches, load_training_data
from cifar_core.train.device import pick_device
from cifar_core.train.predict import predict_probabilities
from cifar_core.train.trainer import Trainer
from cifar_core.workspace import Workspace

_ROUNDS = 2
_SECONDS = 0.03  # of measuring each thing in a round, at least
_PICTURES = 2048  # to load and step through
_JUDGED = 128  # pictures to measure
_CLASSES = 10
_CASES: dict[str, list[dict[str, Any]]] = {  # networks from narrow to wide, in small and in large batches
    "simple_cnn": [
        {"channels": (6, 16), "kernel_size": 5, "padding": False, "hidden": (120, 84), "batch_size": 512},
        {"channels": (16, 32), "hidden": (128, 64), "batch_size": 64},
        {"batch_size": 256},
        {"channels": (16, 128), "kernel_size": 5, "batch_size": 64},
    ],
    "fast_cnn": [
        {"widths": (8, 16, 32), "batch_size": 64},
        {"widths": (8, 16, 32), "batch_size": 512},
    ],
}


def measure(start_up: float) -> MachineSpeed:
    """Time training steps of every preset and of other networks, and fit costs to the time of those in between.

    Args:
        start_up: seconds from the start of a process like this one until it could begin to compute.
    """
    data = _made_up()
    presets = [make_config(preset=name) for name in PRESETS]
    threads = _best_threads(presets[0], data)
    torch.set_num_threads(threads)
    cases = {
        model: [_Case(config, data) for config in presets if config.model.model == model]
        + [_Case(make_config({"model": model, **case}), data) for case in others]
        for model, others in _CASES.items()
    }
    timed = [case for several in cases.values() for case in several]
    for _ in range(_ROUNDS):
        for case in timed:
            case.time()
    known = {step_key(case.config): case.step for case in timed}
    return MachineSpeed(
        name_machine(), threads, start_up, {model: _fit(several) for model, several in cases.items()}, known
    )


def _fit(cases: list["_Case"]) -> Costs:
    rows, shares = [], []
    for case in cases:
        layers, batch = layer_table(case.config.model, _CLASSES), case.config.optimizer.batch_size
        flops = sum(layer.flops for layer in layers)
        rows.append([1.0, batch, batch * flops, batch * activation_values(layers)])
        shares.append(case.look * batch / case.step / case.config.data.views)
    per_step, per_picture, per_flop, per_value = fit_costs(np.array(rows), np.array([case.step for case in cases]))
    return Costs(per_step, per_picture, per_flop, per_value, float(np.median(shares)))


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


def _made_up() -> Dataset:
    rng = np.random.default_rng(0)
    train, test = (
        Split(
            rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8),
            rng.integers(0, _CLASSES, count),
            np.arange(count).astype(str),
        )
        for count in (_PICTURES, _JUDGED)
    )
    names = tuple(str(number) for number in range(_CLASSES))
    return Dataset("made-up", "", names, train, test, (0.5, 0.5, 0.5), (0.3, 0.3, 0.3), "", "")


def _best_threads(config: RunConfig, data: Dataset) -> int:
    """As many threads as torch would take, or half as many (one for each core with two threads): what is faster."""
    most = torch.get_num_threads()
    choices = sorted({most, max(1, most // 2)}, reverse=True)
    steps = []
    for threads in choices:
        torch.set_num_threads(threads)
        case = _Case(config, data)
        for _ in range(_ROUNDS):
            case.time()
        steps.append(case.step)
    return choices[int(np.argmin(steps))]


class _Case:
    """Settings that are timed: seconds of a training step with the loading of its pictures, and of measuring one picture."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.config = replace(config, data=replace(config.data, train_share=1.0, validation_share=0.0),
                              optimizer=replace(config.optimizer, small_share=0.0))  # fmt: skip
        device = pick_device("auto")
        self._data = load_training_data(dataset, self.config.data, 0, device)
        self._trainer = Trainer(self.config, self._data, device)
        self._batches = itertools.cycle(list(self._load()))  # none twice running
        self._best = dict.fromkeys((self._load_all, self._step, self._look), math.inf)
        for action in self._best:
            action()  # the first of each takes longer

    @property
    def step(self) -> float:
        batch = self.config.optimizer.batch_size
        return self._best[self._step] + batch * self._best[self._load_all] / len(self._data.train)

    @property
    def look(self) -> float:
        return self._best[self._look] / len(self._data.test)

    def time(self) -> None:
        """Time each once more, and keep its best."""
        self._trainer.net.train()
        for action, best in self._best.items():
            self._best[action] = min(best, _best_time(action))

    def _load(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        return epoch_batches(self._data, self.config.data, self.config.optimizer.batch_size, seed=0, epoch=1)

    def _load_all(self) -> None:
        for _ in self._load():
            pass

    def _step(self) -> None:
        self._trainer.train_step(*next(self._batches), step=0)
        _finish(self._trainer.device)

    def _look(self) -> None:
        trainer = self._trainer
        predict_probabilities(trainer.net, self._data.test, self._data, self.config.data, trainer.precision)


def _finish(device: torch.device) -> None:
    """Wait for what a GPU still does."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def _best_time(action: Callable[[], object]) -> float:
    """Seconds of the fastest time, which other programs disturbed least."""
    taken: list[float] = []
    begin = time.perf_counter()
    while not taken or time.perf_counter() - begin < _SECONDS:
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> int:
    """Measure and write, unless another process does so now."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workspace", required=True, type=Path)
    parser.add_argument("--begun", required=True, type=float, help="When this process was started, seconds since 1970.")
    arguments = parser.parse_args()
    keep_memory()
    lower_priority()  # as a training does: the person who has just opened the page clicks meanwhile
    root, start_up = arguments.workspace, time.time() - arguments.begun
    with hold_lock(root / SPEED_LOCK) as mine:
        if mine and measured_at(Workspace(root)) < arguments.begun:  # nobody else has measured since
            write_json(root / SPEED_FILE, as_json(measure(start_up)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
