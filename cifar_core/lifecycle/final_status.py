"""How a run ends where the disk may refuse to keep that: in its status after a few tries, else as a line of its log."""

import time

from cifar_core.errors import StorageError
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import MOVES, Verb
from cifar_core.lifecycle.status import move, read_state

RETRY_SECONDS = 1.0  # what dies of a full disk often gives back some of it
_STEP_SECONDS = 0.1


def move_or_retry(folder: LifeFolder, verb: Verb, why: str) -> None:
    """Make the move by which a run ends, again for a moment where the disk refuses.

    Raises:
        RunError: the run has ended already, or its status cannot be read.
        StorageError: the disk went on refusing, or the run's folder is gone.
    """
    until = time.monotonic() + RETRY_SECONDS
    while True:
        try:
            move(folder, verb, error=why)
        except StorageError:
            if time.monotonic() >= until:
                raise
            time.sleep(_STEP_SECONDS)
        else:
            return


def end_as(folder: LifeFolder, verb: Verb, why: str) -> None:
    """As `move_or_retry`; where the disk goes on refusing, the run's log tells how it ended, and `state_now` believes it.

    For the worker, and whoever holds its lock in its place.

    Raises:
        RunError: the run has ended already, or its status cannot be read.
    """
    try:
        move_or_retry(folder, verb, why)
    except StorageError:
        status = MOVES[read_state(folder).status][verb]
        append_bounded(folder.log, f"\n{end_line(status, why)}\n".encode())
