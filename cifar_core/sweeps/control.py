"""Start, stop and resume a sweep, from any process; its owner is a job in the sweep's folder."""

from cifar_core.jobs.job import JobFolder
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.workspace import Workspace


def start_sweep(workspace: Workspace, plan: SweepPlan, *, nonce: str = "") -> str:
    """Make the folder of a sweep and start its owner; returns its id. The same nonce twice makes one.

    Raises:
        SweepError: Optuna is not installed (the sentence says how to get it).
        StorageError: the disk refused; there is no sweep then.
    """
    raise NotImplementedError


def stop_sweep(workspace: Workspace, sweep_id: str) -> None:
    """Ask a sweep to end: its runs pause with a checkpoint, and all that there is stays; `resume_sweep` goes on.

    Raises:
        SweepError: no such sweep, or it is not running.
    """
    raise NotImplementedError


def resume_sweep(workspace: Workspace, sweep_id: str) -> None:
    """Start the owner of a sweep again: paused, interrupted and waiting runs go on, then the rest of the plan.

    Raises:
        SweepError: no such sweep; it runs already, or is finished; Optuna is not installed.
    """
    raise NotImplementedError


def sweep_job(workspace: Workspace, sweep_id: str) -> JobFolder:
    """The job that owns the study of a sweep."""
    raise NotImplementedError
