"""All predictions of a part of a run without the pictures, as CSV, Parquet or NPZ, with our names or those of others.

`cifar_core.runs.import_predictions` reads each of these files back.
"""

import io
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cifar_core.errors import DataError
from cifar_core.export.csv_table import table_csv
from cifar_core.runs import Predictions
from cifar_core.samples import EXPORTED_SCORES, WRONG_COLUMNS, prediction_table, tag_texts, with_tags, with_wrong_counts

# How columns and arrays are called: as on our screens, as in the examples of FiftyOne, or as cleanlab's arguments.
Names = Literal["plain", "fiftyone", "cleanlab"]
NAMES: tuple[Names, ...] = get_args(Names)
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
    facts = table[["id", "index"]].assign(
        epoch=predictions.epoch,
        split=predictions.split,
        true=table["true"].astype("str"),
        predicted=table["predicted"].astype("str"),
        correct=table["correct"],
        tags=tag_texts(table),
    )
    rest = [*EXPORTED_SCORES, *(name for name in WRONG_COLUMNS if name in table)]
    return pd.concat([facts, _probabilities(predictions), table[rest]], axis=1)


def fiftyone_table(predictions: Predictions) -> pd.DataFrame:
    """One row per picture with the field names of FiftyOne's examples, for its CSV importer.

    Returns:
        the columns `filepath` (the id of the picture in its dataset), `index`, `ground_truth`, `predictions` and
        `confidence`, then `p_CLASS`.
    """
    table = prediction_table(predictions)
    facts = pd.DataFrame(
        {
            "filepath": table["id"],
            "index": table["index"],
            "ground_truth": table["true"].astype("str"),
            "predictions": table["predicted"].astype("str"),
            "confidence": table["confidence"],
        }
    )
    return pd.concat([facts, _probabilities(predictions)], axis=1)


def _probabilities(predictions: Predictions) -> pd.DataFrame:
    return pd.DataFrame(np.asarray(predictions.probs), columns=[f"p_{name}" for name in predictions.class_names])


def predictions_csv(predictions: Predictions, tags: _Tags, counts: pd.DataFrame | None = None) -> bytes:
    """`predictions_table` as CSV; `csv_table.table_csv` says how to read it back."""
    return table_csv(predictions_table(predictions, tags, counts))


def predictions_parquet(predictions: Predictions, tags: _Tags, counts: pd.DataFrame | None = None) -> bytes:
    """`predictions_table` as Parquet, with texts and types as they are: read it with `pandas.read_parquet`."""
    return _table_parquet(predictions_table(predictions, tags, counts))


def predictions_npz(predictions: Predictions, names: Names = "plain") -> bytes:
    """The predictions as arrays of NumPy, without pickled objects.

    They are `ids`, `index`, `labels` and `predicted` (numbers of classes), `probs` float32 [N, K] (`pred_probs` with
    cleanlab's names, whose functions take `labels` and `pred_probs`), and `class_names` [K].
    """
    arrays = {
        "ids": np.asarray(prediction_table(predictions)["id"].tolist(), np.str_),
        "index": np.arange(len(predictions.labels)),
        "labels": predictions.labels,
        "predicted": predictions.predicted,
        "pred_probs" if names == "cleanlab" else "probs": np.asarray(predictions.probs, np.float32),
        "class_names": np.asarray(predictions.class_names, np.str_),
    }
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def predictions_file(
    predictions: Predictions,
    ending: str,
    names: Names = "plain",
    tags: _Tags | None = None,
    counts: pd.DataFrame | None = None,
) -> bytes:
    """The content of a file of predictions.

    Args:
        predictions: of a run.
        ending: of the file's name, which says its form: `.csv`, `.parquet` or `.npz`.
        names: how columns and arrays are called.
        tags, counts: as for `predictions_table`; only tables with our own names have them.

    Raises:
        DataError: there is no such form, or not with these names.
    """
    form = ending.lower()
    if form == ".npz" and names != "fiftyone":
        return predictions_npz(predictions, names)
    if form not in _TABLES or names == "cleanlab":
        fitting = {"plain": ".csv, .parquet or .npz", "fiftyone": ".csv or .parquet", "cleanlab": ".npz"}[names]
        what = "Predictions" if names == "plain" else f"Predictions with the names of {names}"
        raise DataError(f"{what} are written to a file that ends in {fitting}, not in {ending or 'nothing'}.")
    table = fiftyone_table(predictions) if names == "fiftyone" else predictions_table(predictions, tags or {}, counts)
    return _TABLES[form](table)


def _table_parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


_TABLES: dict[str, Callable[[pd.DataFrame], bytes]] = {".csv": table_csv, ".parquet": _table_parquet}
