"""What is known after each epoch, and which epoch is the best: facts shared by the loop, the disk and the screens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.storage.json_types import Amount, Loss, Ordinal, Share
from cifar_core.storage.parse import parse

LOSS_CLIP = 1e-12  # a probability counts as at least this much in a loss, so that a certain mistake stays finite


@dataclass(frozen=True)
class EpochLine:
    """One epoch. Losses are mean cross-entropies in nats, accuracies fractions; each names its part of the data."""

    epoch: Ordinal
    # Mean over the pictures shown, while the weights moved, with augmentation, dropout and pruning's weights.
    train_loss: Loss
    train_accuracy: Share  # likewise
    validation_loss: Loss | None  # after the epoch; None without a validation part
    validation_accuracy: Share | None
    test_loss: Loss  # after the epoch; shown, never used to choose
    test_accuracy: Share
    learning_rate: Amount  # at the epoch's last step
    seconds: Amount  # training and measurements
    images_per_second: Amount  # training steps alone
    # Test-time augmentation views of each picture, whose logits were averaged; the name is that of the stored field.
    looks: Ordinal | None = None  # None in older lines: as many as the settings say


def epoch_line(content: Any) -> EpochLine:
    """An epoch from what a file says.

    Raises:
        ValueError: it says something else; the message says what.
    """
    return parse(EpochLine, content)


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
