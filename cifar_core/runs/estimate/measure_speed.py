"""Measures the speed of this machine in some seconds and writes machine.json.

Run as `python -m cifar_core.runs.estimate.measure_speed --job=DIR` by `cifar_core.runs.estimate.speed_job`. It times
training steps of the real loop on random pictures. Every case is timed in several rounds and its best time counts,
because another program seldom disturbs all rounds; how far the rounds differ tells how far the times can be trusted.
As soon as a run trains or a dataset is prepared in the workspace, the job ends without a result.
"""

import functools
import itertools
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch

from cifar_core.config import RunConfig, make_config
from cifar_core.data import Dataset, drawing
from cifar_core.data.sources.drawn10 import DRAWN10_TEST_PICTURES, DRAWN10_TRAIN_PICTURES, SEED
from cifar_core.errors import TrainingError
from cifar_core.jobs.job import JobFolder
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.jobs.progress import OnProgress
from cifar_core.machine import keep_memory, lower_priority
from cifar_core.models import layer_table, models
from cifar_core.presets import PRESETS
from cifar_core.processes import Program, child_environment
from cifar_core.runs.estimate.correction import TO_DEVIATION
from cifar_core.runs.estimate.epoch_time import fitted_step
from cifar_core.runs.estimate.ranks_speed import time_in_ranks
from cifar_core.runs.estimate.speed import (
    SPEED_FILE,
    SPEED_LAYOUT,
    Costs,
    MachineSpeed,
    activation_values,
    as_json,
    measured_at,
    read_speed,
    step_key,
)
from cifar_core.runs.estimate.speed import machine_name as name_machine
from cifar_core.runs.estimate.speed_job import SpeedRequest, is_busy
from cifar_core.runs.estimate.timed_cases import CLASSES, as_timed, random_dataset
from cifar_core.storage.atomic import remove, write_atomic
from cifar_core.storage.json_files import write_json
from cifar_core.text import MB
from cifar_core.train.batches import epoch_batches, load_training_data
from cifar_core.train.device import finish, has_two_devices, pick_device
from cifar_core.train.predict import predict_probabilities
from cifar_core.train.trainer import Trainer
from cifar_core.workspace import Workspace

_ROUNDS, _FEWEST = 3, 2  # of timing all cases; where they take long, some are left out
_LONGEST = 30.0  # seconds of rounds, but for the fewest
_SECONDS = 0.03  # of timing each action in a round, at least
_BATCHES = 4  # that a case trains on in turn
_DRAWN = 20  # pictures that are drawn
_WRITES = 5  # files that the results of an epoch are: probabilities, training records, weights, a checkpoint, the log


class _BusyError(Exception):
    """A run trains now, or a dataset is prepared: the measurement would slow it down, and would be wrong."""


def measure(start_up: float, place: Path, busy: Callable[[], bool], progress: OnProgress) -> MachineSpeed:
    """Time training steps of every preset and of other networks, and fit costs that give the time of any network.

    Args:
        start_up: seconds, above 0, from the start of this process until it could begin to compute.
        place: a folder on the disk of the workspace, where the writing of files is timed.
        busy: whether other work of the workspace goes on; asked before each timing.
        progress: is told each round of each case.

    Raises:
        _BusyError: it does.
    """
    progress("Preparing to measure", 0, 0, "")
    _require_idle(busy)
    data = random_dataset()
    presets = [make_config(preset=name) for name in PRESETS]
    threads = _best_threads(presets[0], data)
    torch.set_num_threads(threads)
    cases: dict[str, list[_Case]] = {}
    for model in models():
        chosen = [config for config in presets if config.model.model == model.name]
        chosen += [make_config({"model": model.name, **settings}) for settings in model.timed]
        for config in chosen:
            _require_idle(busy)
            cases.setdefault(model.name, []).append(_Case(config, data))
    timed = [case for several in cases.values() for case in several]
    _time_rounds(timed, busy, progress)
    slowdown, spread = disturbance(np.array([case.rounds for case in timed]), np.array([case.step for case in timed]))
    again = _time_start()
    progress("Measuring two processes", 0, 0, "")
    known = {step_key(case.config): case.step for case in timed}
    costs = {model: _fit(several) for model, several in cases.items()}
    return MachineSpeed(
        name_machine(),
        threads,
        math.sqrt(start_up * again),
        costs,
        known,
        slowdown,
        spread,
        _fit_error(costs, cases),
        _time_writing(place),
        _time_drawing(),
        abs(math.log(start_up / again)) / math.sqrt(2),  # the standard deviation of two values
        SPEED_LAYOUT,
        _gains(presets, known, threads, functools.partial(_require_idle, busy)),
    )


