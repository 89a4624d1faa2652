"""How long an epoch takes, computed from the measured speed of this machine alone."""

import statistics

from cifar_core.config import RunConfig
from cifar_core.models import Layer, layer_table
from cifar_core.runs.estimate.speed import Costs, MachineSpeed, activation_values, measured_gain, step_key
from cifar_core.train import SMALL_SIDE, only_whole_batches, shown_share, small_part, views_after


def fitted_step(costs: Costs, layers: list[Layer], batch: int, *, area: float = 1.0) -> float:
    """Seconds of one training step by the fitted costs; `area` is the share of a picture's pixels that it trains on."""
    flops = sum(layer.flops for layer in layers)
    by_pixel = costs.per_flop * flops + costs.per_value * activation_values(layers)
    return costs.per_step + batch * (costs.per_picture + area * by_pixel)


def epoch_seconds(
    speed: MachineSpeed, config: RunConfig, *, classes: int, train: int, validation: int, test: int
) -> float:
    """Computed seconds of training and measuring in one epoch, as an average over the run.

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
    return correction * (steps + measuring) / expected_gain(speed, config)


def expected_gain(speed: MachineSpeed, config: RunConfig) -> float:
    """How many times as fast the processes of a run train it as one would; what was measured of two counts for more.

    Of settings that were not measured it is the median of those that were; 1 where none was.
    """
    if config.machine.processes == 1:
        return 1.0
    return measured_gain(speed, config) or (statistics.median(speed.gains.values()) if speed.gains else 1.0)
