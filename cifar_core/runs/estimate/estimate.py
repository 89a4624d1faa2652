"""How long a run would take on this machine, before it starts: from an earlier run alike, else from its measured speed."""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.config import RunConfig
from cifar_core.data import list_datasets
from cifar_core.models import Layer, layer_table
from cifar_core.runs.estimate.speed import Costs, MachineSpeed, activation_values, read_speed, step_key
from cifar_core.runs.run import Run, Status
from cifar_core.train import SMALL_SIDE, only_whole_batches, shown_share, small_part, views_after
from cifar_core.workspace import Workspace

_START_UP = 4.0  # seconds, until a speed knows better
_EPOCH_EXTRA = 0.15  # seconds for writing an epoch's results
_FREE = ("learning_rate", "momentum", "schedule", "warmup_share", "weight_decay", "label_smoothing",
         "patience", "seed", "dropout", "max_seconds")  # fmt: skip  # settings that do not change how long an epoch takes


@dataclass(frozen=True)
class Estimate:
    """Expected time of a run and what the expectation rests on."""

    seconds: float  # of training and measuring
    start_up: float  # seconds before
    source: str


def fitted_step(costs: Costs, layers: list[Layer], batch: int, *, area: float = 1.0) -> float:
    """Time of one training step by the fitted costs; `area` is the part of a whole picture's pixels that it sees."""
    flops = sum(layer.flops for layer in layers)
    by_pixel = costs.per_flop * flops + costs.per_value * activation_values(layers)
    return costs.per_step + batch * (costs.per_picture + area * by_pixel)


def epoch_seconds(speed: MachineSpeed, config: RunConfig, *, classes: int, train: int, judged: int) -> float:
    """Expected time of one epoch, on the run's average.

    Args:
        speed: of this machine.
        config: the run that is planned.
        classes: of its dataset.
        train: pictures to train on.
        judged: pictures measured after the epoch.
    """
    layers, batch = layer_table(config.model, classes), config.optimizer.batch_size
    costs = speed.costs[config.model.model]
    whole = fitted_step(costs, layers, batch)
    trust = speed.known.get(step_key(config), whole) / whole  # a step that was timed itself corrects the fit
    full, rest = divmod(round(train * shown_share(config.optimizer)), batch)
    left = rest and not (full and only_whole_batches(config))
    steps = full * whole + (fitted_step(costs, layers, rest) if left else 0.0)
    small = fitted_step(costs, layers, batch, area=(SMALL_SIDE / 32) ** 2) / whole
    steps *= 1 - small_part(config) * (1 - small)
    epochs = config.optimizer.epochs
    views = sum(views_after(config, epoch) for epoch in range(1, epochs + 1)) / epochs
    measuring = views * judged * (whole / batch) * costs.forward
    return trust * (steps + measuring) + _EPOCH_EXTRA


def estimate_run(workspace: Workspace, config: RunConfig, runs: Sequence[Run] = ()) -> Estimate | None:
    """How long a run will take here; None until this machine is measured and the size of the dataset known.

    Args:
        workspace: where earlier runs and the speed lie.
        config: the run that is planned.
        runs: earlier runs, of which one alike is the better witness.
    """
    epochs, speed = config.optimizer.epochs, read_speed(workspace)
    start_up = speed.start_up if speed else _START_UP
    state = next((item for item in list_datasets(workspace) if item.name == config.data.dataset), None)
    known = state.fingerprint if state else ""
    for run in runs:
        here = run.status is Status.FINISHED and not run.imported  # another machine's time says nothing of this one
        same_data = run.dataset is not None and known in ("", run.dataset.fingerprint)
        if here and same_data and run.last is not None and _alike(run.config, config):
            return Estimate(epochs * run.seconds / run.last.epoch, start_up, f"as measured in run {run.name}")
    if speed is None or state is None or not state.train:
        return None
    held = round(state.train * config.data.validation_share)
    train = round((state.train - held) * config.data.train_share)
    seconds = epoch_seconds(speed, config, classes=max(2, state.classes), train=train, judged=held + state.test)
    return Estimate(epochs * seconds, start_up, "from a short timing of this machine")


def _alike(one: RunConfig, other: RunConfig) -> bool:
    """Whether an epoch of one takes as long as one of the other."""
    first, second = one.flat(), other.flat()
    even = one.data.views == 1 or one.data.validation_share > 0  # measuring takes as long after every epoch
    free = {*_FREE, "epochs"} if even and one.optimizer.prune_share == 0 else _FREE
    return all(first[name] == second[name] for name in first if name not in free)
