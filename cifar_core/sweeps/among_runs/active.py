"""Which sweeps work right now, and which runs are theirs to show. Reads; writes nothing."""

from collections.abc import Iterable

from cifar_core.jobs.job import read_job
from cifar_core.runs import Run
from cifar_core.sweeps.folder import sweep_folders
from cifar_core.workspace import Workspace


def active_sweep_ids(workspace: Workspace) -> list[str]:
    """The ids of the sweeps whose owners work or are being started, in the order of their ids.

    Only their jobs are asked. `sweep.py: running_sweeps` reads what they have done.

    Raises:
        StorageError: the folder of the sweeps cannot be read.
    """
    states = {folder.id: read_job(folder.job) for folder in sweep_folders(workspace)}
    return sorted(name for name, state in states.items() if state is not None and state.active)


def without_trials_of(runs: Iterable[Run], sweeps: Iterable[str]) -> list[Run]:
    """The runs that are no trials of these sweeps, which one row for each sweep stands for."""
    ids = frozenset(sweeps)
    return [run for run in runs if not (run.is_trial and run.sweep in ids)]
