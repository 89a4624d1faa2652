"""Stop everything that trains: sweeps first, whose owners would start the next run, then all other runs."""

import contextlib
import time

from cifar_core.errors import SweepError
from cifar_core.runs import request_stop_of_all, stop_all
from cifar_core.sweeps.among_runs.active import active_sweep_ids
from cifar_core.sweeps.control import stop_sweep
from cifar_core.workspace import Workspace

_OWNER_SECONDS = 30.0  # an owner that is asked waits for its runs for some 8 s and is killed after 20 s
_POLL_SECONDS = 0.1


def stop_everything(workspace: Workspace) -> tuple[list[str], list[str]]:
    """Stop every sweep and every run, and wait until all have ended; returns the ids of the sweeps and of the runs.

    The runs of a sweep pause, so that `sweep resume` takes them up again. One that has not paused by the time its
    sweep has ended is stopped like any other run.

    Raises:
        RunError: some runs did not end; the sentence names them.
        StorageError: the disk refused.
    """
    sweeps = _request_sweeps(workspace)
    stopped = stop_all(workspace, spared=sweeps)
    deadline = time.monotonic() + _OWNER_SECONDS
    while set(sweeps) & set(active_sweep_ids(workspace)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return sweeps, [*stopped, *stop_all(workspace)]


def request_stop_of_everything(workspace: Workspace) -> None:
    """Ask every sweep and every run to stop; returns at once.

    Raises:
        StorageError: the disk refused for one of them; the others are asked all the same.
    """
    request_stop_of_all(workspace, spared=_request_sweeps(workspace))


def _request_sweeps(workspace: Workspace) -> list[str]:
    """Ask the sweeps that work to stop; returns their ids."""
    asked = []
    for sweep_id in active_sweep_ids(workspace):
        with contextlib.suppress(SweepError):  # it ended by itself meanwhile
            stop_sweep(workspace, sweep_id)
            asked.append(sweep_id)
    return asked
