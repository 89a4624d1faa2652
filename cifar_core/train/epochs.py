"""The metrics of each epoch and the choice of the best epoch, shared by the loop, the stored runs and the screens."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from cifar_core.storage.json_types import Amount, Loss, Ordinal, Share
from cifar_core.storage.parse import parse
from cifar_core.train.splits import MeasuredSplit

# Which of several epochs with the highest validation accuracy is the best. `lowest-loss`: that with the lowest
# validation loss, and of equal ones the latest, since it has learned longest. `earliest`: as runs of schema 1 and 2.
EpochRule = Literal["lowest-loss", "earliest"]
LOWEST_LOSS: EpochRule = "lowest-loss"
EARLIEST: EpochRule = "earliest"
MOST_POINTS = 10  # measurements of the accuracy within one epoch
LOSS_CLIP = 1e-12  # lower bound of a probability in a loss, so that a confident mistake has a finite loss


@dataclass(frozen=True)
class EpochLine:
    """The metrics of one epoch. Losses are mean cross-entropies in nats, accuracies are fractions.

    Of imported predictions only the test loss and accuracy are known: what a training measures is None.
    """

    epoch: Ordinal
    # Mean over the pictures used, measured in the training steps, with augmentation, dropout and the pruning weights.
    train_loss: Loss | None
    train_accuracy: Share | None  # likewise
    validation_loss: Loss | None  # after the epoch; None without a validation part
    validation_accuracy: Share | None
    test_loss: Loss  # after the epoch; displayed, never used to choose an epoch
    test_accuracy: Share
    learning_rate: Amount | None  # at the epoch's last step
    seconds: Amount | None  # of training and measuring
    images_per_second: Amount | None  # before the measurement at the end of the epoch
    # Number of test-time augmentation views per picture whose logits were averaged; files store it under this name.
    looks: Ordinal | None = None  # None in older files: the settings give the number


@dataclass(frozen=True)
class EpochPoint:
    """The accuracy in the middle of an epoch, on a small fixed part of the validation pictures.

    Of the test pictures where the run has no validation part: displayed, never used to choose an epoch or to stop.
    """

    epoch: Ordinal  # the one that was running
    batch: Ordinal  # batches done in it
    batches: Ordinal  # of the whole epoch
    accuracy: Share
    pictures: Ordinal  # measured, with one view each
    part: MeasuredSplit

    @property
    def place(self) -> tuple[int, int]:
        """Where it is in the run: points sort by it."""
        return self.epoch, self.batch


def epoch_point(content: Any) -> EpochPoint:
    """Parse one line of the file of the accuracy within epochs.

    Raises:
        ValueError: the content is not such a point; the message names the field.
    """
    point = parse(EpochPoint, content)
    if point.batch > point.batches:
        raise ValueError("batch must not be above batches")
    return point


def epoch_line(content: Any) -> EpochLine:
    """Parse one line of a metrics file.

    Raises:
        ValueError: the content is not an epoch; the message names the field.
    """
    return parse(EpochLine, content)


def best_line(lines: Sequence[EpochLine], rule: EpochRule) -> EpochLine | None:
    """The epoch whose weights are kept as the best: one with the highest validation accuracy, of several by the rule.

    Without a validation part it is the last epoch, because the test set must not be used to choose.
    """
    validated = [line for line in lines if line.validation_accuracy is not None]
    if not validated:
        return lines[-1] if lines else None
    return max(validated, key=lambda line: (line.validation_accuracy or 0.0, *_place_in_tie(line, rule)))


def _place_in_tie(line: EpochLine, rule: EpochRule) -> tuple[float, int]:
    """Which of two epochs with the same validation accuracy is the better one: that with the greater value."""
    if rule == EARLIEST:
        return 0.0, -line.epoch
    return -(math.inf if line.validation_loss is None else line.validation_loss), line.epoch


def should_stop_early(lines: Sequence[EpochLine], patience: int, rule: EpochRule) -> bool:
    """Whether the best epoch is at least `patience` epochs ago (0 never stops)."""
    best = best_line(lines, rule)  # None before the first epoch
    return patience > 0 and best is not None and lines[-1].epoch - best.epoch >= patience
