"""The table of pictures: one row per picture with its classes and scores, in the order of the dataset."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cifar_core.errors import DataError
from cifar_core.evaluate import check_class_names, sample_scores
from cifar_core.runs import Predictions

COLUMNS = (
    "index",  # in the split, from 0
    "id",  # of the picture in the dataset
    "true",  # class names, as categories: `table["true"].cat.categories` are all K names in order
    "predicted",
    "true_index",  # class indices, 0..K-1
    "predicted_index",
    "correct",
    "confidence",
    "p_true",
    "loss",
    "margin",
    "entropy",
    "true_rank",  # 1 = the true class has the highest probability
)


def prediction_table(predictions: Predictions) -> pd.DataFrame:
    """`sample_table` of a run's predictions, as `cifar_core.runs.read_predictions` gives them."""
    return sample_table(predictions.labels, predictions.probs, predictions.ids.tolist(), predictions.class_names)


def sample_table(labels: ArrayLike, probs: ArrayLike, ids: Sequence[str], class_names: Sequence[str]) -> pd.DataFrame:
    """One row per picture, in the order given.

    Args:
        labels: class indices [N].
        probs: probabilities [N, K].
        ids: id of each picture [N].
        class_names: K different names.

    Returns:
        the columns of `COLUMNS`; scores as in `cifar_core.evaluate` (loss and entropy in nats). N may be 0.

    Raises:
        DataError: the labels, probabilities or class names are invalid, or there is not one id per picture.
    """
    scores = sample_scores(labels, probs)
    checked_labels = np.asarray(labels).astype(np.int64)
    names = check_class_names(class_names, np.asarray(probs).shape[1])
    if len(ids) != len(checked_labels):
        raise DataError(f"There are {len(ids):,} ids for {len(checked_labels):,} pictures.")
    classes = pd.CategoricalDtype(pd.Index(names))
    return pd.DataFrame(
        {
            "index": np.arange(len(checked_labels)),
            "id": pd.Series([printable(name) for name in ids], dtype="str"),
            "true": pd.Categorical.from_codes(checked_labels, dtype=classes),
            "predicted": pd.Categorical.from_codes(scores.predicted, dtype=classes),
            "true_index": checked_labels,
            "predicted_index": scores.predicted,
            "correct": scores.predicted == checked_labels,
            "confidence": scores.confidence,
            "p_true": scores.p_true,
            "loss": scores.loss,
            "margin": scores.margin,
            "entropy": scores.entropy,
            "true_rank": scores.true_rank,
        }
    )


def printable(name: str) -> str:
    """The id of a picture as valid text: bytes that are not UTF-8 (from old archives) become "?"."""
    return str(name).encode("utf-8", "replace").decode("utf-8")
