"""All predictions of a run's test part without the pictures, as CSV or Parquet."""

import io

import numpy as np
import pandas as pd

from cifar_core.export.csv_table import table_csv
from cifar_core.runs import Predictions
from cifar_core.samples import EXPORTED_SCORES, JOINED_COLUMNS, prediction_table


def epoch_file_name(run_id: str, epoch: int, rest: str) -> str:
    """The name of a file of one epoch's predictions, such as `quiet-otter-epoch-3-pictures.zip`."""
    return f"{run_id}-epoch-{epoch}-{rest}"


def predictions_table(predictions: Predictions, table: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per picture, in the order of the dataset.

    Args:
        predictions: of a run at one epoch.
        table: their sample table, with columns that come from elsewhere (`with_joined_columns`); None has none.

    Returns:
        the columns `id`, `index` (in the split, from 0), `epoch`, `split`, `true`, `predicted`, `correct`, then the
        probability `p_CLASS` of each class as it is stored, then the scores of `EXPORTED_SCORES`, and
        those of `JOINED_COLUMNS` that `table` has.
    """
    table = prediction_table(predictions) if table is None else table
    names = [f"p_{name}" for name in predictions.class_names]
    facts = table[["id", "index"]].assign(
        epoch=predictions.epoch,
        split=predictions.split,
        true=table["true"].astype("str"),
        predicted=table["predicted"].astype("str"),
        correct=table["correct"],
    )
    probs = pd.DataFrame(np.asarray(predictions.probs), columns=names)
    rest = [*EXPORTED_SCORES, *(name for name in JOINED_COLUMNS if name in table)]
    return pd.concat([facts, probs, table[rest]], axis=1)


def predictions_csv(predictions: Predictions, table: pd.DataFrame | None = None) -> bytes:
    """`predictions_table` as CSV; `csv_table.table_csv` says how to read it back."""
    return table_csv(predictions_table(predictions, table))


def predictions_parquet(predictions: Predictions, table: pd.DataFrame | None = None) -> bytes:
    """`predictions_table` as Parquet, with texts and types as they are: read it with `pandas.read_parquet`."""
    buffer = io.BytesIO()
    predictions_table(predictions, table).to_parquet(buffer, index=False)
    return buffer.getvalue()
