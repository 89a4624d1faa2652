"""End every run of a workspace, as before the machine is needed for something else."""

import contextlib
import subprocess
import time

from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.supervise import KILL_SECONDS, OBEY_SECONDS
from cifar_core.runs.control.actions import ENDING_SECONDS, ask_to_stop, watch_over
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.run import Status
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.locks import is_locked
from cifar_core.workspace import Workspace

_LOOK_SECONDS = 0.1
_TIMEOUT = OBEY_SECONDS + KILL_SECONDS + ENDING_SECONDS  # a worker has led its child to its end by then


def stop_all(workspace: Workspace) -> list[str]:
    """Stop every running and waiting run and wait until all have ended; returns their ids.

    Raises:
        RunError: some did not end; the sentence names them.
        StorageError: the disk refused.
    """
    active = [run for run in list_runs(workspace) if run.active]
    active.sort(key=lambda run: run.status is not Status.QUEUED)  # the waiting first, or the next of them would begin
    asked: list[LifeFolder] = []
    ended: list[str] = []
    refused: list[StorageError] = []
    for run in active:
        try:
            asked.append(ask_to_stop(workspace, run.id))
        except RunError:
            pass  # it ended by itself meanwhile
        except StorageError as error:  # that of another user; the others are stopped all the same
            refused.append(error)
            continue
        ended.append(run.id)
    escalation = watch_over(asked)
    left, until = ended, time.monotonic() + _TIMEOUT
    while left and time.monotonic() < until:
        time.sleep(_LOOK_SECONDS)
        left = [run_id for run_id in left if _lives(workspace, run_id)]
    if escalation is not None and not left:
        with contextlib.suppress(subprocess.TimeoutExpired):  # it writes how those ended that it had to kill
            escalation.wait(ENDING_SECONDS)
    if left:
        raise RunError(f"Asked to stop, but still active after {_TIMEOUT:.0f} s: {', '.join(left)}. "
                       "End their processes by hand: `ps` shows each with the run's folder.")  # fmt: skip
    if refused:
        raise refused[0]
    return ended


def _lives(workspace: Workspace, run_id: str) -> bool:
    """Whether a run has not ended, or its worker has not."""
    try:
        return read_run(workspace, run_id).active or is_locked(run_folder(workspace, run_id).lock)
    except RunError:
        return False  # deleted, or unreadable and so not to be waited for
