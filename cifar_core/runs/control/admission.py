"""What a new run may take: room on the disk, memory of the machine, and one of the runs that a person may have."""

import contextlib
from collections.abc import Iterator, Sequence

from cifar_core.config import RunConfig
from cifar_core.data import list_datasets
from cifar_core.errors import ConfigError, RunError, StorageError
from cifar_core.limits import LIMITS_FILE, read_limits
from cifar_core.machine import machine_memory
from cifar_core.models import layer_table, totals
from cifar_core.runs.estimate.speed import activation_values
from cifar_core.runs.run import Run
from cifar_core.storage.locks import hold_lock
from cifar_core.text import size_text
from cifar_core.workspace import Workspace

_LOCK_FILE = "new-run.lock"
_LOCK_SECONDS = 30.0  # making a run takes a fraction of one
_FLOAT = 4  # bytes
_CHECKPOINTS = 3  # the last two and one being written; each holds the weights and up to two numbers more for each


def run_bytes(workspace: Workspace, config: RunConfig) -> int:
    """About how much a run will fill: checkpoints, weights, and the predictions of every epoch."""
    state = next((item for item in list_datasets(workspace) if item.name == config.data.dataset), None)
    classes, test = (max(2, state.classes), state.test) if state else (2, 0)
    weights = _FLOAT * totals(layer_table(config.model, classes)).parameters
    predictions = _FLOAT * test * classes
    return weights * (1 + 3 * _CHECKPOINTS) + predictions * (config.optimizer.epochs + 1)


@contextlib.contextmanager
def runs_changed_by_one(workspace: Workspace) -> Iterator[None]:
    """Hold off others who make, start, resume or delete runs, so that what is seen before is still so when it is done.

    The lock lies outside the run's folder: Windows moves no folder to the trash in which a file is open.

    Raises:
        StorageError: someone else did not end.
    """
    with hold_lock(workspace.root / _LOCK_FILE, timeout=_LOCK_SECONDS) as mine:
        if not mine:
            raise StorageError(
                "Another run is being made, started or deleted, and that does not get done: try again in a moment."
            )
        yield


def require_turn(workspace: Workspace, person: str, runs: Sequence[Run]) -> None:
    """Refuse one run more for a person who has as many running and waiting ones as the server allows.

    Args:
        workspace: whose limits count.
        person: who asks; everybody is "" where there is no login.
        runs: all runs.

    Raises:
        ConfigError: `settings.json` breaks a rule.
        RunError: the person has as many as are allowed.
    """
    most = read_limits(workspace).runs_per_person
    have = sum(run.active and run.person == person for run in runs)
    if 0 < most <= have:
        whose = f" of {person}" if person else ""
        what = f"1 run{whose} is" if have == 1 else f"{have} runs{whose} are"
        raise RunError(f"{what} training or waiting, and one person may have {most} here "
                       f"(runs_per_person in {LIMITS_FILE}): wait for an end or stop one.")  # fmt: skip


_NUMBER = 4  # bytes of a float32
_COPIES = 4  # of each weight: itself, its gradient, and two that Adam keeps
_PASSES = 2  # every value on the way through the network has a gradient on the way back


def training_bytes(config: RunConfig, classes: int) -> int:
    """Memory that the network and one batch on its way through it take, at least: pictures and libraries come on top."""
    layers = layer_table(config.model, classes)
    weights = totals(layers).parameters * _COPIES
    values = activation_values(layers) * config.optimizer.batch_size * _PASSES
    return _NUMBER * (weights + values)


def require_memory(config: RunConfig, classes: int) -> None:
    """Refuse a training that this machine's memory cannot hold.

    Raises:
        ConfigError: the sentence says how much is needed and how much there is.
    """
    needed, there = training_bytes(config, classes), machine_memory()
    if there is not None and needed > there:
        wide = "widths" if config.model.model == "fast_cnn" else "channels or hidden"
        raise ConfigError(
            [f"This training needs {size_text(needed)} of memory at least and the machine has {size_text(there)}: "
             f"lower batch_size (now {config.optimizer.batch_size:,}), {wide}."]
        )  # fmt: skip
