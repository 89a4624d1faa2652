"""The measured speed of this machine: what it consists of, and reading it from machine.json."""

import functools
import importlib.metadata
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cifar_core.config import RunConfig
from cifar_core.models import Layer, list_models
from cifar_core.storage.json_files import read_json
from cifar_core.storage.parse import parse
from cifar_core.workspace import Workspace

SPEED_FILE = "machine.json"
SPEED_LAYOUT = 3  # of the file: 2 says how far the times can be trusted, 3 what a second process gains
USEFUL_GAIN = 1.1  # from here on several processes are offered
_MOST_DEVIATION = 0.4
_MAX_FACTOR = 100.0  # between any two timings of the same
_MIN_SECONDS, _MAX_SECONDS = 1e-12, 1e6  # of a step on any machine


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
    known: Mapping[str, float]  # `step_key` -> seconds of a training step that was timed, the fastest
    # Files of earlier versions lack the following; these hold until the machine is measured again, which is soon.
    slowdown: float = 1.0  # a typical step's time divided by the fastest one's
    spread: float = 0.3  # standard deviation of ln(time) from one round of timings to the next
    fit_error: float = 0.2  # standard deviation of ln(time) of a step around its fitted costs
    write: float = 0.15  # seconds to write the results of an epoch
    draw: float = 20.0  # seconds to draw the dataset `drawn10`
    start_spread: float = 0.4  # standard deviation of ln(time) from one start of a process to the next
    layout: int = 1  # of the file
    # `step_key` -> how many times as fast two processes train as one; empty where this machine cannot have two.
    gains: Mapping[str, float] = field(default_factory=dict)

    @property
    def deviation(self) -> float:
        """Standard deviation of ln(true time / computed time) as far as the measurement alone can tell.

        Rounds of timings differ because of other programs, and the costs do not describe every step exactly. More
        than `_MOST_DEVIATION` is not believed: on a machine that busy, a long run fares better than a few timings.
        """
        return min(_MOST_DEVIATION, math.hypot(self.spread, self.fit_error))

    @property
    def start_deviation(self) -> float:
        """The same for the start of a process."""
        return min(_MOST_DEVIATION, math.hypot(self.spread, self.start_spread))


def machine_name() -> str:
    """The cores and the version of torch; a speed that was measured with others is not used."""
    return f"{os.cpu_count()} cores, torch {importlib.metadata.version('torch')}"


def activation_values(layers: list[Layer]) -> int:
    """How many activation values a picture has in all layers of the network."""
    return sum(math.prod(layer.shape) for layer in layers)


def step_key(config: RunConfig) -> str:
    """The settings that decide, above all, how long a training step takes."""
    return f"{config.model}, batch {config.optimizer.batch_size}, {config.optimizer.optimizer}"


def measured_gain(speed: MachineSpeed | None, config: RunConfig) -> float | None:
    """How many times as fast two processes train these settings here as one; None where that was not measured."""
    return speed.gains.get(step_key(config)) if speed else None


def gain_words(gain: float | None) -> str:
    """What a second process gains, as a sentence; `gain` is that of `measured_gain`."""
    if gain is None:
        return "What a second process gains with such a network and batch was not measured on this machine."
    slower = "" if gain >= 1 else ": one process is quicker"
    return f"Two processes train {gain:.2g} times as fast as one on this machine, as measured{slower}."


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
    factors = (speed.slowdown, 1 + speed.spread, 1 + speed.fit_error, 1 + speed.start_spread, *speed.gains.values())
    return (
        1 <= speed.threads <= (os.cpu_count() or 1)
        and 0 <= speed.start_up < _MAX_SECONDS
        and all(_MIN_SECONDS < seconds < _MAX_SECONDS for seconds in times)
        and all(0 <= cost < _MAX_SECONDS for item in costs for cost in item)
        and all(0 < factor < _MAX_FACTOR for factor in factors)
        and all(0 <= seconds < _MAX_SECONDS for seconds in (speed.write, speed.draw))
    )


def measured_at(workspace: Workspace) -> float:
    """When this machine was measured, in seconds since 1970; 0 where some network or other part has not been."""
    speed = read_speed(workspace)
    if speed is None or speed.layout < SPEED_LAYOUT or not speed.costs.keys() >= set(list_models()):
        return 0.0
    try:
        return (workspace.root / SPEED_FILE).stat().st_mtime
    except OSError:
        return 0.0


def as_json(speed: MachineSpeed) -> dict[str, object]:
    """The content of the speed file."""
    return asdict(speed)
