"""An empty table for the predictions of another program: a row for each test picture of a dataset."""

import numpy as np
import pandas as pd

from cifar_core.data import Dataset
from cifar_core.export.csv_table import table_csv


def prediction_template(dataset: Dataset) -> bytes:
    """The test pictures of a dataset as CSV, to be filled in: `id`, `index` from 0, an empty `p_CLASS` of each class.

    `runs.import_predictions` reads it once every cell holds a probability.
    """
    ids = dataset.test.ids
    facts = pd.DataFrame({"id": ids.astype("O"), "index": np.arange(len(ids))})
    names = [f"p_{name}" for name in dataset.class_names]
    return table_csv(pd.concat([facts, pd.DataFrame(np.nan, index=facts.index, columns=names)], axis=1))
