"""How many of several runs get each test picture wrong."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from cifar_core.errors import RunError
from cifar_core.runs.results import read_predictions
from cifar_core.runs.run import Predictions, Run
from cifar_core.runs.seeds.groups import group_of, seed_groups
from cifar_core.workspace import Workspace


def wrong_counts(workspace: Workspace, runs: Sequence[Run]) -> pd.DataFrame:
    """In how many of the runs each test picture is wrong, at the epoch that each of them reports.

    Runs whose predictions cannot be read, or are of other pictures than those of the first run, are left out, which
    `of` shows.

    Args:
        workspace: where the runs are.
        runs: measured on the same test pictures, such as `SeedGroup.measured`.

    Returns:
        one row a picture, in the order of the dataset, with its id as index: `wrong` (0 to `of`), and `of`, the
        number of runs, the same in each row; without rows where no run can be read.
    """
    first: Predictions | None = None
    wrong, readable = np.zeros(0, dtype=np.int64), 0
    for run in runs:
        try:
            found = read_predictions(workspace, run.id)
        except RunError:
            continue
        if first is None:
            first, wrong = found, np.zeros(len(found.labels), dtype=np.int64)
        if not (np.array_equal(found.ids, first.ids) and np.array_equal(found.labels, first.labels)):
            continue
        wrong += found.predicted != found.labels
        readable += 1
    ids = [] if first is None else first.ids.tolist()
    return pd.DataFrame({"wrong": wrong, "of": readable}, index=pd.Index(ids, name="id", dtype="str"))


def repeats_of(runs: Iterable[Run], run: Run) -> tuple[Run, ...]:
    """The finished runs of a run's setting, one a seed, itself among them; none where only one seed has a result.

    Args:
        runs: all runs, newest first.
        run: one of them.
    """
    group = group_of(seed_groups(runs), run.id)
    return group.measured if group is not None and len(group.measured) > 1 else ()
