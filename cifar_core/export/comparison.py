"""Two runs or epochs on the same test pictures as a table: what each predicts, and what became of each picture."""

import numpy as np
import pandas as pd

from cifar_core.evaluate import VERDICTS, verdicts
from cifar_core.export.csv_table import table_csv
from cifar_core.runs import Predictions


def comparison_table(a: Predictions, b: Predictions) -> pd.DataFrame:
    """One row per picture, in the order of the dataset.

    Args:
        a: predictions that `align_pair` has brought to one order with those of B.
        b: those of B.

    Returns:
        the columns `id`, `true`, `predicted_a`, `predicted_b` (names of classes), `verdict` (one of `VERDICTS`).
    """
    names = np.array(a.class_names, object)
    return pd.DataFrame(
        {
            "id": a.ids,
            "true": names[a.labels],
            "predicted_a": names[a.predicted],
            "predicted_b": names[b.predicted],
            "verdict": np.array(VERDICTS, object)[verdicts(a.labels, a.predicted, b.predicted)],
        }
    )


def comparison_csv(a: Predictions, b: Predictions) -> bytes:
    """`comparison_table` as CSV; `csv_table.table_csv` says how to read it back."""
    return table_csv(comparison_table(a, b))
