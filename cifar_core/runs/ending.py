"""End every run of a workspace, as before the machine is needed for something else."""

import time

from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.supervise import KILL_SECONDS, OBEY_SECONDS
from cifar_core.runs.process import ENDING_SECONDS, stop_run
from cifar_core.runs.schema import Status
from cifar_core.runs.store import list_runs, read_run
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.1
_PATIENCE = OBEY_SECONDS + KILL_SECONDS + ENDING_SECONDS  # a worker has led its child to its end by then


def stop_all(workspace: Workspace) -> list[str]:
    """Stop every running and waiting run and wait until all have ended; returns their ids.

    Raises:
        RunError: some did not end; the sentence names them.
        StorageError: the disk refused.
    """
    active = [run for run in list_runs(workspace) if run.active]
    active.sort(key=lambda run: run.status is not Status.QUEUED)  # the waiting first, or the next of them would begin
    asked: list[str] = []
    refused: list[StorageError] = []
    for run in active:
        try:
            stop_run(workspace, run.id)
        except RunError:
            pass  # it ended by itself meanwhile
        except StorageError as error:  # that of another user; the others are stopped all the same
            refused.append(error)
            continue
        asked.append(run.id)
    left, until = asked, time.monotonic() + _PATIENCE
    while left and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        left = [run_id for run_id in left if _lives(workspace, run_id)]
    if left:
        raise RunError(f"Asked to stop, but still active after {_PATIENCE:.0f} s: {', '.join(left)}.")
    if refused:
        raise refused[0]
    return asked


def _lives(workspace: Workspace, run_id: str) -> bool:
    try:
        return read_run(workspace, run_id).active
    except RunError:
        return False  # deleted, or unreadable and so not to be waited for
