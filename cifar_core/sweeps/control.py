"""Start, stop and resume a sweep, from any process; its owner is a job in the sweep's folder."""

import contextlib
import time
from dataclasses import dataclass, replace

from cifar_core.cluster.extras import require_ray
from cifar_core.config import make_config
from cifar_core.errors import StorageError, SweepError
from cifar_core.jobs.job import JobFolder, Request, cancel_job, is_alive, read_job
from cifar_core.jobs.start import start_job
from cifar_core.limits import require_room
from cifar_core.processes import Program
from cifar_core.runs.control.actions import EXIT_SECONDS
from cifar_core.runs.control.admission import run_bytes
from cifar_core.runs.control.ids import new_run_id
from cifar_core.storage.atomic import make_folder, new_folder, remove_folder
from cifar_core.sweeps.extras import HOW_TO_GET_IT, has_optuna, has_psycopg
from cifar_core.sweeps.folder import SweepFolder, sweep_folder
from cifar_core.sweeps.plan import SweepPlan
from cifar_core.sweeps.plan_file import write_plan
from cifar_core.sweeps.sweep import read_sweep
from cifar_core.text import counted
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.05
_NO_DRIVER = "A shared study needs psycopg, which is not installed: `make install EXTRAS=cluster` gets it."


@dataclass(frozen=True)
class SweepRequest(Request):
    """A sweep to be seen through: that in whose folder the job is."""


def start_sweep(workspace: Workspace, plan: SweepPlan, *, nonce: str = "") -> str:
    """Make the folder of a sweep and start its owner; returns its id. The same nonce twice makes one.

    Raises:
        SweepError, ClusterError: Optuna, or the Ray of its place, is not installed (the sentence says how to get it).
        ConfigError: one of the settings, or the server's `settings.json`, breaks a rule.
        StorageError: the disk refused, or has no room for all of the runs; there is no sweep then.
    """
    _require_packages(plan)
    runs, each = plan.options.runs, run_bytes(workspace, make_config(plan.settings))
    require_room(workspace, runs * each, f"A sweep of {counted(runs, 'run')}")
    plan = replace(plan, id=new_run_id(nonce)) if nonce else plan
    make_folder(workspace.sweeps)
    folder = SweepFolder(workspace.sweeps / plan.id)
    if folder.path.exists():
        return plan.id
    with new_folder(folder.path) as path:
        write_plan(SweepFolder(path), plan)
    try:
        start_job(folder.job, _owner_of(plan), SweepRequest("sweep"))
    except StorageError:
        with contextlib.suppress(StorageError):
            remove_folder(folder.path, "removing a sweep that could not be started")
        raise
    return plan.id


def stop_sweep(workspace: Workspace, sweep_id: str) -> None:
    """Ask a sweep to end: its runs pause with a checkpoint, and all that there is stays; `resume_sweep` goes on.

    Raises:
        SweepError: no such sweep, or it is not running.
    """
    job = sweep_job(workspace, sweep_id)
    if not is_alive(job):
        raise SweepError(f"Sweep {sweep_id} is not running: there is nothing to stop.")
    cancel_job(job)


def resume_sweep(workspace: Workspace, sweep_id: str) -> None:
    """Start the owner of a sweep again: paused, interrupted and waiting runs go on, then the rest of the plan.

    Raises:
        SweepError: no such sweep; it runs already, or is finished; Optuna is not installed.
        ClusterError: its runs are computed by Ray, which is not installed.
    """
    sweep = read_sweep(workspace, sweep_id)
    if sweep.problem:
        raise SweepError(sweep.problem)
    if sweep.status == "finished":
        raise SweepError(f"Sweep {sweep.id} is finished: there is nothing to resume. Start a new one to search on.")
    _require_packages(sweep.plan)
    job, until = sweep_job(workspace, sweep.id), time.monotonic() + EXIT_SECONDS
    while not start_job(job, _owner_of(sweep.plan), SweepRequest("sweep")):
        state = read_job(job)
        if (state is not None and state.active) or time.monotonic() >= until:
            raise SweepError(f"Sweep {sweep.id} is running already.")
        time.sleep(_LOOK_SECONDS)  # its owner has written how it ended, and takes a moment to exit


def sweep_job(workspace: Workspace, sweep_id: str) -> JobFolder:
    """The job that owns the study of a sweep.

    Raises:
        SweepError: no such sweep.
    """
    return sweep_folder(workspace, sweep_id).job


def _owner_of(plan: SweepPlan) -> Program:
    """The program that owns a sweep, by where its runs are computed."""
    return Program.RAY_SWEEP if plan.options.place.backend == "ray" else Program.SWEEP


def _require_packages(plan: SweepPlan) -> None:
    if not has_optuna():
        raise SweepError(HOW_TO_GET_IT)
    if plan.options.storage and not has_psycopg():
        raise SweepError(_NO_DRIVER)
    if plan.options.place.backend == "ray":
        require_ray()
