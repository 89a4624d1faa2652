"""What a confusion matrix shows: its most confused pairs, and its description in words."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cifar_core.errors import ConfigError
from cifar_core.evaluate.checks import check_class_names, check_matrix
from cifar_core.text import counted, whole_percent


def most_confused(matrix: ArrayLike, class_names: Sequence[str], min_count: int = 1) -> pd.DataFrame:
    """Pairs of classes that are confused, the most frequent first (as `most_confused` of fastai).

    Args:
        matrix: confusion matrix [K, K], rows true.
        class_names: K names.
        min_count: fewest pictures of a pair, from 1.

    Returns:
        columns `true`, `predicted`, `count`, `share_of_true` (of all pictures of the true class), `reverse_count` (of
        the same pair with the classes exchanged), `true_index`, `predicted_index`; ties are in class order.

    Raises:
        ConfigError: `min_count` below 1.
        DataError: the matrix or the class names are invalid.
    """
    counts = check_matrix(matrix)
    names = check_class_names(class_names, len(counts))
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


def explain_matrix(matrix: ArrayLike, class_names: Sequence[str]) -> str:
    """The text alternative of a confusion matrix: the number of mistakes, and the most frequent one.

    Raises:
        DataError: the matrix or the class names are invalid.
    """
    counts = check_matrix(matrix)
    total, right = int(counts.sum()), int(counts.trace())
    pairs = most_confused(counts, class_names)
    if total == 0:
        return "There are no pictures in this matrix."
    if pairs.empty:
        return f"There are no mistakes: the prediction is right for all of {counted(total, 'picture')}."
    wrong, worst = total - right, pairs.iloc[0]
    text = (
        f"{wrong:,} of {counted(total, 'picture')} {'is a mistake' if wrong == 1 else 'are mistakes'} "
        f"({whole_percent(wrong / total)}); "
        f"{worst['true']} → {worst['predicted']} is the largest: "
        f"{worst['count']:,} of {counts[worst['true_index']].sum():,} pictures of {worst['true']}"
    )
    if worst["reverse_count"]:
        text += f", and {worst['reverse_count']:,} the other way round"
    return text + "."
