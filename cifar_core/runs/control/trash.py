"""Deletes runs by moving them to the workspace's `trash/`, restores them, and removes them for good after some days."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from cifar_core.errors import RunError
from cifar_core.lifecycle.runner import runner_of, state_now
from cifar_core.lifecycle.states import ACTIVE
from cifar_core.lifecycle.status import State, state_without_worker
from cifar_core.runs.about import read_about
from cifar_core.runs.control.actions import EXIT_SECONDS
from cifar_core.runs.control.admission import exclusive_run_changes
from cifar_core.runs.listing import read_run_or_problem
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.runs.run_folder import RunFolder, is_run_id, run_folder
from cifar_core.runs.trials.kept import keep_trial_values
from cifar_core.storage.atomic import remove
from cifar_core.storage.trash import Deleted, Trash
from cifar_core.text import one_line
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class DeletedRun(Deleted):
    """A folder in the trash of runs."""

    @property
    def name(self) -> str:
        """The name that a person gave the run; the id where there is none or it cannot be read."""
        if self.problem:
            return self.id
        try:
            return one_line(read_about(RunFolder(self.path)).get("name") or "", MAX_RUN_NAME) or self.id
        except RunError:
            return self.id


def delete_run(workspace: Workspace, run_id: str) -> None:
    """Move a run to the trash, from where `restore_run` brings it back.

    The values of a trial stay in its sweep, as those of a deleted run. Where a symbolic link is in the place of a run's
    folder, only the link is removed.

    Raises:
        RunError: no such run, or it is running.
        StorageError: the disk refused.
    """
    link = workspace.runs / run_id if is_run_id(run_id) else None
    if link is not None and link.is_symlink():
        remove(link)
        return
    run_folder(workspace, run_id)  # raises for an unknown id before a lock file is made
    with exclusive_run_changes(workspace), contextlib.ExitStack() as held:
        folder = run_folder(workspace, run_id)  # it may have been deleted meanwhile
        if _is_busy(folder, held):
            if _is_active(folder, state_now):
                raise RunError(f"Run {run_id} is running: stop it first, then delete it.")
            raise RunError(f"A process still works with run {run_id}: cancel it or wait for its end, then delete it.")
        if os.name != "posix":
            held.close()  # Windows cannot move a folder while a file in it is open
        keep_trial_values(workspace, read_run_or_problem(folder))
        _trash(workspace).take(folder.path)


def restore_run(workspace: Workspace, run_id: str) -> None:
    """Move a deleted run back to the runs, unchanged.

    Args:
        workspace: where.
        run_id: of the run, and of several the one deleted last is meant; or the name of its folder in the trash.

    Raises:
        RunError: there is none in the trash, or a run of this id is here.
        StorageError: the disk refused.
    """
    found = _trash(workspace).find(run_id)
    if found is None:
        raise RunError(f"There is no run {_shown(run_id)} in the trash: `runs trash` lists what there is.")
    target = workspace.runs / found.id
    if os.path.lexists(target):
        raise RunError(f"There is a run {found.id} here already: delete it first to bring the other one back.")
    _trash(workspace).give_back(found, target)


def find_deleted(workspace: Workspace, run_id: str) -> DeletedRun | None:
    """The run with this id in the trash; of several, the one deleted last.

    Raises:
        StorageError: the trash cannot be read.
    """
    return next((item for item in list_trash(workspace) if item.id == run_id and not item.problem), None)


def list_trash(workspace: Workspace) -> list[DeletedRun]:
    """All folders in the trash: the deleted runs, the last deleted first, then folders with other names.

    Raises:
        StorageError: the trash cannot be read.
    """
    return [DeletedRun(**vars(item)) for item in _trash(workspace).items()]


def empty_trash(workspace: Workspace, *, days: float = 0.0) -> int:
    """Remove for good the runs that were deleted `days` ago or earlier; returns how many.

    With 0 days these are all deleted runs, including those whose time is unknown or in the future.

    Raises:
        StorageError: the disk refused; the runs that are left can still be restored.
    """
    return _trash(workspace).empty(days)


def _trash(workspace: Workspace) -> Trash:
    return Trash(workspace.trash, "run", is_run_id)


def _is_busy(folder: RunFolder, held: contextlib.ExitStack) -> bool:
    """Whether a process works on a run or is about to; otherwise `held` now keeps it idle, so that none can."""
    if _is_active(folder, state_now):
        return True
    # A process that has just written its last status takes a moment to exit.
    if not held.enter_context(runner_of(folder).hold_idle(folder, timeout=EXIT_SECONDS)):
        return True
    return _is_active(folder, state_without_worker)


def _is_active(folder: RunFolder, state_of: Callable[[RunFolder], State]) -> bool:
    try:
        return state_of(folder).status in ACTIVE
    except RunError:  # its status cannot be read: the caller decides by its processes
        return False


def _shown(run_id: str) -> str:
    return repr(run_id) if len(run_id) <= 80 else repr(run_id[:80]) + "…"
