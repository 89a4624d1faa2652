"""The table of pictures: one row per picture with its classes and scores, in the order of the dataset."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from cifar_core.errors import DataError
from cifar_core.evaluate import SCORES, CheckedPredictions, sample_scores
from cifar_core.notes import SEPARATOR
from cifar_core.runs import Predictions

COLUMNS = (
    "index",  # in the split, from 0
    "id",  # of the picture in the dataset
    "true",  # class names, as categories: `table["true"].cat.categories` are all K names in order
    "predicted",
    "true_index",  # class indices, 0..K-1
    "predicted_index",
    "correct",
    *SCORES,
)


def prediction_table(predictions: Predictions) -> pd.DataFrame:
    """`sample_table` of a run's predictions, as `cifar_core.runs.read_predictions` gives them."""
    return sample_table(predictions, predictions.ids.tolist())


def sample_table(predictions: CheckedPredictions, ids: Sequence[str]) -> pd.DataFrame:
    """One row per picture, in the order given.

    Args:
        predictions: of N pictures; N may be 0.
        ids: id of each picture [N].

    Returns:
        the columns of `COLUMNS`; scores as in `cifar_core.evaluate` (loss and entropy in nats).

    Raises:
        DataError: there is not one id per picture.
    """
    labels, predicted = predictions.labels, predictions.predicted
    if len(ids) != len(labels):
        raise DataError(f"There are {len(ids):,} ids for {len(labels):,} pictures.")
    classes = pd.CategoricalDtype(pd.Index(predictions.class_names))
    return pd.DataFrame(
        {
            "index": np.arange(len(labels)),
            "id": pd.Series(_all_printable(ids), dtype="str"),
            "true": pd.Categorical.from_codes(labels, dtype=classes),
            "predicted": pd.Categorical.from_codes(predicted, dtype=classes),
            "true_index": labels,
            "predicted_index": predicted,
            "correct": predicted == labels,
            **sample_scores(predictions),
        }
    )


def with_tags(table: pd.DataFrame, tags: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """A sample table with one more column, `tags`: the words of each picture as a tuple, mostly an empty one.

    Args:
        table: from `sample_table`; it is not changed.
        tags: the words of the pictures that have any, by id, as `cifar_core.notes.tags_of` gives them.
    """
    return table.assign(
        tags=pd.Series([tags.get(name, ()) for name in table["id"].tolist()], table.index, dtype="object")
    )


def tag_texts(table: pd.DataFrame) -> pd.Series:
    """The column `tags` as exported tables have it: the words of a picture in one text, empty where it has none."""
    return table["tags"].map(SEPARATOR.join).astype("str")


def _all_printable(names: Sequence[str]) -> list[str]:
    """`printable` of each name; of 10,000 usual ones in a tenth of the time."""
    try:
        "".join(names).encode()
    except UnicodeEncodeError:
        return [printable(name) for name in names]
    return list(names)


def printable(name: str) -> str:
    """The id of a picture as valid text: bytes that are not UTF-8 (from old archives) become "?"."""
    return str(name).encode("utf-8", "replace").decode("utf-8")
