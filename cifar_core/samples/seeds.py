"""Columns of the sample table that no predictions of one run give: how its repeats with other seeds answer."""

import pandas as pd

from cifar_core.runs import Run, list_runs, repeats_of, wrong_counts
from cifar_core.workspace import Workspace

# In exported tables, where the sample table has them: wrong in `wrong_in` of `wrong_of` runs that differ in the seed.
WRONG_COLUMNS = ("wrong_in", "wrong_of")


def with_seeds(workspace: Workspace, run: Run, table: pd.DataFrame) -> pd.DataFrame:
    """The sample table of a run's test pictures with every column of `WRONG_COLUMNS` that can be known of them.

    Raises:
        StorageError: the folder of the runs cannot be read.
    """
    repeats = repeats_of(list_runs(workspace), run)
    return with_wrong_counts(table, wrong_counts(workspace, repeats)) if repeats else table


def with_wrong_counts(table: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """The sample table with in how many of several runs each picture is wrong.

    Args:
        table: from `sample_table`; it is not changed.
        counts: from `wrong_counts`, of the same pictures in the same order.

    Returns:
        a table with the columns `wrong_in` and `wrong_of`; `table` itself where there are no counts of its pictures
        over two runs.
    """
    if len(counts) != len(table) or counts.empty or counts["of"].iloc[0] < 2:
        return table
    return table.assign(wrong_in=counts["wrong"].to_numpy(), wrong_of=counts["of"].to_numpy())