def _time_rounds(timed: list["_Case"], busy: Callable[[], bool], progress: OnProgress) -> None:
    """Time each case in several rounds; raises _BusyError."""
    end = time.monotonic() + _LONGEST
    for done, case in enumerate(timed * _ROUNDS):
        if done % len(timed) == 0 and done // len(timed) >= _FEWEST and time.monotonic() > end:
            break  # other programs keep this machine busy, and will go on: the rounds so far say how much
        progress("Measuring", done, _ROUNDS * len(timed), "timings")
        _require_idle(busy)
        case.time()


def _gains(
    presets: list[RunConfig], known: Mapping[str, float], threads: int, check: Callable[[], None]
) -> dict[str, float]:
    """How many times as fast two processes do a step of each preset; empty where they cannot be timed here."""
    if not has_two_devices():
        return {}
    configs = list({step_key(config): config for config in presets}.values())
    both = time_in_ranks([(config, known[step_key(config)]) for config in configs], threads, check)
    return {step_key(config): known[step_key(config)] / each for config, each in zip(configs, both, strict=False)}


def _require_idle(busy: Callable[[], bool]) -> None:
    if busy():
        raise _BusyError


def disturbance(rounds: np.ndarray, fastest: np.ndarray) -> tuple[float, float]:
    """How much longer the steps of a round take than at best, and how much that differs from round to round.

    A round is the unit, because a run is as long: what disturbs a single timing evens out within both.

    Args:
        rounds: float [cases, rounds], mean seconds of a step.
        fastest: float [cases], the least seconds of a step.

    Returns:
        The geometric mean over the rounds of (mean over the cases of seconds / least seconds), and the standard
        deviation of its logarithm.
    """
    logs = np.log((rounds / fastest[:, None]).mean(axis=0))  # [rounds]
    return math.exp(float(logs.mean())), float(logs.std(ddof=1))


def _fit(cases: list["_Case"]) -> Costs:
    rows, shares = [], []
    for case in cases:
        layers, batch = layer_table(case.config.model, CLASSES), case.config.optimizer.batch_size
        flops = sum(layer.flops for layer in layers)
        rows.append([1.0, batch, batch * flops, batch * activation_values(layers)])
        shares.append(case.measuring * batch / case.step / case.config.data.views)
    per_step, per_picture, per_flop, per_value = fit_costs(np.array(rows), np.array([case.step for case in cases]))
    return Costs(per_step, per_picture, per_flop, per_value, float(np.median(shares)))


def _fit_error(costs: Mapping[str, Costs], cases: Mapping[str, list["_Case"]]) -> float:
    """Standard deviation of ln(step / fitted step) over all models, by the median, which one disturbed case spares."""
    distances = [
        math.log(case.step / fitted_step(costs[model], layer_table(case.config.model, CLASSES), batch))
        for model, several in cases.items()
        for case in several
        for batch in (case.config.optimizer.batch_size,)
    ]
    return TO_DEVIATION * float(np.median(np.abs(distances)))


