"""Which sweeps work right now, and which runs are theirs to show. Reads; writes nothing."""

import contextlib
from collections.abc import Iterable, Sequence

from cifar_core.errors import SweepError
from cifar_core.jobs.job import read_job
from cifar_core.runs import Run
from cifar_core.sweeps.folder import sweep_folders
from cifar_core.sweeps.sweep import Sweep, read_sweep
from cifar_core.workspace import Workspace


def active_sweep_ids(workspace: Workspace) -> list[str]:
    """The ids of the sweeps whose owners work or are being started, in the order of their ids.

    Only their jobs are asked, so that pages may ask every second, however many sweeps there are.

    Raises:
        StorageError: the folder of the sweeps cannot be read.
    """
    states = {folder.id: read_job(folder.job) for folder in sweep_folders(workspace)}
    return sorted(name for name, state in states.items() if state is not None and state.active)


def active_sweeps(workspace: Workspace, runs: Sequence[Run]) -> list[Sweep]:
    """The sweeps that work; `runs` are all runs.

    Raises:
        StorageError: the folder of the sweeps cannot be read.
    """
    found = []
    for name in active_sweep_ids(workspace):
        with contextlib.suppress(SweepError):  # it was deleted meanwhile, or its plan cannot be read
            found.append(read_sweep(workspace, name, runs))
    return found


def without_trials_of(runs: Iterable[Run], sweeps: Iterable[str]) -> list[Run]:
    """The runs that are no trials of these sweeps, which one row for each sweep stands for."""
    ids = frozenset(sweeps)
    return [run for run in runs if not (run.is_trial and run.sweep in ids)]
