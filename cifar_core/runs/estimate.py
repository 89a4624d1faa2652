"""How long a run would take on this machine, before it starts: from an earlier run alike, else from a calibration."""

import importlib.metadata
import math
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cifar_core.checked import checked
from cifar_core.config import RunConfig
from cifar_core.data import list_datasets
from cifar_core.files import is_locked, read_json
from cifar_core.models import Layer, layer_table, list_models
from cifar_core.processes import spawn
from cifar_core.runs.schema import Run, Status
from cifar_core.train import SMALL_SIDE, looks_after, only_whole_batches, shown_share, small_part
from cifar_core.workspace import Workspace

CALIBRATION_FILE = "machine.json"
CALIBRATION_LOCK = "machine.lock"
_ASKED: dict[Path, subprocess.Popen[bytes]] = {}  # by workspace: the process that measures, once for each of ours
_START_UP = 4.0  # seconds, until a calibration knows better
_LEAST_SECONDS, _MOST_SECONDS = 1e-12, 1e6  # of a step on any machine
_EPOCH_EXTRA = 0.15  # seconds for writing an epoch's results
_WRONG = 2.0  # a run that took so many times as long as expected, or as short, says that the machine is not as it was measured
_FREE = ("learning_rate", "momentum", "schedule", "warmup_share", "weight_decay", "label_smoothing",
         "patience", "seed", "dropout", "max_seconds")  # fmt: skip  # settings that do not change how long an epoch takes


@dataclass(frozen=True)
class Costs:
    """Costs of one training step of one kind of network, in seconds; fitted by `cifar_core.runs.calibration`."""

    per_step: float
    per_picture: float
    per_flop: float  # forward FLOP of one picture in a step
    per_value: float  # activation value of one picture in a step
    forward: float  # a picture's measurement as a share of its training step


@dataclass(frozen=True)
class Calibration:
    """How fast this machine trains."""

    machine: str  # what it was measured on and with
    threads: int  # how many are fastest here
    start_up: float  # seconds until a process can begin to compute
    costs: Mapping[str, Costs]  # by kind of network
    known: Mapping[str, float]  # `step_key` -> seconds of a training step that was timed itself


@dataclass(frozen=True)
class Estimate:
    """Expected time of a run and what the expectation rests on."""

    seconds: float  # of training and measuring
    start_up: float  # seconds before
    source: str


def machine_name() -> str:
    """What a calibration holds for."""
    return f"{os.cpu_count()} cores, torch {importlib.metadata.version('torch')}"


def activation_values(layers: list[Layer]) -> int:
    """How many numbers a picture becomes on its way through the network."""
    return sum(math.prod(layer.shape) for layer in layers)


def step_key(config: RunConfig) -> str:
    """What decides, above all, how long a training step takes."""
    return f"{config.model}, batch {config.optimizer.batch_size}, {config.optimizer.optimizer}"


def fitted_step(costs: Costs, layers: list[Layer], batch: int, *, area: float = 1.0) -> float:
    """Time of one training step by the fitted costs; `area` is the part of a whole picture's pixels that it sees."""
    flops = sum(layer.flops for layer in layers)
    by_pixel = costs.per_flop * flops + costs.per_value * activation_values(layers)
    return costs.per_step + batch * (costs.per_picture + area * by_pixel)


def epoch_seconds(calibration: Calibration, config: RunConfig, *, classes: int, train: int, judged: int) -> float:
    """Expected time of one epoch, on the run's average.

    Args:
        calibration: of this machine.
        config: the run that is planned.
        classes: of its dataset.
        train: pictures to train on.
        judged: pictures measured after the epoch.
    """
    layers, batch = layer_table(config.model, classes), config.optimizer.batch_size
    costs = calibration.costs[config.model.model]
    whole = fitted_step(costs, layers, batch)
    trust = calibration.known.get(step_key(config), whole) / whole  # a step that was timed itself corrects the fit
    full, rest = divmod(round(train * shown_share(config.optimizer)), batch)
    left = rest and not (full and only_whole_batches(config))
    steps = full * whole + (fitted_step(costs, layers, rest) if left else 0.0)
    small = fitted_step(costs, layers, batch, area=(SMALL_SIDE / 32) ** 2) / whole
    steps *= 1 - small_part(config) * (1 - small)
    epochs = config.optimizer.epochs
    looks = sum(looks_after(config, epoch) for epoch in range(1, epochs + 1)) / epochs
    measuring = looks * judged * (whole / batch) * costs.forward
    return trust * (steps + measuring) + _EPOCH_EXTRA


