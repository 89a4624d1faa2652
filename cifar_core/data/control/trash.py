"""Deletes datasets by moving them to `data/.trash/`, restores them, and removes them for good after some days."""

from cifar_core.data.catalogue import dataset_state
from cifar_core.data.store import absent_sentence, dataset_folder, dataset_lock, dataset_trash, is_saved
from cifar_core.errors import DataError
from cifar_core.storage.atomic import remove_folder
from cifar_core.storage.locks import hold_lock
from cifar_core.storage.trash import Deleted
from cifar_core.text import first_names
from cifar_core.workspace import Workspace

_LOCK_SECONDS = 0.5  # a process that has just ended may still hold the lock
_SHOWN = 80  # characters of a name that somebody typed


def delete_dataset(workspace: Workspace, name: str) -> None:
    """Move a dataset to the trash, from where `restore_dataset` brings it back; it is no longer listed at once.

    Whoever has it open, such as a run that trains on it, reads on until it ends: its files only move (Windows refuses
    to move files that are open). A run that waits fails when its turn comes, unless the dataset is back by then or is
    `drawn10`, which is drawn again.
    Where a link or a file is in the place of the folder, only that is removed, and for good.

    Raises:
        DataError: it is absent, or is being prepared right now.
        StorageError: the disk refused.
    """
    if not is_saved(workspace, name):
        raise DataError(absent_sentence(workspace, name))
    folder = dataset_folder(workspace, name)
    with hold_lock(dataset_lock(workspace, name), timeout=_LOCK_SECONDS) as acquired:
        if not acquired:
            raise DataError(f"The dataset {name} is being prepared: cancel that first.")
        if folder.is_symlink() or not folder.is_dir():
            remove_folder(folder, f"deleting {name}")
        else:
            dataset_trash(workspace).take(folder)


def restore_dataset(workspace: Workspace, name: str) -> None:
    """Move a deleted dataset back, unchanged, with its check and its words.

    Args:
        workspace: where.
        name: of the dataset, and of several the one deleted last is meant; or of its folder in the trash.

    Raises:
        DataError: there is none in the trash, or the name is taken by a dataset or an import.
        StorageError: the disk refused.
    """
    trash = dataset_trash(workspace)
    found = trash.find(name)
    if found is None:
        there = first_names([item.id for item in trash.items() if not item.problem])
        raise DataError(f"There is no deleted dataset {name[:_SHOWN]!a}; the trash has {there or 'none'}.")
    name = found.id
    if dataset_state(workspace, name).state == "found":
        raise DataError(f"An import named {name} waits for a decision on the Data page: import or dismiss it first.")
    with hold_lock(dataset_lock(workspace, name), timeout=_LOCK_SECONDS) as acquired:
        if not acquired:
            raise DataError(f"A dataset named {name} is being prepared: cancel that, or wait and delete it.")
        if is_saved(workspace, name):
            raise DataError(f"There is a dataset {name} here already: delete it first to bring the other one back.")
        trash.give_back(found, dataset_folder(workspace, name))


def find_deleted_dataset(workspace: Workspace, name: str) -> Deleted | None:
    """The dataset of this name in the trash; of several, the one deleted last; StorageError as `deleted_datasets`."""
    return dataset_trash(workspace).find(name)


def deleted_datasets(workspace: Workspace) -> list[Deleted]:
    """All folders in the trash: the deleted datasets, the last deleted first, then folders with other names.

    Raises:
        StorageError: the trash cannot be read.
    """
    return dataset_trash(workspace).items()


def empty_dataset_trash(workspace: Workspace, *, days: float = 0.0) -> int:
    """Remove for good the datasets that were deleted `days` ago or earlier; returns how many.

    Raises:
        StorageError: the disk refused; the datasets that are left can still be restored.
    """
    return dataset_trash(workspace).empty(days)
