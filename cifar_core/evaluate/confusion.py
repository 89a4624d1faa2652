"""The confusion matrix: counted, as shares, its most confused pairs, and its description in words."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cifar_core.errors import ConfigError, DataError
from cifar_core.evaluate.checks import check_matrix
from cifar_core.evaluate.predictions import CheckedPredictions
from cifar_core.text import counted, whole_percent

Normalisation = Literal["count", "true", "predicted"]


@dataclass(frozen=True)
class ConfusionMatrix:
    """How many pictures of each class are predicted as which; checked when it is made.

    Raises:
        DataError: it does not hold square counts of two classes or more, or there is not one name for each class.
    """

    counts: NDArray[np.int64]  # [K, K]: row = true class, column = predicted class
    class_names: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "counts", check_matrix(self.counts))
        if len(self.class_names) != len(self.counts):
            raise DataError(f"There are {len(self.class_names)} class names for {len(self.counts)} classes.")


def confusion_matrix(predictions: CheckedPredictions) -> ConfusionMatrix:
    """The confusion matrix of predictions; all 0 without pictures."""
    classes = len(predictions.class_names)
    cells = np.bincount(predictions.labels * classes + predictions.predicted, minlength=classes * classes)
    return ConfusionMatrix(cells.reshape(classes, classes), predictions.class_names)


def normalise_matrix(matrix: ConfusionMatrix, by: Normalisation) -> NDArray[np.float64]:
    """The cells of a confusion matrix as shares.

    Args:
        matrix: K classes.
        by: `count` (as it is), `true` (each row adds up to 1; NaN in the row of a class without pictures),
            `predicted` (each column adds up to 1; NaN in that of a class that is never predicted).

    Raises:
        ConfigError: another `by`.
    """
    counts = matrix.counts
    match by:
        case "count":
            return counts.astype(np.float64)
        case "true":
            return share(counts, counts.sum(axis=1, keepdims=True))
        case "predicted":
            return share(counts, counts.sum(axis=0, keepdims=True))
    raise ConfigError([f"A matrix is normalised by count, true or predicted, not by {by!r}."])


def share(part: NDArray[np.int64], whole: NDArray[np.int64]) -> NDArray[np.float64]:
    """part / whole, or NaN where the whole is 0."""
    blank = np.full(np.broadcast_shapes(part.shape, whole.shape), np.nan)
    return np.divide(part, whole, out=blank, where=whole > 0)


def most_confused(matrix: ConfusionMatrix, min_count: int = 1) -> pd.DataFrame:
    """Pairs of classes that are confused, the most frequent first (as `most_confused` of fastai).

    Args:
        matrix: K classes.
        min_count: fewest pictures of a pair, from 1.

    Returns:
        columns `true`, `predicted`, `count`, `share_of_true` (of all pictures of the true class), `reverse_count` (of
        the same pair with the classes exchanged), `true_index`, `predicted_index`; ties are in class order.

    Raises:
        ConfigError: `min_count` below 1.
    """
    counts, names = matrix.counts, matrix.class_names
    if min_count < 1:
        raise ConfigError([f"min_count is {min_count}, but must be 1 or more."])
    mistakes = counts.copy()
    np.fill_diagonal(mistakes, 0)
    true, predicted = np.nonzero(mistakes >= min_count)
    order = np.argsort(-mistakes[true, predicted], kind="stable")
    true, predicted = true[order], predicted[order]
    return pd.DataFrame(
        {
            "true": [names[index] for index in true],
            "predicted": [names[index] for index in predicted],
            "count": counts[true, predicted],
            "share_of_true": counts[true, predicted] / counts.sum(axis=1)[true],
            "reverse_count": counts[predicted, true],
            "true_index": true,
            "predicted_index": predicted,
        }
    )


def most_confused_classes(matrix: ConfusionMatrix, count: int) -> list[int]:
    """The classes with the most mistakes, as true or as predicted class: at most `count` indices in class order.

    Ties go to the earlier class.
    """
    mistakes = matrix.counts.copy()
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-(mistakes.sum(axis=0) + mistakes.sum(axis=1)), kind="stable")
    return sorted(order[:count].tolist())


def largest_confusion(matrix: ConfusionMatrix) -> str:
    """What the largest pair of confused classes is of all mistakes: the headline of a confusion matrix.

    Both directions of the pair are counted where the lesser has half of the larger or more, except with two classes,
    where they would be all mistakes.
    """
    counts, pairs = matrix.counts, most_confused(matrix)
    if pairs.empty:
        return "No mistakes" if counts.any() else "No pictures"
    worst, wrong = pairs.iloc[0], int(counts.sum() - counts.trace())
    true, predicted, reverse = worst["true"], worst["predicted"], worst["reverse_count"]
    if len(counts) == 2 or 2 * reverse < worst["count"]:
        return f"{true} taken for {predicted}: {whole_percent(worst['count'] / wrong)} of all mistakes"
    both = whole_percent((worst["count"] + reverse) / wrong)
    return f"{true} and {predicted}, taken for each other: {both} of all mistakes"


def explain_matrix(matrix: ConfusionMatrix) -> str:
    """The text alternative of a confusion matrix: the number of mistakes, and the most frequent one."""
    counts = matrix.counts
    total, right = int(counts.sum()), int(counts.trace())
    pairs = most_confused(matrix)
    if total == 0:
        return "There are no pictures in this matrix."
    if pairs.empty:
        return f"There are no mistakes: the prediction is right for all of {counted(total, 'picture')}."
    wrong, worst = total - right, pairs.iloc[0]
    text = (
        f"{wrong:,} of {counted(total, 'picture')} {'is a mistake' if wrong == 1 else 'are mistakes'} "
        f"({whole_percent(wrong / total)}); "
        f"{worst['true']} → {worst['predicted']} is the largest: "
        f"{worst['count']:,} of {counted(counts[worst['true_index']].sum(), 'picture')} of {worst['true']}"
    )
    if worst["reverse_count"]:
        text += f", and {worst['reverse_count']:,} the other way round"
    return text + "."
