"""Writing how a run ended even on a failing disk: into its status after a few tries, else as a line of its log."""

import time

from cifar_core.errors import StorageError
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move

RETRY_SECONDS = 1.0  # a process that ends because the disk is full often frees some space
_STEP_SECONDS = 0.1


def move_or_retry(folder: LifeFolder, end: Status, why: str, *, diverged: bool = False) -> None:
    """Make the move by which a run ends (`status.move`); where the disk refuses, try again for a moment.

    Raises:
        RunError: the run has ended already, or its status cannot be read.
        StorageError: the disk still refused, or the run's folder is gone.
    """
    until = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            move(folder, end, error=why, diverged=diverged)
        except StorageError:
            if time.monotonic() >= until:
                raise
            time.sleep(_STEP_SECONDS)
        else:
            return


def end_as(folder: LifeFolder, end: Status, why: str) -> None:
    """As `move_or_retry`; where the disk still refuses, the end goes to the run's log, where `state_now` finds it.

    Only the worker may call this, or a process that holds the worker's lock.

    Raises:
        RunError: the run has ended already, or its status cannot be read.
    """
    try:
        move_or_retry(folder, end, why)
    except StorageError:
        append_bounded(folder.log, f"\n{end_line(end, why)}\n".encode())
