"""The metrics of each epoch and the choice of the best epoch, shared by the loop, the stored runs and the screens."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cifar_core.storage.json_types import Amount, Loss, Ordinal, Share
from cifar_core.storage.parse import parse

LOSS_CLIP = 1e-12  # lower bound of a probability in a loss, so that a confident mistake has a finite loss


@dataclass(frozen=True)
class EpochLine:
    """The metrics of one epoch. Losses are mean cross-entropies in nats, accuracies are fractions."""

    epoch: Ordinal
    # Mean over the pictures used, measured in the training steps, with augmentation, dropout and the pruning weights.
    train_loss: Loss
    train_accuracy: Share  # likewise
    validation_loss: Loss | None  # after the epoch; None without a validation part
    validation_accuracy: Share | None
    test_loss: Loss  # after the epoch; displayed, never used to choose an epoch
    test_accuracy: Share
    learning_rate: Amount  # at the epoch's last step
    seconds: Amount  # of training and measuring
    images_per_second: Amount  # of the training steps alone
    # Number of test-time augmentation views per picture whose logits were averaged; files store it under this name.
    looks: Ordinal | None = None  # None in older files: the settings give the number


def epoch_line(content: Any) -> EpochLine:
    """Parse one line of a metrics file.

    Raises:
        ValueError: the content is not an epoch; the message names the field.
    """
    return parse(EpochLine, content)


def best_line(lines: Sequence[EpochLine]) -> EpochLine | None:
    """The epoch whose weights are kept as the best: the earliest one with the highest validation accuracy.

    Without a validation part it is the last epoch, because the test set must not be used to choose.
    """
    if not lines:
        return None
    validated = [line for line in lines if line.validation_accuracy is not None]
    if not validated:
        return lines[-1]
    return max(validated, key=lambda line: (line.validation_accuracy or 0.0, -line.epoch))


def should_stop_early(lines: Sequence[EpochLine], patience: int) -> bool:
    """Whether the last `patience` epochs did not improve the validation accuracy (0 never stops)."""
    best = best_line(lines)
    return patience > 0 and best is not None and lines[-1].epoch - best.epoch >= patience
