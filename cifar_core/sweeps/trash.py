"""Deletes sweeps by moving them to `sweeps/.trash/`, and restores them; empties every trash of a workspace in time."""

import contextlib
import os
from dataclasses import dataclass

from cifar_core.data import empty_dataset_trash
from cifar_core.errors import ConfigError, StorageError, SweepError
from cifar_core.limits import read_limits
from cifar_core.runs import empty_trash, list_runs
from cifar_core.runs.trials.kept import keep_trial_values
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.storage.trash import Deleted, Trash
from cifar_core.sweeps.folder import SweepFolder, is_sweep_id, sweep_folder
from cifar_core.sweeps.plan_file import read_plan
from cifar_core.workspace import Workspace

_LOCK_SECONDS = 0.5  # an owner that has just ended may still hold its lock


@dataclass(frozen=True)
class DeletedSweep(Deleted):
    """A folder in the trash of sweeps."""

    @property
    def name(self) -> str:
        """The name that a person gave the sweep; the id where there is none or it cannot be read."""
        if self.problem:
            return self.id
        try:
            return read_plan(SweepFolder(self.path)).options.name or self.id
        except SweepError:
            return self.id


def delete_sweep(workspace: Workspace, sweep_id: str) -> None:
    """Move the folder of a sweep to the trash of sweeps; its runs stay as they are, ordinary runs.

    What its runs have reached is kept in it before, so that it has all values when it comes back, whatever has been
    deleted meanwhile.

    Raises:
        SweepError: no such sweep, or it is running.
        StorageError: the disk refused; the sweep is where it was.
    """
    folder = sweep_folder(workspace, sweep_id)
    folder.job.make()
    with contextlib.ExitStack() as held:
        idle = held.enter_context(hold_lock(folder.job.start_lock, timeout=_LOCK_SECONDS))
        if not idle or is_locked(folder.job.lock):
            raise SweepError(f"Sweep {sweep_id} is running: stop it first, then delete it.")
        for run in list_runs(workspace):
            if run.sweep == sweep_id and not run.active:
                keep_trial_values(workspace, run)
        if os.name != "posix":
            held.close()  # Windows cannot move a folder while a file in it is open
        _trash(workspace).take(folder.path)


def restore_sweep(workspace: Workspace, sweep_id: str) -> None:
    """Bring a deleted sweep back, unchanged.

    Args:
        workspace: where.
        sweep_id: of the sweep, and of several the one deleted last is meant; or the name of its folder in the trash.

    Raises:
        SweepError: there is none in the trash, or one of this id is here.
        StorageError: the disk refused.
    """
    trash = _trash(workspace)
    found = trash.find(sweep_id)
    if found is None:
        raise SweepError(f"There is no sweep {sweep_id[:80]!a} in the trash.")
    target = workspace.sweeps / found.id
    if os.path.lexists(target):
        raise SweepError(f"There is a sweep {found.id} here already: delete it first to bring the other one back.")
    trash.give_back(found, target)


def deleted_sweeps(workspace: Workspace) -> list[DeletedSweep]:
    """All folders in the trash: the deleted sweeps, the last deleted first, then folders with other names.

    Raises:
        StorageError: the trash cannot be read.
    """
    return [DeletedSweep(**vars(item)) for item in _trash(workspace).items()]


def empty_sweep_trash(workspace: Workspace, *, days: float = 0.0) -> int:
    """Remove for good the sweeps that were deleted `days` ago or earlier; returns how many.

    Raises:
        StorageError: the disk refused; the sweeps that are left can still be restored.
    """
    return _trash(workspace).empty(days)


def empty_old_trash(workspace: Workspace) -> None:
    """Remove for good the runs, sweeps and datasets deleted more than `trash_days` ago; called when a workspace opens.

    Removes nothing while `settings.json` breaks a rule: other functions report that. What the disk refuses to remove is
    tried again the next time.
    """
    for empty in (empty_trash, empty_sweep_trash, empty_dataset_trash):
        with contextlib.suppress(ConfigError, StorageError):
            empty(workspace, days=read_limits(workspace).trash_days)


def _trash(workspace: Workspace) -> Trash:
    return Trash(workspace.deleted_sweeps, "sweep", is_sweep_id)
