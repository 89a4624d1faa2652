"""The sample table of a run B beside the answers of a run A to the same pictures, joined by id and class name."""

import numpy as np
import pandas as pd

from cifar_core.evaluate import VERDICTS, verdicts

COMPARED_COLUMNS = ("other_predicted", "verdict")  # what `with_other_answers` adds
_VERDICT = pd.CategoricalDtype(pd.Index(VERDICTS))


def with_other_answers(table: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """The table of B with what A predicts for each picture, and what became of it from A to B.

    Args:
        table: of B, from `sample_table`; it is not changed.
        other: of A, from `sample_table`: the same pictures, in any order, with its own classes.

    Returns:
        a table with two columns more: `other_predicted`, categories as those of `table["predicted"]` and then those
        that only A knows; and `verdict`, one of `VERDICTS`. Both are missing for a picture that A does not have.
    """
    known = table["predicted"].cat.categories
    names = known.append(other["predicted"].cat.categories.difference(known, sort=False))
    places = pd.Index(other["id"]).get_indexer(pd.Index(table["id"]))
    absent = places < 0
    if len(other) == 0:
        answers = places
    else:
        answers = names.get_indexer(other["predicted"].cat.categories)[other["predicted_index"].to_numpy()[places]]
    became = verdicts(table["true_index"].to_numpy(), answers, table["predicted_index"].to_numpy())
    return table.assign(
        other_predicted=pd.Categorical.from_codes(np.where(absent, -1, answers), dtype=pd.CategoricalDtype(names)),
        verdict=pd.Categorical.from_codes(np.where(absent, -1, became), dtype=_VERDICT),
    )
