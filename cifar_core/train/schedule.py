"""What changes from step to step, as pure functions: nothing to save, nothing to get out of step on a resume."""

import math

from cifar_core.config import OptimizerConfig, RunConfig

SMALL_SIDE = 24  # pixels, of the pictures of the first part of a run that asks for small ones
WHOLE_FROM = 0.875  # the part of a run after which no picture is left out any more, so that its end is undisturbed
_EASY = 0.68  # share of the pictures that have less than the mean loss: 0.62 to 0.72 in trainings on CIFAR-10


def learning_rate_at(config: OptimizerConfig, step: float, steps: int) -> float:
    """The learning rate of one step.

    Args:
        config: names the schedule and its peak.
        step: 0 for the first; the steps of an epoch that leaves pictures out are longer than 1.
        steps: of the whole run, all epochs.
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
    """The first part of a run, whose pictures shrink to `SMALL_SIDE`; only networks that take any size have one."""
    return config.optimizer.small_share if config.model.model == "fast_cnn" else 0.0


def only_whole_batches(config: RunConfig) -> bool:
    """Whether every epoch leaves out, at random, the pictures that would make a batch that is not full.

    A normalisation would take the few for its whole idea of the data, and a step of Muon along their gradient would be
    as long as any: one picture left over cost `quick` 7 points of accuracy. Where easy pictures are left out, how many
    remain is chance.
    """
    return config.model.model == "fast_cnn" or config.optimizer.prune_share > 0


def views_after(config: RunConfig, epoch: int) -> int:
    """How many test-time augmentation views of a picture judge it after an epoch (1-based): as many as the settings say
    where the epoch may be the one that counts, and one where it cannot be, because the curve does not need what more
    views cost.
    """
    may_count = config.data.validation_share > 0 or epoch == config.optimizer.epochs
    return config.data.views if may_count else 1


def shown_share(config: OptimizerConfig) -> float:
    """The part of the training pictures that an epoch shows, on the run's average, as far as it can be known before."""
    pruned = max(0, math.floor(WHOLE_FROM * config.epochs) - 1)  # the first sees all of them
    return 1 - config.prune_share * _EASY * pruned / config.epochs
