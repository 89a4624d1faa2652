"""Estimates how long a run will take before it starts, as the Train page shows for each preset.

The estimate is the time of an earlier run with the same cost, or else is computed from the measured speed of this
machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.config import RunConfig, validates
from cifar_core.data import DatasetState
from cifar_core.models import Layer, layer_table
from cifar_core.runs.estimate.speed import Costs, MachineSpeed, activation_values, step_key
from cifar_core.runs.run import Run, Status
from cifar_core.train import SMALL_SIDE, only_whole_batches, shown_share, small_part, validation_count, views_after

_START_UP = 4.0  # seconds, where this machine's speed has not been measured
_EPOCH_EXTRA = 0.15  # seconds for writing an epoch's results
_WITHOUT_COST = (  # settings that do not change how long an epoch takes
    "learning_rate",
    "momentum",
    "schedule",
    "warmup_share",
    "weight_decay",
    "label_smoothing",
    "patience",
    "seed",
    "dropout",
    "max_seconds",
)


@dataclass(frozen=True)
class Estimate:
    """The expected time of a run, and what the expectation is based on."""

    seconds: float  # of training and measuring
    start_up: float  # seconds before the training begins
    source: str  # as text: an earlier run, or the measured speed of this machine

    @property
    def low(self) -> float:
        """The least seconds from the start of a run to its end, as far as is known; without the wait for its turn."""
        return 0.8 * (self.start_up + self.seconds)

    @property
    def high(self) -> float:
        """The most seconds of the same."""
        return 1.25 * (self.start_up + self.seconds)


def fitted_step(costs: Costs, layers: list[Layer], batch: int, *, area: float = 1.0) -> float:
    """Seconds of one training step by the fitted costs; `area` is the share of a picture's pixels that it trains on."""
    flops = sum(layer.flops for layer in layers)
    by_pixel = costs.per_flop * flops + costs.per_value * activation_values(layers)
    return costs.per_step + batch * (costs.per_picture + area * by_pixel)


def epoch_seconds(
    speed: MachineSpeed, config: RunConfig, *, classes: int, train: int, validation: int, test: int
) -> float:
    """Expected seconds of one epoch, as an average over the run.

    Args:
        speed: of this machine; it knows the network.
        config: of the planned run.
        classes: of its dataset.
        train: pictures to train on.
        validation: pictures of the validation part.
        test: pictures of the test part; both are measured after the epoch.
    """
    layers, batch = layer_table(config.model, classes), config.optimizer.batch_size
    costs = speed.costs[config.model.model]
    whole = fitted_step(costs, layers, batch)
    correction = speed.known.get(step_key(config), whole) / whole  # 1 where no step of such a network was timed
    full, rest = divmod(round(train * shown_share(config.optimizer)), batch)
    left = rest and not (full and only_whole_batches(config))
    steps = full * whole + (fitted_step(costs, layers, rest) if left else 0.0)
    small = fitted_step(costs, layers, batch, area=(SMALL_SIDE / 32) ** 2) / whole
    steps *= 1 - small_part(config) * (1 - small)
    epochs = config.optimizer.epochs
    views = sum(views_after(config, epoch, validates=validation > 0) for epoch in range(1, epochs + 1)) / epochs
    measuring = views * (validation + test) * (whole / batch) * costs.forward
    return correction * (steps + measuring) + _EPOCH_EXTRA


def estimate_run(
    config: RunConfig, speed: MachineSpeed | None, datasets: Sequence[DatasetState], runs: Sequence[Run] = ()
) -> Estimate | None:
    """How long a run will take on this machine; None while its network's speed or its dataset's size is unknown.

    Args:
        config: of the planned run.
        speed: of this machine, as far as it has been measured.
        datasets: of the workspace.
        runs: earlier runs; the time of one with the same cost is preferred to the computed estimate.
    """
    epochs = config.optimizer.epochs
    start_up = speed.start_up if speed else _START_UP
    state = next((item for item in datasets if item.name == config.data.dataset), None)
    known, own = (state.fingerprint, state.validation) if state else ("", 0)
    for run in runs:
        comparable = run.status is Status.FINISHED and not run.imported  # an imported run was timed on another machine
        same_data = run.dataset is not None and known in ("", run.dataset.fingerprint)
        if comparable and same_data and run.last is not None and _has_same_cost(run.config, config, own):
            return Estimate(epochs * run.seconds / run.last.epoch, start_up, f"as measured in run {run.name}")
    if speed is None or config.model.model not in speed.costs or state is None or not state.train:
        return None
    validation = validation_count(config.data, state.train, own)
    train = round((state.train - validation) * config.data.train_share)
    parts = {"train": train, "validation": validation, "test": state.test}
    seconds = epoch_seconds(speed, config, classes=max(2, state.classes), **parts)
    return Estimate(epochs * seconds, start_up, "from the measured speed of this machine")


def _has_same_cost(one: RunConfig, other: RunConfig, own: int) -> bool:
    """Whether an average epoch takes as long with one configuration as with the other, on the same dataset."""
    first, second = one.flat(), other.flat()
    even = one.data.views == 1 or validates(one.data, own)  # measuring takes as long after every epoch
    ignored = {*_WITHOUT_COST, "epochs"} if even and one.optimizer.prune_share == 0 else _WITHOUT_COST
    ignored = {*ignored, "own_validation"} if own == 0 else ignored
    return all(first[name] == second[name] for name in first if name not in ignored)