def estimate_run(workspace: Workspace, config: RunConfig, runs: Sequence[Run] = ()) -> Estimate | None:
    """How long a run will take here; None until this machine is calibrated and the size of the dataset known.

    Args:
        workspace: where earlier runs and the calibration lie.
        config: the run that is planned.
        runs: earlier runs, of which one alike is the better witness.
    """
    epochs, calibration = config.optimizer.epochs, read_calibration(workspace)
    start_up = calibration.start_up if calibration else _START_UP
    state = next((item for item in list_datasets(workspace) if item.name == config.data.dataset), None)
    known = state.fingerprint if state else ""
    for run in runs:
        here = run.status is Status.FINISHED and not run.imported  # another machine's time says nothing of this one
        same_data = run.dataset is not None and known in ("", run.dataset.fingerprint)
        if here and same_data and run.last is not None and _alike(run.config, config):
            return Estimate(epochs * run.seconds / run.last.epoch, start_up, f"as measured in run {run.name}")
    if calibration is None or state is None or not state.train:
        return None
    held = round(state.train * config.data.validation_share)
    train = round((state.train - held) * config.data.train_share)
    seconds = epoch_seconds(calibration, config, classes=max(2, state.classes), train=train, judged=held + state.test)
    return Estimate(epochs * seconds, start_up, "from a short calibration of this machine")


def read_calibration(workspace: Workspace) -> Calibration | None:
    """The calibration of this machine, None where there is none that holds."""
    try:
        calibration = checked(Calibration, read_json(workspace.root / CALIBRATION_FILE))
    except (OSError, ValueError):
        return None
    return calibration if calibration.machine == machine_name() and _is_sound(calibration) else None


def _is_sound(calibration: Calibration) -> bool:
    """Whether its numbers are such as measuring gives: one that was tampered with is measured anew."""
    costs = [tuple(vars(item).values()) for item in calibration.costs.values()]
    times = (*calibration.known.values(), *(sum(item[:-1]) for item in costs))  # without the share
    return (
        set(calibration.costs) >= set(list_models())
        and 1 <= calibration.threads <= (os.cpu_count() or 1)
        and 0 <= calibration.start_up < _MOST_SECONDS
        and all(_LEAST_SECONDS < seconds < _MOST_SECONDS for seconds in times)
        and all(0 <= cost < _MOST_SECONDS for item in costs for cost in item)
    )


def calibrated_at(workspace: Workspace) -> float:
    """When this machine was measured, seconds since 1970; 0 where there is no calibration that holds."""
    if read_calibration(workspace) is None:
        return 0.0
    try:
        return (workspace.root / CALIBRATION_FILE).stat().st_mtime
    except OSError:
        return 0.0


def calibrate(workspace: Workspace, runs: Sequence[Run] = ()) -> Literal["done", "measuring", "failed"]:
    """Have this machine measured, in a process of its own, unless that is done or under way; says how it stands.

    It is measured again once a later run has taken a very different time than was expected: the first time other programs may
    have been at work. A process tries once for each workspace and such run: what failed is not repeated.

    Args:
        workspace: where the calibration lies.
        runs: those that may say it is wrong.

    Raises:
        StorageError: the process or its log could not be made.
    """
    if _holds(workspace, runs):
        return "done"
    asked = _ASKED.get(workspace.root)
    if is_locked(workspace.root / CALIBRATION_LOCK) or (asked is not None and asked.poll() is None):
        return "measuring"
    if asked is not None and _holds(workspace, runs):
        return "done"  # it ended just now
    if asked is not None and (asked.returncode or not calibrated_at(workspace)):
        return "failed"
    arguments = [f"--workspace={workspace.root}", f"--begun={time.time()}"]
    _ASKED[workspace.root] = spawn("cifar_core.runs.calibration", arguments, workspace.root / "machine.log")
    return "measuring"


def _holds(workspace: Workspace, runs: Sequence[Run]) -> bool:
    """Whether there is a calibration that no later run belies."""
    measured = calibrated_at(workspace)
    return measured > 0 and not any(
        run.overrun is not None
        and not 1 / _WRONG <= run.overrun + 1 <= _WRONG
        and not run.imported
        and measured < run.made_at.timestamp() <= time.time()  # one of the future would belie every calibration
        for run in runs
    )


def as_json(calibration: Calibration) -> dict[str, object]:
    """What the calibration file holds."""
    return asdict(calibration)


def _alike(one: RunConfig, other: RunConfig) -> bool:
    """Whether an epoch of one takes as long as one of the other."""
    first, second = one.flat(), other.flat()
    even = one.data.looks == 1 or one.data.validation_share > 0  # measuring takes as long after every epoch
    free = {*_FREE, "epochs"} if even and one.optimizer.prune_share == 0 else _FREE
    return all(first[name] == second[name] for name in first if name not in free)
