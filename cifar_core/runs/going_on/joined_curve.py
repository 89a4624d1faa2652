"""The epochs of the runs that a run continues, for curves that show the whole training."""

from collections.abc import Mapping

import pandas as pd

from cifar_core.runs.epoch_log import read_metrics
from cifar_core.runs.run import Run
from cifar_core.workspace import Workspace


def continued_runs(run: Run, runs: Mapping[str, Run]) -> list[tuple[Run, int]]:
    """The runs that a run continues, the oldest first, each with the epoch after which it was continued.

    The list begins after the last one that is not here any more.

    Args:
        run: the run.
        runs: all runs that are here, by id.
    """
    found: list[tuple[Run, int]] = []
    while run.origin == "continued" and run.parent in runs and run.parent not in {before.id for before, _ in found}:
        epoch, run = run.parent_epoch, runs[run.parent]
        found.insert(0, (run, epoch))
    return found


def read_earlier_epochs(workspace: Workspace, run: Run, runs: Mapping[str, Run]) -> pd.DataFrame:
    """The epochs before those of a continued run, as `read_metrics`, with two columns more; no row for another run.

    `place` counts back from the run's own first epoch, which is 1: the last of these epochs is 0, the one before -1.
    `run` is the id of the run that trained it, whose own number `epoch` is.

    Raises:
        RunError: one of the runs has just been deleted.
    """
    tables = []
    for before, epoch in continued_runs(run, runs):
        metrics = read_metrics(workspace, before.id)
        tables.append(metrics[metrics["epoch"] <= epoch].assign(run=before.id))
    if not tables:
        return read_metrics(workspace, run.id).head(0).assign(run="", place=0)
    joined = pd.concat(tables, ignore_index=True)
    return joined.assign(place=range(1 - len(joined), 1))
