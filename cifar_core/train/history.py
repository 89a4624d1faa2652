"""What is known after each epoch, and which epoch is the best: facts shared by the loop, the disk and the screens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

LOSS_CLIP = 1e-12  # a probability counts as at least this much in a loss, so that a certain mistake stays finite


@dataclass(frozen=True)
class EpochLine:
    """One epoch. Losses are mean cross-entropies in nats, accuracies fractions; each names its part of the data."""

    epoch: int  # 1-based
    train_loss: float  # mean over the epoch's batches, while the weights moved and with augmentation and dropout
    train_accuracy: float  # likewise
    validation_loss: float | None  # after the epoch; None without a validation part
    validation_accuracy: float | None
    test_loss: float  # after the epoch; shown, never used to choose
    test_accuracy: float
    learning_rate: float  # at the epoch's last step
    seconds: float  # training and measurements
    images_per_second: float  # training steps alone


_HUGE = 2**53  # whole numbers from here on are not exact as floats
_OPTIONAL = ("validation_loss", "validation_accuracy")


def epoch_line(content: Any) -> EpochLine:
    """An epoch from what a file says.

    Raises:
        ValueError: another thing than an epoch, or a value that is no number; the message says which.
    """
    names = [item.name for item in fields(EpochLine)]
    if not isinstance(content, dict) or sorted(content) != sorted(names):
        raise ValueError("it is no epoch")
    for name, value in content.items():
        if not _is_number(value) and not (value is None and name in _OPTIONAL):
            raise ValueError(f"{name} is no number")
    if not isinstance(content["epoch"], int) or content["epoch"] < 1:
        raise ValueError("epoch is no whole number above 0")
    return EpochLine(**content)


def _is_number(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _HUGE


def best_line(lines: Sequence[EpochLine]) -> EpochLine | None:
    """The epoch that counts: highest validation accuracy, the earlier one on a tie; the last without validation part.

    The test set chooses nothing.
    """
    if not lines:
        return None
    judged = [line for line in lines if line.validation_accuracy is not None]
    if not judged:
        return lines[-1]
    return max(judged, key=lambda line: (line.validation_accuracy or 0.0, -line.epoch))


def should_stop_early(lines: Sequence[EpochLine], patience: int) -> bool:
    """Whether the last `patience` epochs brought no better validation accuracy (0 never stops)."""
    best = best_line(lines)
    return patience > 0 and best is not None and lines[-1].epoch - best.epoch >= patience
