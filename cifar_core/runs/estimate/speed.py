"""The speed of this machine: reads machine.json, and starts the process that measures it (`measure_speed.py`)."""

import functools
import importlib.metadata
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cifar_core.config import RunConfig
from cifar_core.jobs.job import JobFolder, Request, read_job
from cifar_core.jobs.start import start_job
from cifar_core.models import Layer, list_models
from cifar_core.processes import Program
from cifar_core.runs.run import Run
from cifar_core.storage.json_files import read_json
from cifar_core.storage.parse import parse
from cifar_core.workspace import Workspace

SPEED_FILE = "machine.json"
_MIN_SECONDS, _MAX_SECONDS = 1e-12, 1e6  # of a step on any machine
_MAX_RATIO = 2.0  # of a run's time to its estimate, or the reverse; beyond it the machine is measured again


@dataclass(frozen=True)
class Costs:
    """Costs of one training step of one model in seconds, as fitted by `cifar_core.runs.estimate.measure_speed`."""

    per_step: float
    per_picture: float
    per_flop: float  # for each FLOP of a picture's forward pass
    per_value: float  # for each activation value of a picture
    forward: float  # the time of measuring a picture, as a share of its part of a training step


@dataclass(frozen=True)
class MachineSpeed:
    """How fast this machine trains."""

    machine: str  # the `machine_name` that it was measured with
    threads: int  # the number that is fastest
    start_up: float  # seconds until a process can begin to compute
    costs: Mapping[str, Costs]  # by model
    known: Mapping[str, float]  # `step_key` -> seconds of a training step that was timed


def machine_name() -> str:
    """The cores and the version of torch; a speed that was measured with others is not used."""
    return f"{os.cpu_count()} cores, torch {importlib.metadata.version('torch')}"


def activation_values(layers: list[Layer]) -> int:
    """How many activation values a picture has in all layers of the network."""
    return sum(math.prod(layer.shape) for layer in layers)


def step_key(config: RunConfig) -> str:
    """The settings that decide, above all, how long a training step takes."""
    return f"{config.model}, batch {config.optimizer.batch_size}, {config.optimizer.optimizer}"


def read_speed(workspace: Workspace) -> MachineSpeed | None:
    """The speed of this machine; None where it has not been measured, or with other cores or another torch.

    A network that was added after the measurement has no costs yet.
    """
    path = workspace.root / SPEED_FILE
    try:
        found = path.stat()
        return _read_once(path, (found.st_mtime_ns, found.st_size, found.st_ino))
    except (OSError, ValueError):
        return None


@functools.lru_cache(maxsize=8)
def _read_once(path: Path, stamp: tuple[int, int, int]) -> MachineSpeed | None:  # a changed file has another stamp
    speed = parse(MachineSpeed, read_json(path))
    return speed if speed.machine == machine_name() and _is_sound(speed) else None


def _is_sound(speed: MachineSpeed) -> bool:
    """Whether the numbers can come from measuring: a file that was edited is measured again."""
    costs = [tuple(vars(item).values()) for item in speed.costs.values()]
    times = (*speed.known.values(), *(sum(item[:-1]) for item in costs))  # without `forward`, which is a share
    return (
        1 <= speed.threads <= (os.cpu_count() or 1)
        and 0 <= speed.start_up < _MAX_SECONDS
        and all(_MIN_SECONDS < seconds < _MAX_SECONDS for seconds in times)
        and all(0 <= cost < _MAX_SECONDS for item in costs for cost in item)
    )


def measured_at(workspace: Workspace) -> float:
    """When this machine was measured, in seconds since 1970; 0 where some network has not been."""
    speed = read_speed(workspace)
    if speed is None or not speed.costs.keys() >= set(list_models()):
        return 0.0
    try:
        return (workspace.root / SPEED_FILE).stat().st_mtime
    except OSError:
        return 0.0


@dataclass(frozen=True)
class SpeedRequest(Request):
    """That this machine is to be measured."""

    begun: float  # when this was requested, in seconds since 1970


def speed_job(workspace: Workspace) -> JobFolder:
    """The job that measures this machine."""
    return JobFolder(workspace.root / ".jobs" / "speed")


def ensure_speed(workspace: Workspace, runs: Sequence[Run] = ()) -> Literal["done", "measuring", "failed"]:
    """Start a job that measures this machine, unless that is done or under way; returns how far it is.

    The machine is measured again once a later run took a very different time than expected, because other programs
    may have disturbed the first measurement. What failed or was cancelled is only begun again by `measure_speed`.

    Args:
        workspace: with the machine's speed.
        runs: their times are compared with their estimates.

    Raises:
        StorageError: the process or its log could not be made.
    """
    job = read_job(speed_job(workspace))  # before the speed: a job that ends now has written it
    if _is_current(workspace, runs):
        return "done"
    if job is not None and job.active:
        return "measuring"
    if job is not None and job.state != "done":
        return "failed"
    measure_speed(workspace)
    return "measuring"


def measure_speed(workspace: Workspace) -> None:
    """Start the job that measures this machine; StorageError if that is not possible."""
    start_job(speed_job(workspace), Program.MEASURE_SPEED, SpeedRequest("speed", time.time()))


def _is_current(workspace: Workspace, runs: Sequence[Run]) -> bool:
    """Whether the machine has been measured, and no later run took a very different time than expected."""
    measured = measured_at(workspace)
    return measured > 0 and not any(
        run.overrun is not None
        and not 1 / _MAX_RATIO <= run.overrun + 1 <= _MAX_RATIO
        and not run.imported
        and measured < run.made_at.timestamp() <= time.time()  # a date in the future is wrong
        for run in runs
    )


def as_json(speed: MachineSpeed) -> dict[str, object]:
    """The content of the speed file."""
    return asdict(speed)
