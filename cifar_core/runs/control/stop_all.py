"""Stop every run of a workspace and wait until all have ended; `actions.stop_run` stops a single one."""

import contextlib
import subprocess
import time

from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.supervise import KILL_SECONDS, OBEY_SECONDS
from cifar_core.runs.control.actions import EXIT_SECONDS, request_stop, start_force_stop
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.run import Status
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.locks import is_locked
from cifar_core.workspace import Workspace

_POLL_SECONDS = 0.1
_TIMEOUT = OBEY_SECONDS + KILL_SECONDS + EXIT_SECONDS  # by then a worker has killed a training that does not respond


def stop_all(workspace: Workspace) -> list[str]:
    """Stop every running and waiting run and wait until all have ended; returns their ids.

    Raises:
        RunError: some did not end; the sentence names them.
        StorageError: the disk refused.
    """
    active = [run for run in list_runs(workspace) if run.active]
    active.sort(key=lambda run: run.status is not Status.QUEUED)  # waiting runs first, or the next of them would start
    requested: list[LifeFolder] = []
    stopped: list[str] = []
    refused: list[StorageError] = []
    for run in active:
        try:
            requested.append(request_stop(workspace, run.id))
        except RunError:
            pass  # it ended by itself meanwhile
        except StorageError as error:  # a run of another user, for example; the other runs are still stopped
            refused.append(error)
            continue
        stopped.append(run.id)
    force_stop = start_force_stop(requested)
    left, deadline = stopped, time.monotonic() + _TIMEOUT
    while left and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
        left = [run_id for run_id in left if _has_not_ended(workspace, run_id)]
    if force_stop is not None and not left:
        with contextlib.suppress(subprocess.TimeoutExpired):  # it still writes the status of the runs that it killed
            force_stop.wait(EXIT_SECONDS)
    if left:
        raise RunError(
            f"Asked to stop, but still active after {_TIMEOUT:.0f} s: {', '.join(left)}. "
            "End their processes by hand: `ps` shows each with the run's folder."
        )
    if refused:
        raise refused[0]
    return stopped


def _has_not_ended(workspace: Workspace, run_id: str) -> bool:
    """Whether a run is active, or its worker still exists."""
    try:
        return read_run(workspace, run_id).active or is_locked(run_folder(workspace, run_id).lock)
    except RunError:
        return False  # the run was deleted or cannot be read, so nothing would tell that it has ended
