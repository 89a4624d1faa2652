"""Deletes runs by moving them to the workspace's `trash/`, restores them, and removes them for good after some days.

The folder of a deleted run is named by the time of the deletion and its id: `20261125-152931-123-quiet-otter-7f3a`.
So deleting and restoring are one rename each, and there is no index that could disagree with the folders.
"""

import contextlib
import datetime
import errno
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import ConfigError, RunError, StorageError
from cifar_core.lifecycle.runner import runner_of, state_now
from cifar_core.lifecycle.states import ACTIVE
from cifar_core.lifecycle.status import State, state_without_worker
from cifar_core.limits import read_limits
from cifar_core.runs.about import read_about
from cifar_core.runs.control.actions import EXIT_SECONDS
from cifar_core.runs.control.admission import exclusive_run_changes
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.runs.run_folder import RunFolder, is_run_id, run_folder
from cifar_core.storage.atomic import TEMP_MARK, remove, remove_folder, replace, subfolders, sync_folder, temp_beside
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_types import moment_of
from cifar_core.text import one_line
from cifar_core.workspace import Workspace

_NAME = re.compile(r"(\d{8}-\d{6}-\d{3})-(.+)", re.ASCII)
_TIME_FORMAT = "%Y%m%d-%H%M%S-"
_NEVER = datetime.datetime.min.replace(tzinfo=datetime.UTC)
_FIRST_YEAR = 2026  # of this program: an earlier date comes from a clock that was not set
_TRIES = 1000  # of names, whose times are a millisecond apart


@dataclass(frozen=True)
class DeletedRun:
    """A folder in the trash: a deleted run, or something else, as its `problem` says."""

    id: str
    deleted: datetime.datetime | None  # UTC; None where the folder's name has no possible time
    path: Path
    problem: str = ""  # why it is not a deleted run; it can then be neither restored nor removed by this program

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

    Where a symbolic link is in the place of a run's folder, only the link is removed.

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
        with storage_errors(f"deleting run {run_id}"):
            replace(folder.path, _free_name(workspace, run_id))
            sync_folder(workspace.trash)
            sync_folder(workspace.runs)


def restore_run(workspace: Workspace, run_id: str) -> None:
    """Move a deleted run back to the runs, unchanged; of several with the same id, the one deleted last.

    Raises:
        RunError: there is none in the trash, or a run of this id is here.
        StorageError: the disk refused.
    """
    found = find_deleted(workspace, run_id)
    if found is None:
        raise RunError(f"There is no run {_shown(run_id)} in the trash: `runs trash` lists what there is.")
    target = workspace.runs / found.id
    if os.path.lexists(target):
        raise RunError(f"There is a run {found.id} here already: delete it first to bring the other one back.")
    with storage_errors(f"bringing run {found.id} back"):
        replace(found.path, target)
        sync_folder(workspace.runs)
        sync_folder(workspace.trash)


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
    return sorted(
        _entries(workspace), key=lambda item: (not item.problem, item.deleted or _NEVER, item.id), reverse=True
    )


def empty_trash(workspace: Workspace, *, days: float = 0.0) -> int:
    """Remove for good the runs that were deleted `days` ago or earlier; returns how many.

    With 0 days these are all deleted runs, including those whose time is unknown or in the future.

    Raises:
        StorageError: the disk refused; the runs that are left can still be restored.
    """
    limit = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    runs = [item for item in list_trash(workspace) if not item.problem]
    old = [item for item in runs if not days or (item.deleted is not None and item.deleted <= limit)]
    refused: list[StorageError] = []
    for item in old:
        try:
            _remove(item)
        except StorageError as error:  # the other runs are still removed
            refused.append(error)
    if refused:
        raise refused[0]
    return len(old)


def _remove(item: DeletedRun) -> None:
    what = f"removing the deleted run {item.id}"
    with storage_errors(what), contextlib.suppress(FileNotFoundError):
        gone = temp_beside(item.path)
        replace(item.path, gone)  # so that a half-removed run is never restored
        rights = os.R_OK | os.W_OK | os.X_OK
        denied = next((place for place, _, _ in os.walk(gone) if not os.access(place, rights)), None)
        if denied is not None:  # a folder of another user: put it back whole
            replace(gone, item.path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), denied)
        remove_folder(gone, what)


def empty_old_trash(workspace: Workspace) -> None:
    """Remove for good the runs that were deleted more than `trash_days` ago; called when a workspace is opened.

    Removes nothing while `settings.json` breaks a rule: other functions report that. What the disk refuses to remove is
    tried again the next time.
    """
    with contextlib.suppress(ConfigError, StorageError):
        empty_trash(workspace, days=read_limits(workspace).trash_days)


def _entries(workspace: Workspace) -> Iterator[DeletedRun]:
    for name in subfolders(workspace.trash):
        if name.startswith(TEMP_MARK):  # being removed for good
            continue
        match, path = _NAME.fullmatch(name), workspace.trash / name
        if match is None or not is_run_id(match[2]):
            problem = "Not a deleted run: the name of its folder has no date. It is left alone."
            yield DeletedRun(name, None, path, problem)
        else:
            yield DeletedRun(match[2], _time_of(match[1]), path)


def _time_of(text: str) -> datetime.datetime | None:
    """When a run was deleted, from the name of its folder; None where the name has no possible time."""
    try:
        found = datetime.datetime.strptime(f"{text}000", f"{_TIME_FORMAT}%f").replace(tzinfo=datetime.UTC)
        return moment_of(found.isoformat()) if found.year >= _FIRST_YEAR else None
    except ValueError:
        return None


def _free_name(workspace: Workspace, run_id: str) -> Path:
    """A free name in the trash for a run that is deleted now."""
    now = datetime.datetime.now(datetime.UTC)
    for number in range(_TRIES):
        moment = now + datetime.timedelta(milliseconds=number)
        path = workspace.trash / f"{moment:{_TIME_FORMAT}}{moment.microsecond // 1000:03d}-{run_id}"
        if not os.path.lexists(path):
            return path
    raise RunError(f"Run {run_id} was deleted too often within a second: try again.")


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
