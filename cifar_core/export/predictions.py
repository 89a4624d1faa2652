"""All predictions of a run's test part without the pictures, as CSV or Parquet."""

import io
from collections.abc import Mapping

import numpy as np
import pandas as pd

from cifar_core.export.csv_table import table_csv
from cifar_core.runs import Predictions
from cifar_core.samples import EXPORTED_SCORES, WRONG_COLUMNS, prediction_table, tag_texts, with_tags, with_wrong_counts

_Tags = Mapping[str, tuple[str, ...]]


def epoch_file_name(run_id: str, epoch: int, rest: str) -> str:
    """The name of a file of one epoch's predictions, such as `quiet-otter-epoch-3-pictures.zip`."""
    return f"{run_id}-epoch-{epoch}-{rest}"


def predictions_table(predictions: Predictions, tags: _Tags, counts: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per picture, in the order of the dataset.

    Args:
        predictions: of a run.
        tags: of the pictures of its dataset, by id (`cifar_core.notes.read_tags`).
        counts: `wrong_counts` of the run and its repeats with other seeds; None where it has none.

    Returns:
        the columns `id`, `index` (in the split, from 0), `epoch`, `split`, `true`, `predicted`, `correct`, `tags`, then
        the probability `p_CLASS` of each class as it is stored, then the scores of `EXPORTED_SCORES`, and, with
        `counts`, `wrong_in` and `wrong_of`.
    """
    table = with_tags(prediction_table(predictions), tags)
    if counts is not None:
        table = with_wrong_counts(table, counts)
    names = [f"p_{name}" for name in predictions.class_names]
    facts = table[["id", "index"]].assign(
        epoch=predictions.epoch,
        split=predictions.split,
        true=table["true"].astype("str"),
        predicted=table["predicted"].astype("str"),
        correct=table["correct"],
        tags=tag_texts(table),
    )
    probs = pd.DataFrame(np.asarray(predictions.probs), columns=names)
    rest = [*EXPORTED_SCORES, *(name for name in WRONG_COLUMNS if name in table)]
    return pd.concat([facts, probs, table[rest]], axis=1)


def predictions_csv(predictions: Predictions, tags: _Tags, counts: pd.DataFrame | None = None) -> bytes:
    """`predictions_table` as CSV; `csv_table.table_csv` says how to read it back."""
    return table_csv(predictions_table(predictions, tags, counts))


def predictions_parquet(predictions: Predictions, tags: _Tags, counts: pd.DataFrame | None = None) -> bytes:
    """`predictions_table` as Parquet, with texts and types as they are: read it with `pandas.read_parquet`."""
    buffer = io.BytesIO()
    predictions_table(predictions, tags, counts).to_parquet(buffer, index=False)
    return buffer.getvalue()
