"""The queue: who may train now. Files in `runs/.queue`, and no process in charge of them.

A run that waits has a ticket there, an empty file `000012-quiet-otter`; the lowest whose worker responds is next. A slot is
a lock (`slot-0.lock` ...) that the run's worker holds while it trains, so a worker that dies, however it dies, frees it. Any
number of servers and command lines see the same files, and so the same queue. Any of these processes may be frozen at any
moment: whoever waits holds nothing that another waits for, and looks again whose turn it is once it has a slot. Only who is
frozen in the instant of taking a ticket keeps others from taking one: of a worker, those who wait make an end (`escalation`).
"""

import contextlib
import os
import re
from contextlib import ExitStack
from pathlib import Path

from cifar_core.errors import ConfigError, StorageError
from cifar_core.lifecycle.heartbeat import Standstill
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.status import is_waiting
from cifar_core.limits import ServerLimits, read_limits
from cifar_core.storage.atomic import make_folder, remove, sweep_temp, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.workspace import Workspace

_TICKET_SECONDS = 10.0
_TICKET = re.compile(r"([0-9]{6,})-([a-z0-9-]+)")


def join(folder: LifeFolder, *, timeout: float = _TICKET_SECONDS) -> None:
    """Give a run the next ticket; one that has a ticket keeps it.

    Args:
        folder: the run's.
        timeout: seconds to wait for another process that holds the queue.

    Raises:
        StorageError: the disk refused, or the queue is held by a process that does not let go.
    """
    if not _join(folder, timeout):
        raise StorageError(f"The queue is held by another process ({ticket_lock(folder.workspace)}): try again.")


def _join(folder: LifeFolder, timeout: float = 0.0) -> bool:
    """As `join`; False where another process holds the queue for longer than `timeout` seconds."""
    home = _home(folder.workspace)
    make_folder(home)
    with hold_lock(ticket_lock(folder.workspace), timeout=timeout) as mine:
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


def take_slot(folder: LifeFolder, held: ExitStack, standstill: Standstill) -> bool:
    """Take a free slot if it is this run's turn; `held` then holds its lock, and the ticket is given back.

    Args:
        folder: the run's.
        held: of its worker.
        standstill: of this process.

    Raises:
        StorageError: the disk refused.
    """
    if not is_next(folder, standstill):
        return False
    for lock in slot_locks(folder.workspace):
        with ExitStack() as tried:
            if is_locked(lock) or not tried.enter_context(hold_lock(lock)) or not is_next(folder, standstill):
                continue
            leave(folder)
            held.push(tried.pop_all())
            return True
    return False


def ticket_lock(workspace: Workspace) -> Path:
    """The lock that is held for an instant by whoever takes a ticket."""
    return _home(workspace) / "order.lock"


def slot_locks(workspace: Workspace) -> list[Path]:
    """The lock of each slot there is now."""
    return [_home(workspace) / f"slot-{number}.lock" for number in range(slots(workspace))]


def slots(workspace: Workspace) -> int:
    """How many trainings run at a time; the default where `settings.json` breaks a rule, so that the queue moves on."""
    try:
        return read_limits(workspace).slots
    except ConfigError:
        return ServerLimits().slots


def is_next(folder: LifeFolder, standstill: Standstill) -> bool:
    """Whether no run that responds waits before this one; tickets of dead and silent ones before it are thrown away.

    One that was passed over so, or whose ticket someone removed by hand, queues anew.

    Args:
        folder: the run's.
        standstill: of this process.

    Raises:
        StorageError: the disk refused.
    """
    waiting = tickets(folder.workspace)
    if folder.run_id not in waiting:
        _join(folder)
        return False
    own = (waiting[folder.run_id], folder.run_id)
    for _, run_id in sorted(place for run_id, number in waiting.items() if (place := (number, run_id)) < own):
        other = LifeFolder(folder.path.with_name(run_id))
        waiting_too = is_waiting(other, standstill)
        if waiting_too:
            return False
        if waiting_too is not None:  # else of another user who lets nobody read it: passed over, and its ticket stays
            leave(other)
    return True


def _home(workspace: Workspace) -> Path:
    return workspace.runs / ".queue"
