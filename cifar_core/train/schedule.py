"""What changes during a run, as pure functions of step or epoch, so that a checkpoint need not store it."""

import math

from cifar_core.config import OptimizerConfig, RunConfig
from cifar_core.models import get_model

SMALL_SIDE = 24  # pixels: side of the shrunk pictures in the first part of a run with `small_share`
WHOLE_FROM = 0.875  # the part of a run after which data pruning ends (InfoBatch calls this annealing)
_EASY = 0.68  # share of the pictures whose loss is below the mean: 0.62 to 0.72 in trainings on CIFAR-10


def learning_rate_at(config: OptimizerConfig, step: float, steps: int) -> float:
    """Return the learning rate of one step.

    Args:
        config: has the schedule and its peak.
        step: 0 for the first; a pruned epoch has fewer batches, so `step` grows by more than 1 from batch to batch.
        steps: number of steps in the whole run.
    """
    peak, progress = config.learning_rate, step / max(1, steps)
    match config.schedule:
        case "cosine":
            return peak * 0.5 * (1 + math.cos(math.pi * progress))
        case "one_cycle":
            if progress < config.warmup_share:
                return peak * min(1.0, (step + 1) / (config.warmup_share * steps))
            return peak * (1 - progress) / (1 - config.warmup_share)
        case _:
            return peak


def small_part(config: RunConfig) -> float:
    """The part of a run that trains on pictures of `SMALL_SIDE`; it is 0 for networks that need the full size."""
    return config.optimizer.small_share if get_model(config.model.model).any_size else 0.0


def only_whole_batches(config: RunConfig) -> bool:
    """Whether every epoch leaves out, at random, the pictures that would make an incomplete batch.

    Batch normalisation would estimate its statistics from these few pictures, and Muon's step along their gradient
    would be as long as any other: one remaining picture cost `quick` 7 points of accuracy. With data pruning the
    number of remaining pictures is random, so that every such run leaves them out.
    """
    return get_model(config.model.model).normalised or config.optimizer.prune_share > 0


def views_after(config: RunConfig, epoch: int, *, validates: bool) -> int:
    """Return how many test-time augmentation views of a picture are used to measure an epoch (1-based).

    An epoch that may become the best one uses as many as the settings say. Any other epoch uses one, because its
    measurement only serves the curves and more views would take more time.

    Args:
        config: of the run.
        epoch: 1-based.
        validates: whether the run has a validation part, which chooses the best epoch.
    """
    may_count = validates or epoch == config.optimizer.epochs
    return config.data.views if may_count else 1


def shown_share(config: OptimizerConfig) -> float:
    """Estimate which part of the training pictures an epoch uses, on average over the run, before it starts."""
    pruned = max(0, math.floor(WHOLE_FROM * config.epochs) - 1)  # the first epoch uses all pictures
    return 1 - config.prune_share * _EASY * pruned / config.epochs
