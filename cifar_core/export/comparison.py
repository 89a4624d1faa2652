"""Two runs or epochs on the same test pictures as a table: what each predicts, and what became of each picture."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cifar_core.evaluate import VERDICTS, verdicts
from cifar_core.export.csv_table import table_csv
from cifar_core.runs import Predictions
from cifar_core.samples import tag_texts, with_tags


def comparison_table(a: Predictions, b: Predictions, tags: Mapping[str, tuple[str, ...]]) -> pd.DataFrame:
    """One row per picture, in the order of the dataset.

    Args:
        a: predictions that `align_pair` has brought to one order with those of B.
        b: those of B.
        tags: of the pictures of their dataset, by id (`cifar_core.notes.read_tags`).

    Returns:
        the columns `id`, `true`, `predicted_a`, `predicted_b` (names of classes), `verdict` (one of `VERDICTS`),
        `tags` (in one text).
    """
    names = np.array(a.class_names, object)
    table = pd.DataFrame(
        {
            "id": a.ids,
            "true": names[a.labels],
            "predicted_a": names[a.predicted],
            "predicted_b": names[b.predicted],
            "verdict": np.array(VERDICTS, object)[verdicts(a.labels, a.predicted, b.predicted)],
        }
    )
    return table.assign(tags=tag_texts(with_tags(table, tags)))


def comparison_csv(a: Predictions, b: Predictions, tags: Mapping[str, tuple[str, ...]]) -> bytes:
    """`comparison_table` as CSV; `csv_table.table_csv` says how to read it back."""
    return table_csv(comparison_table(a, b, tags))
