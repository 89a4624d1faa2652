"""The limits on a new run: room on the disk, memory of the machine, and how many runs a person may have."""

import contextlib
from collections.abc import Iterator, Sequence

from cifar_core.config import RunConfig
from cifar_core.data import dataset_state
from cifar_core.errors import ConfigError, RunError, StorageError
from cifar_core.limits import LIMITS_FILE, ServerLimits, read_limits
from cifar_core.machine import machine_memory
from cifar_core.models import get_model, layer_table, totals
from cifar_core.runs.estimate.speed import activation_values
from cifar_core.runs.run import Run
from cifar_core.runs.training_records.files import MOST_BYTES, RECORD
from cifar_core.storage.locks import hold_lock
from cifar_core.text import size_text
from cifar_core.train import validation_count
from cifar_core.workspace import Workspace

_LOCK_FILE = "new-run.lock"
_LOCK_SECONDS = 30.0  # creating, starting or deleting a run takes less than a second
_FLOAT_BYTES = 4
_CHECKPOINTS = 3  # the last two and one being written; each holds the weights and up to two values more per weight
_COPIES = 4  # of each weight in memory: itself, its gradient, and two that Adam keeps
_PASSES = 2  # every activation has a gradient in the backward pass


def run_bytes(workspace: Workspace, config: RunConfig) -> int:
    """About how many bytes a run will take on the disk: checkpoints, weights, and what every epoch adds.

    That are predictions and training records.
    """
    dataset = dataset_state(workspace, config.data.dataset)
    classes = max(2, dataset.classes)
    measured = dataset.test + validation_count(config.data, dataset.train, dataset.validation)
    weights = _FLOAT_BYTES * totals(layer_table(config.model, classes)).parameters
    predictions = _FLOAT_BYTES * measured * classes * config.optimizer.epochs
    records = min(MOST_BYTES, RECORD.itemsize * dataset.train * config.optimizer.epochs)
    return weights * (2 + 3 * _CHECKPOINTS) + predictions + records


@contextlib.contextmanager
def exclusive_run_changes(workspace: Workspace) -> Iterator[None]:
    """Hold the lock that everyone takes who creates, starts, resumes or deletes a run, so that checks stay valid.

    The lock file is outside the run's folder, because Windows cannot move a folder to the trash while a file in it is
    open.

    Raises:
        StorageError: another process has held the lock for too long.
    """
    with hold_lock(workspace.root / _LOCK_FILE, timeout=_LOCK_SECONDS) as acquired:
        if not acquired:
            raise StorageError(
                "Another run is being created, started or deleted, and that takes too long: try again in a moment."
            )
        yield


def require_person_limit(workspace: Workspace, person: str, runs: Sequence[Run]) -> None:
    """Refuse a further run for a person who has as many running and waiting runs as the server allows.

    Args:
        workspace: its limits apply.
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
        raise RunError(
            f"{what} training or waiting, and one person may have {most} here "
            f"(runs_per_person in {LIMITS_FILE}): wait until one ends, or stop one."
        )


def require_class_limits(workspace: Workspace, config: RunConfig, classes: int, person: str) -> None:
    """Refuse a run with more epochs or parameters than the server allows to everybody but its teachers.

    Args:
        workspace: its limits apply.
        config: settings of the run.
        classes: of its dataset.
        person: who asks.

    Raises:
        ConfigError: a sentence for each limit that is passed; or `settings.json` breaks a rule.
    """
    if problems := class_limit_problems(read_limits(workspace), config, classes, person):
        raise ConfigError(problems)


def class_limit_problems(limits: ServerLimits, config: RunConfig, classes: int, person: str) -> list[str]:
    """A sentence for each limit of a class that a run would pass; none for a teacher."""
    if person and person in limits.teachers:
        return []
    problems, epochs = [], config.optimizer.epochs
    if 0 < limits.most_epochs < epochs:
        problems.append(
            f"epochs is {epochs:,}, and a run may have {limits.most_epochs:,} here (most_epochs in {LIMITS_FILE}): "
            "lower it, or ask the teacher."
        )
    if 0 < limits.most_parameters < (size := totals(layer_table(config.model, classes)).parameters):
        ways = get_model(config.model.model).wide
        how = f"lower {' or '.join(ways)}" if ways else "choose a smaller network"
        problems.append(
            f"The network has {size:,} parameters, and a run may have {limits.most_parameters:,} here "
            f"(most_parameters in {LIMITS_FILE}): {how}, or ask the teacher."
        )
    return problems


def training_bytes(config: RunConfig, classes: int) -> int:
    """Memory that the network and the activations of one batch take; pictures and libraries are not counted."""
    layers = layer_table(config.model, classes)
    weights = totals(layers).parameters * _COPIES
    values = activation_values(layers) * config.optimizer.batch_size * _PASSES
    return _FLOAT_BYTES * (weights + values)


def require_memory(config: RunConfig, classes: int) -> None:
    """Refuse a training that this machine's memory cannot hold.

    Raises:
        ConfigError: the sentence says how much is needed and how much there is.
    """
    needed, available = training_bytes(config, classes), machine_memory()
    if available is not None and needed > available:
        ways = [f"batch_size (now {config.optimizer.batch_size:,})", *get_model(config.model.model).wide]
        problem = (
            f"This training needs {size_text(needed)} of memory at least and the machine has {size_text(available)}: "
            f"lower {' or '.join(ways)}."
        )
        raise ConfigError([problem])
