"""The sentence on the curves of a training."""

import numpy as np
import pandas as pd
import pytest

from cifar_core.evaluate import explain_curve


def history(train: list[float], loss: list[float], accuracy: list[float], part: str = "validation") -> pd.DataFrame:
    """Metrics of a run; the training accuracy is a little above that of `part`."""
    return pd.DataFrame(
        {
            "epoch": range(1, len(train) + 1),
            "train_loss": train,
            "train_accuracy": [value + 0.01 for value in accuracy],
            f"{part}_loss": loss,
            f"{part}_accuracy": accuracy,
        }
    )


FALLING = [2.0, 1.0, 0.8, 0.6, 0.4]


@pytest.mark.parametrize(
    ("metrics", "start"),
    [
        (history([], [], []), "No epoch is finished yet"),
        (history([2.0], [2.0], [0.3]), "One epoch is done with 30.0 % validation accuracy"),
        (history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.3, 0.4, 0.5]), "Still improving: over the last 2 epochs the validation accuracy rose from 30.0 % to 50.0 %"),
        (history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.5, 0.5, 0.5]), "Still improving: over the last 2 epochs the validation loss fell from 2.00 to 1.40"),
        (history([2, 1.6], [2, 1.6], [0.3, 0.4]), "Still improving: over the last epoch"),
        (history(FALLING, [2, 1, 1.1, 1.2, 1.3], [0.5, 0.6, 0.6, 0.6, 0.6]), "Overfitting: the validation loss was lowest at epoch 2 (1.00) and has risen to 1.30"),
        (history(FALLING, [2, 1, 1.1, 1.2, 1.3], [0.5, 0.6, 0.6, 0.6, 0.6], "test"), "Overfitting: the test loss"),
        (history([2.3] * 3, [2.3] * 3, [0.1, 0.1, 0.11]), "Not learning: after 3 epochs the accuracy is still 12.0 %"),
        (history([1, 0.9, np.nan], [1, 1, np.nan], [0.5, 0.5, 0.1]), "Diverged"),
        (history([1, 0.5, 1.2], [1, 0.6, 1.2], [0.6, 0.8, 0.5]), "Unstable: the training loss rose from 0.50 to 1.20"),
        (history([1, 0.5, 0.5, 0.5, 0.5], [1, 0.6, 0.6, 0.6, 0.6], [0.6] + [0.8] * 4), "Plateau: the best validation accuracy, 80.0 %"),
    ],
)  # fmt: skip
def test_explain_curve(metrics: pd.DataFrame, start: str) -> None:
    sentence = explain_curve(metrics)
    assert sentence.startswith(start)
    assert sentence.endswith(".") and "\n" not in sentence


def test_overfitting_with_a_rising_accuracy_says_so() -> None:
    sentence = explain_curve(history(FALLING, [2, 1, 1.1, 1.2, 1.3], [0.5, 0.6, 0.62, 0.64, 0.66]))
    assert "though validation accuracy still rose" in sentence


def test_without_a_validation_part_the_test_set_is_described() -> None:
    metrics = history([2, 1.6, 1.3], [2, 1.6, 1.4], [0.3, 0.4, 0.5], "test").assign(
        validation_loss=None, validation_accuracy=None
    )
    assert "test accuracy rose" in explain_curve(metrics)


def test_the_accuracy_of_guessing_depends_on_the_number_of_classes() -> None:
    metrics = history([0.7] * 2, [0.7] * 2, [0.51, 0.51])
    assert explain_curve(metrics, classes=2).startswith("Not learning")
    assert not explain_curve(metrics, classes=10).startswith("Not learning")
