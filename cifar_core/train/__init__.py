"""The training loop: `fit` -> `run_epoch` -> `train_step`. It neither reads or writes files nor draws anything.

The modules epochs, splits and schedule do not import torch, so that the app can use them without loading it.
"""

from cifar_core.train.epochs import (
    EARLIEST,
    LOSS_CLIP,
    LOWEST_LOSS,
    MOST_POINTS,
    EpochLine,
    EpochPoint,
    EpochRule,
    best_line,
    epoch_line,
    epoch_point,
    should_stop_early,
)
from cifar_core.train.schedule import SMALL_SIDE, only_whole_batches, shown_share, small_part, views_after
from cifar_core.train.splits import (
    BY_SHARE,
    ONE_OF_THREE,
    MeasuredSplit,
    SplitRule,
    set_aside,
    split_training,
    training_parts,
    unvalidated_classes,
    validation_count,
)

__all__ = [
    "BY_SHARE",
    "EARLIEST",
    "LOSS_CLIP",
    "LOWEST_LOSS",
    "MOST_POINTS",
    "ONE_OF_THREE",
    "SMALL_SIDE",
    "EpochLine",
    "EpochPoint",
    "EpochRule",
    "MeasuredSplit",
    "SplitRule",
    "best_line",
    "epoch_line",
    "epoch_point",
    "only_whole_batches",
    "set_aside",
    "should_stop_early",
    "shown_share",
    "small_part",
    "split_training",
    "training_parts",
    "unvalidated_classes",
    "validation_count",
    "views_after",
]
