"""The queue: who may train now. Files in `runs/.queue`, and no process in charge of them.

A run that waits has a ticket there, an empty file `000012-quiet-otter`; the lowest whose worker responds is next. A slot is
a lock (`slot-0.lock` ...) that the run's worker holds while it trains, so a worker that dies, however it dies, frees it. Any
number of servers and command lines see the same files, and so the same queue. Any of these processes may be frozen at any
moment: whoever waits holds nothing that another waits for, and looks again whose turn it is once it has a slot.
"""

import contextlib
import os
import re
from contextlib import ExitStack
from pathlib import Path

from cifar_core.errors import ConfigError, StorageError
from cifar_core.files import hold_lock, is_locked, make_folder, remove, storage_errors, sweep_temp, write_atomic
from cifar_core.lifecycle.folder import LifeFolder
from cifar_core.lifecycle.status import waits
from cifar_core.settings import Limits, read_limits
from cifar_core.workspace import Workspace

_ORDER = "order.lock"  # held for an instant by whoever takes a ticket
_ORDER_SECONDS = 10.0
_TICKET = re.compile(r"([0-9]{6,})-([a-z0-9-]+)")


def join(folder: LifeFolder, *, patience: float = _ORDER_SECONDS) -> None:
    """Give a run the next ticket; one that has a ticket keeps it.

    Args:
        folder: the run's.
        patience: seconds to wait for another process that holds the queue.

    Raises:
        StorageError: the disk refused, or the queue is held by a process that does not let go.
    """
    if not _join(folder, patience):
        raise StorageError(f"The queue is held by another process ({_home(folder.workspace) / _ORDER}): try again.")


def _join(folder: LifeFolder, patience: float = 0.0) -> bool:
    """As `join`; False where another process holds the queue for longer than `patience` seconds."""
    home = _home(folder.workspace)
    make_folder(home)
    with hold_lock(home / _ORDER, timeout=patience) as mine:
        if not mine:
            return False
        sweep_temp(home)
        waiting = tickets(folder.workspace)
        if folder.run_id not in waiting:
            number = max(waiting.values(), default=0) + 1
            write_atomic(home / f"{number:06d}-{folder.run_id}", durable=False)  # no waiting run outlives the machine
    return True


def leave(folder: LifeFolder) -> None:
    """Give a run's ticket back.

    Raises:
        StorageError: the disk refused.
    """
    number = tickets(folder.workspace).get(folder.run_id)
    if number is not None:
        remove(_home(folder.workspace) / f"{number:06d}-{folder.run_id}")


def tickets(workspace: Workspace) -> dict[str, int]:
    """The number of each waiting run's ticket, by run id; a dead worker's may still be among them.

    Raises:
        StorageError: the queue cannot be read.
    """
    names: list[str] = []
    with storage_errors("reading the queue", to="read"), contextlib.suppress(FileNotFoundError):
        names = os.listdir(_home(workspace))
    return {found[2]: int(found[1]) for name in names if (found := _TICKET.fullmatch(name))}


def take_slot(folder: LifeFolder, held: ExitStack) -> bool:
    """Take a free slot if it is this run's turn; `held` then holds its lock, and the ticket is given back.

    Raises:
        StorageError: the disk refused.
    """
    if not is_next(folder):
        return False
    for lock in slot_locks(folder.workspace):
        with ExitStack() as tried:
            if is_locked(lock) or not tried.enter_context(hold_lock(lock)) or not is_next(folder):
                continue
            leave(folder)
            held.push(tried.pop_all())
            return True
    return False


def slot_locks(workspace: Workspace) -> list[Path]:
    """The lock of each slot there is now."""
    return [_home(workspace) / f"slot-{number}.lock" for number in range(slots(workspace))]


def slots(workspace: Workspace) -> int:
    """How many trainings run at a time; the default where `settings.json` breaks a rule, so that the queue moves on."""
    try:
        return read_limits(workspace).slots
    except ConfigError:
        return Limits().slots


def is_next(folder: LifeFolder) -> bool:
    """Whether no run that responds waits before this one; tickets of dead and silent ones before it are thrown away.

    One that was passed over so, or whose ticket someone removed by hand, queues anew.

    Raises:
        StorageError: the disk refused.
    """
    waiting = tickets(folder.workspace)
    if folder.run_id not in waiting:
        _join(folder)
        return False
    for run_id in sorted(waiting, key=lambda name: waiting[name]):
        if run_id == folder.run_id:
            return True
        other = LifeFolder(folder.path.with_name(run_id))
        waiting_too = waits(other)
        if waiting_too:
            return False
        if waiting_too is not None:  # else of another user who lets nobody read it: passed over, and its ticket stays
            leave(other)
    return False


def _home(workspace: Workspace) -> Path:
    return workspace.runs / ".queue"
