"""How long a run would take on this machine, before it starts: from an earlier run alike, else from a calibration."""

import importlib.metadata
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from cifar_core.config import RunConfig
from cifar_core.data import list_datasets
from cifar_core.files import is_locked, read_json
from cifar_core.models import Layer, layer_table
from cifar_core.processes import spawn
from cifar_core.runs.schema import Run, Status
from cifar_core.workspace import Workspace

CALIBRATION_FILE = "machine.json"
CALIBRATION_LOCK = "machine.lock"
_ASKED: set[Path] = set()  # workspaces that this process has had measured: the lock is held only some seconds later
_START_UP = 4.0  # seconds until the first batch: Python, torch, the pictures
_EPOCH_EXTRA = 0.15  # seconds for writing an epoch's results
_FREE = ("epochs", "learning_rate", "momentum", "schedule", "warmup_share", "weight_decay", "label_smoothing",
         "patience", "seed", "dropout")  # fmt: skip  # settings that do not change how long an epoch takes


@dataclass(frozen=True)
class Calibration:
    """Costs of one training step on this machine, in seconds; fitted by `cifar_core.runs.calibration`."""

    machine: str  # what it was measured on and with
    per_step: float
    per_picture: float
    per_flop: float  # forward FLOP of one picture in a step
    per_value: float  # activation value of one picture in a step
    forward: float  # a picture's measurement as a share of its training step


@dataclass(frozen=True)
class Estimate:
    """Expected time of a run and what the expectation rests on."""

    seconds: float
    source: str


def machine_name() -> str:
    """What a calibration holds for."""
    return f"{os.cpu_count()} cores, torch {importlib.metadata.version('torch')}"


def activation_values(layers: list[Layer]) -> int:
    """How many numbers a picture becomes on its way through the network."""
    return sum(math.prod(layer.shape) for layer in layers)


def step_seconds(calibration: Calibration, layers: list[Layer], batch: int) -> float:
    """Expected time of one training step."""
    flops = sum(layer.flops for layer in layers)
    per_picture = (
        calibration.per_picture + calibration.per_flop * flops + calibration.per_value * activation_values(layers)
    )
    return calibration.per_step + batch * per_picture


def estimate_seconds(workspace: Workspace, config: RunConfig, runs: list[Run] | None = None) -> Estimate | None:
    """Expected seconds from the start button to the last epoch; None until this machine is calibrated.

    Args:
        workspace: where earlier runs and the calibration lie.
        config: the run that is planned.
        runs: the workspace's runs, where the caller has them at hand.
    """
    epochs = config.optimizer.epochs
    for run in runs or []:
        if run.status is Status.FINISHED and run.last is not None and _alike(run.config, config):
            return Estimate(_START_UP + epochs * run.seconds / run.last.epoch, f"as measured in run {run.name}")
    calibration = read_calibration(workspace)
    state = next((item for item in list_datasets(workspace) if item.name == config.data.dataset), None)
    if calibration is None or state is None or not state.train:
        return None
    layers = layer_table(config.model, max(2, state.classes))
    held = round(state.train * config.data.validation_share)
    train = round((state.train - held) * config.data.train_share)
    batch = config.optimizer.batch_size
    full, rest = divmod(train, batch)
    step = full * step_seconds(calibration, layers, batch) + (step_seconds(calibration, layers, rest) if rest else 0)
    one_picture = step_seconds(calibration, layers, 512) / 512
    measure = (held + state.test) * one_picture * calibration.forward
    return Estimate(_START_UP + epochs * (step + measure + _EPOCH_EXTRA), "from a short calibration of this machine")


def read_calibration(workspace: Workspace) -> Calibration | None:
    """The calibration of this machine, None where there is none that holds."""
    try:
        calibration = Calibration(**read_json(workspace.root / CALIBRATION_FILE))
    except (OSError, ValueError, TypeError):
        return None
    return calibration if calibration.machine == machine_name() else None


def is_calibrated(workspace: Workspace) -> bool:
    """Whether this machine has been measured."""
    return read_calibration(workspace) is not None


def start_calibration(workspace: Workspace) -> None:
    """Measure this machine in a process of its own, a few seconds; once for each process that asks, whatever comes of it.

    Raises:
        StorageError: the process or its log could not be made.
    """
    if workspace.root in _ASKED or is_calibrated(workspace) or is_locked(workspace.root / CALIBRATION_LOCK):
        return
    _ASKED.add(workspace.root)
    spawn("cifar_core.runs.calibration", [f"--workspace={workspace.root}"], workspace.root / "machine.log")


def as_json(calibration: Calibration) -> dict[str, object]:
    """What the calibration file holds."""
    return asdict(calibration)


def _alike(one: RunConfig, other: RunConfig) -> bool:
    first, second = one.flat(), other.flat()
    return all(first[name] == second[name] for name in first if name not in _FREE)
