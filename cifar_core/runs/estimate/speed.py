"""How fast this machine trains: the speed that `measure_speed.py` has measured, read from machine.json, and asking for it."""

import importlib.metadata
import math
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cifar_core.config import RunConfig
from cifar_core.models import Layer, list_models
from cifar_core.processes import Program, spawn
from cifar_core.runs.run import Run
from cifar_core.storage.json_files import read_json
from cifar_core.storage.locks import is_locked
from cifar_core.storage.parse import parse
from cifar_core.workspace import Workspace

SPEED_FILE = "machine.json"
SPEED_LOCK = "machine.lock"
_ASKED: dict[Path, subprocess.Popen[bytes]] = {}  # by workspace: the process that measures, once for each of ours
_LEAST_SECONDS, _MOST_SECONDS = 1e-12, 1e6  # of a step on any machine
_WRONG = 2.0  # a run that took so many times as long as expected, or as short, says that the machine is not as it was measured


@dataclass(frozen=True)
class Costs:
    """Costs of one training step of one kind of network, in seconds; fitted by `cifar_core.runs.estimate.measure_speed`."""

    per_step: float
    per_picture: float
    per_flop: float  # forward FLOP of one picture in a step
    per_value: float  # activation value of one picture in a step
    forward: float  # a picture's measurement as a share of its training step


@dataclass(frozen=True)
class MachineSpeed:
    """How fast this machine trains."""

    machine: str  # what it was measured on and with
    threads: int  # how many are fastest here
    start_up: float  # seconds until a process can begin to compute
    costs: Mapping[str, Costs]  # by kind of network
    known: Mapping[str, float]  # `step_key` -> seconds of a training step that was timed itself


def machine_name() -> str:
    """What a speed holds for."""
    return f"{os.cpu_count()} cores, torch {importlib.metadata.version('torch')}"


def activation_values(layers: list[Layer]) -> int:
    """How many numbers a picture becomes on its way through the network."""
    return sum(math.prod(layer.shape) for layer in layers)


def step_key(config: RunConfig) -> str:
    """What decides, above all, how long a training step takes."""
    return f"{config.model}, batch {config.optimizer.batch_size}, {config.optimizer.optimizer}"


def read_speed(workspace: Workspace) -> MachineSpeed | None:
    """The speed of this machine, None where there is none that holds."""
    try:
        speed = parse(MachineSpeed, read_json(workspace.root / SPEED_FILE))
    except (OSError, ValueError):
        return None
    return speed if speed.machine == machine_name() and _is_sound(speed) else None


def _is_sound(speed: MachineSpeed) -> bool:
    """Whether its numbers are such as measuring gives: one that was tampered with is measured anew."""
    costs = [tuple(vars(item).values()) for item in speed.costs.values()]
    times = (*speed.known.values(), *(sum(item[:-1]) for item in costs))  # without the share
    return (
        set(speed.costs) >= set(list_models())
        and 1 <= speed.threads <= (os.cpu_count() or 1)
        and 0 <= speed.start_up < _MOST_SECONDS
        and all(_LEAST_SECONDS < seconds < _MOST_SECONDS for seconds in times)
        and all(0 <= cost < _MOST_SECONDS for item in costs for cost in item)
    )


def measured_at(workspace: Workspace) -> float:
    """When this machine was measured, seconds since 1970; 0 where there is no speed that holds."""
    if read_speed(workspace) is None:
        return 0.0
    try:
        return (workspace.root / SPEED_FILE).stat().st_mtime
    except OSError:
        return 0.0


def ensure_speed(workspace: Workspace, runs: Sequence[Run] = ()) -> Literal["done", "measuring", "failed"]:
    """Have this machine measured, in a process of its own, unless that is done or under way; says how it stands.

    It is measured again once a later run has taken a very different time than was expected: the first time other programs may
    have been at work. A process tries once for each workspace and such run: what failed is not repeated.

    Args:
        workspace: where the speed lies.
        runs: those that may say it is wrong.

    Raises:
        StorageError: the process or its log could not be made.
    """
    if _holds(workspace, runs):
        return "done"
    asked = _ASKED.get(workspace.root)
    if is_locked(workspace.root / SPEED_LOCK) or (asked is not None and asked.poll() is None):
        return "measuring"
    if asked is not None and _holds(workspace, runs):
        return "done"  # it ended just now
    if asked is not None and (asked.returncode or not measured_at(workspace)):
        return "failed"
    arguments = [f"--workspace={workspace.root}", f"--begun={time.time()}"]
    _ASKED[workspace.root] = spawn(Program.MEASURE_SPEED, arguments, workspace.root / "machine.log")
    return "measuring"


def _holds(workspace: Workspace, runs: Sequence[Run]) -> bool:
    """Whether there is a speed that no later run belies."""
    measured = measured_at(workspace)
    return measured > 0 and not any(
        run.overrun is not None
        and not 1 / _WRONG <= run.overrun + 1 <= _WRONG
        and not run.imported
        and measured < run.made_at.timestamp() <= time.time()  # one of the future would belie every speed
        for run in runs
    )


def as_json(speed: MachineSpeed) -> dict[str, object]:
    """What the speed file holds."""
    return asdict(speed)
