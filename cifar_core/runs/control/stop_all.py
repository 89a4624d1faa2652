"""Stop every run of a workspace, or several, and wait until all have ended; `actions.stop_run` stops a single one."""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable

from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.runner import Runner, runner_of
from cifar_core.lifecycle.states import EndRequest
from cifar_core.runs.control.actions import STOP_SECONDS, request_end
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.run import Run, Status
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace

_POLL_SECONDS = 0.1


def stop_all(workspace: Workspace, spared: Collection[str] = ()) -> list[str]:
    """Stop every running and waiting run and wait until all have ended; returns their ids.

    Args:
        workspace: where.
        spared: ids of sweeps whose trials are left to them.

    Raises:
        RunError: some did not end; the sentence names them.
        StorageError: the disk refused.
    """
    stopped, refused = _request_all(workspace, spared)
    left = before = stopped
    deadline = time.monotonic() + STOP_SECONDS
    while before and time.monotonic() < deadline:  # seen ended twice: how a killed run ended is written a moment later
        time.sleep(_POLL_SECONDS)
        left, before = [run_id for run_id in stopped if _has_not_ended(workspace, run_id)], left
    if left:
        raise RunError(
            f"Asked to stop, but still active after {STOP_SECONDS:.0f} s: {', '.join(left)}. "
            "End their processes by hand: `ps` shows each with the run's folder."
        )
    if refused:
        raise refused[0]
    return stopped


def request_stop_of_all(workspace: Workspace, spared: Collection[str] = ()) -> None:
    """Ask every running and waiting run to stop, but the trials of the sweeps `spared`; returns at once.

    Raises:
        StorageError: the disk refused for one of them; the others are asked all the same.
    """
    _, refused = _request_all(workspace, spared)
    if refused:
        raise refused[0]


def request_stop_of(workspace: Workspace, run_ids: Iterable[str]) -> None:
    """Ask these runs to stop, as `request_stop_of_all`; one that has ended meanwhile is passed over."""
    wanted = set(run_ids)
    _, refused = _request(workspace, [run for run in list_runs(workspace) if run.active and run.id in wanted])
    if refused:
        raise refused[0]


def _request_all(workspace: Workspace, spared: Collection[str]) -> tuple[list[str], list[StorageError]]:
    """Ask every active run to stop; returns the ids of those that were asked, and what the disk refused."""
    active = [run for run in list_runs(workspace) if run.active and not (run.is_trial and run.sweep in spared)]
    return _request(workspace, active)


def _request(workspace: Workspace, active: list[Run]) -> tuple[list[str], list[StorageError]]:
    """Ask these runs to stop; results as of `_request_all`."""
    active.sort(key=lambda run: run.status is not Status.QUEUED)  # waiting runs first, or the next of them would start
    requested: dict[Runner, list[LifeFolder]] = defaultdict(list)
    stopped: list[str] = []
    refused: list[StorageError] = []
    for run_id in [run.id for run in active]:
        try:
            folder = request_end(workspace, run_id, EndRequest.STOP)
            requested[runner_of(folder)].append(folder)
        except RunError:
            pass  # it ended by itself meanwhile
        except StorageError as error:  # a run of another user, for example; the other runs are still stopped
            refused.append(error)
            continue
        stopped.append(run_id)
    for runner, folders in requested.items():
        runner.enforce(folders)
    return stopped, refused


def _has_not_ended(workspace: Workspace, run_id: str) -> bool:
    """Whether a run is active, or its worker still exists."""
    try:
        folder = run_folder(workspace, run_id)
        return read_run(workspace, run_id).active or runner_of(folder).is_alive(folder)
    except RunError:
        return False  # the run was deleted or cannot be read, so nothing would tell that it has ended