def _time_start() -> float:
    """Seconds until another process has loaded what a training needs, without the reading from the disk this time."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", f"import {Program.TRAINING}"], env=child_environment(), check=False)
    return time.perf_counter() - started


def _time_writing(place: Path) -> float:
    """Seconds to write the results of an epoch durably."""
    file, content = place / "write-test", bytes(MB // 2)
    started = time.perf_counter()
    for _ in range(_WRITES):
        write_atomic(file, content)
    seconds = time.perf_counter() - started
    remove(file)
    return seconds


def _time_drawing() -> float:
    """Seconds to draw `drawn10` with all cores."""
    labels = np.arange(_DRAWN) % len(drawing.CLASS_NAMES)
    started = time.perf_counter()
    drawing.draw_pictures(labels, seed=SEED, split="train")
    each = (time.perf_counter() - started) / _DRAWN
    return (DRAWN10_TRAIN_PICTURES + DRAWN10_TEST_PICTURES) * each / (os.cpu_count() or 1)


def fit_costs(rows: np.ndarray, seconds: np.ndarray) -> list[float]:
    """Costs from 0 whose sums are closest to the measured times, by relative error.

    A cost that would be negative is set to 0 and the others are fitted again (active set of non-negative least
    squares).

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
    for index, cost in zip(keep, found, strict=True):
        costs[index] = float(cost)
    return costs


def _best_threads(config: RunConfig, data: Dataset) -> int:
    """The number of threads that torch takes by default, or half of it (one thread a core), whichever is faster."""
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
    """A configuration to time."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.config = as_timed(config)
        device = pick_device("auto")
        self._data = load_training_data(dataset, self.config.data, 0, device)
        self._trainer = Trainer(self.config, self._data, device)
        # No two steps in a row use the same batch; all of them, of all cases, would take 300 MB.
        self._batches = itertools.cycle(list(itertools.islice(self._load(), _BATCHES)))
        self._best = dict.fromkeys((self._load_all, self._step, self._measure), math.inf)
        self.rounds: list[float] = []  # seconds of a step in each round, on average
        for action in self._best:
            action()  # the first call of each takes longer

    @property
    def step(self) -> float:
        """Seconds of a training step, with the loading of its pictures."""
        return self._step_of(self._best)

    @property
    def measuring(self) -> float:
        """Seconds of measuring one picture, with all its test-time augmentation views."""
        return self._best[self._measure] / len(self._data.test)

    def time(self) -> None:
        """Time each action in one more round, and keep its best time."""
        self._trainer.net.train()
        means = {}
        for action, best in self._best.items():
            times = _times(action)
            self._best[action], means[action] = min(best, *times), sum(times) / len(times)
        self.rounds.append(self._step_of(means))

    def _step_of(self, seconds: Mapping[Callable[[], None], float]) -> float:
        batch = self.config.optimizer.batch_size
        return seconds[self._step] + batch * seconds[self._load_all] / len(self._data.train)

    def _load(self) -> Iterator[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
        return epoch_batches(self._data, self.config.data, self.config.optimizer.batch_size, seed=0, epoch=1)

    def _load_all(self) -> None:
        for _ in self._load():
            pass

    def _step(self) -> None:
        self._trainer.train_step(*next(self._batches), step=0)
        finish(self._trainer.device)

    def _measure(self) -> None:
        trainer = self._trainer
        predict_probabilities(trainer.net, self._data.test, self._data, self.config.data, trainer.precision)


def _times(action: Callable[[], object]) -> list[float]:
    """Seconds of each of several calls."""
    times: list[float] = []
    begin = time.perf_counter()
    while not times or time.perf_counter() - begin < _SECONDS:
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return times


def measure_machine(job: JobFolder, request: SpeedRequest, reporter: Reporter) -> None:
    """Measure this machine and write its speed, unless that was done since it was requested, or it is busy.

    Raises:
        TrainingError: the speed that was measured cannot be used.
    """
    keep_memory()
    lower_priority()  # as in a training, because a person uses the page meanwhile
    # The folder of the job is .jobs/speed in the workspace (`speed_job`).
    workspace, start_up = Workspace(job.path.parents[1]), max(0.01, time.time() - request.begun)
    if measured_at(workspace) < request.begun:
        try:
            speed = measure(start_up, job.path, functools.partial(is_busy, workspace), reporter)
        except _BusyError:
            reporter.say("Other work began, so the measurement ended; it is taken up again later.")
            return
        write_json(workspace.root / SPEED_FILE, as_json(speed))
        if read_speed(workspace) is None:
            raise TrainingError("The times that were measured cannot be right: measure again when the machine is idle.")


if __name__ == "__main__":
    run_job_process(SpeedRequest, measure_machine)
