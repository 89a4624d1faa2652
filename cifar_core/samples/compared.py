"""The sample table of one run beside the answers of another one to the same pictures, joined by id and class name."""

import numpy as np
import pandas as pd


def with_other_answers(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The table of a run with what another run predicts for each picture, as the column `other_predicted`.

    Args:
        table: from `sample_table`; it is not changed.
        other: from `sample_table`, of the same pictures in any order, with the same classes in any order.

    Returns:
        a table with one column more: categories as those of `table["predicted"]`, missing for a picture that `other`
        does not have.
    """
    places = pd.Index(other["id"]).get_indexer(pd.Index(table["id"]))
    own_index = table["predicted"].cat.categories.get_indexer(other["predicted"].cat.categories)
    codes = own_index[other["predicted_index"].to_numpy()[places]] if len(other) else places
    answers = pd.Categorical.from_codes(np.where(places < 0, -1, codes), dtype=table["predicted"].dtype)
    return table.assign(other_predicted=answers)
