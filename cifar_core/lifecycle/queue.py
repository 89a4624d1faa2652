"""The queue, which decides the run that may train now: files in `runs/.queue`, with no process in charge of them.

A waiting run has a ticket there, an empty file such as `000012-quiet-otter`; the lowest whose worker responds is next.
Under fair share the round of its person counts before the ticket (`fair_share/`); whether that is so is read anew each
time, so it can be switched while runs wait.
A slot is a lock (`slot-0.lock` ...) that the run's worker holds while it trains, so a worker that dies for any reason
frees it. All servers and command lines see the same files, and so the same queue. Each of these processes may be frozen
at any moment. So a waiting process holds no lock that another one needs, and checks again whether it is its turn once
it has a slot. Only a process that is frozen while it takes a ticket blocks the others; the waiting workers kill it
where it is a worker (`force_stop.free_queue`).
"""

import contextlib
import os
import re
from contextlib import ExitStack
from pathlib import Path

from cifar_core.errors import ConfigError, RunError, StorageError
from cifar_core.lifecycle.fair_share.order import fair_order, rounds_of
from cifar_core.lifecycle.fair_share.turns import (
    begun_lately,
    note_turn,
    share_of,
    share_of_person,
    waiting_runs,
)
from cifar_core.lifecycle.heartbeat import Standstill, has_worker
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import silent_since, state_by_liveness
from cifar_core.limits import ServerLimits, read_limits
from cifar_core.storage.atomic import make_folder, remove, sweep_temp, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.workspace import Workspace

_TICKET_SECONDS = 10.0
_TICKET = re.compile(r"([0-9]{6,})-([a-z0-9-]+)")


def join(folder: LifeFolder, *, timeout: float = _TICKET_SECONDS) -> None:
    """Give a run the next ticket; a run that has one keeps it.

    Args:
        folder: of the run.
        timeout: seconds to wait for another process that keeps the queue locked.

    Raises:
        StorageError: the disk refused, or another process keeps the queue locked.
    """
    if not _join(folder, timeout):
        raise StorageError(f"Another process keeps the queue locked ({ticket_lock(folder.workspace)}): try again.")


def _join(folder: LifeFolder, timeout: float = 0.0) -> bool:
    """As `join`; False where another process keeps the queue locked for longer than `timeout` seconds."""
    home = _home(folder.workspace)
    make_folder(home)
    with hold_lock(ticket_lock(folder.workspace), timeout=timeout) as held:
        if not held:
            return False
        sweep_temp(home)
        waiting = tickets(folder.workspace)
        if folder.run_id not in waiting:
            number = max(waiting.values(), default=0) + 1
            # A restart of the machine ends every wait, so a ticket need not outlive one.
            write_atomic(home / f"{number:06d}-{folder.run_id}", durable=False)
    return True


def leave(folder: LifeFolder) -> None:
    """Remove a run's ticket.

    Raises:
        StorageError: the disk refused.
    """
    number = tickets(folder.workspace).get(folder.run_id)
    if number is not None:
        remove(_home(folder.workspace) / f"{number:06d}-{folder.run_id}")


def tickets(workspace: Workspace) -> dict[str, int]:
    """The number of each waiting run's ticket, by run id; that of a dead worker may still be among them.

    Raises:
        StorageError: the queue cannot be read.
    """
    names: list[str] = []
    with storage_errors("reading the queue", to="read"), contextlib.suppress(FileNotFoundError):
        names = os.listdir(_home(workspace))
    return {found[2]: int(found[1]) for name in names if (found := _TICKET.fullmatch(name))}


def take_slot(folder: LifeFolder, held: ExitStack, standstill: Standstill) -> bool:
    """Take a free slot if it is this run's turn; `held` then holds its lock, and the ticket is removed.

    Args:
        folder: of the run.
        held: the locks of its worker.
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
            if _limits(folder.workspace).fair_share:
                note_turn(folder)
            leave(folder)
            held.push(tried.pop_all())
            return True
    return False


def ticket_lock(workspace: Workspace) -> Path:
    """The lock that a process holds briefly while it takes a ticket."""
    return _home(workspace) / "order.lock"


def slot_locks(workspace: Workspace) -> list[Path]:
    """The lock of each slot that the limits allow now."""
    return [_home(workspace) / f"slot-{number}.lock" for number in range(slots(workspace))]


def slots(workspace: Workspace) -> int:
    """How many trainings run at a time."""
    return _limits(workspace).slots


def _limits(workspace: Workspace) -> ServerLimits:
    """The limits; the defaults where `settings.json` breaks a rule, so that the queue goes on."""
    try:
        return read_limits(workspace)
    except ConfigError:
        return ServerLimits()


def round_of(folder: LifeFolder) -> int:
    """Under fair share, how many runs of the same person are ahead of this waiting one; else 0.

    Raises:
        StorageError: the queue cannot be read.
    """
    if not _limits(folder.workspace).fair_share:
        return 0
    share = share_of(folder)
    own = waiting_runs(folder.workspace, tickets(folder.workspace).items(), share)
    return rounds_of(own, begun_lately(folder.workspace, [share])).get(folder.run_id, 0)


def next_round(workspace: Workspace, person: str) -> int:
    """The round that a further run of a person would have, as `round_of`; raises StorageError."""
    if not _limits(workspace).fair_share:
        return 0
    share = share_of_person(person)
    own = waiting_runs(workspace, tickets(workspace).items(), share)
    return len(begun_lately(workspace, [share])[share] | {run.run_id for run in own})


def _in_line(workspace: Workspace, waiting: dict[str, int]) -> list[str]:
    """The ids of the waiting runs in the order of their turns; `waiting` as of `tickets`. Raises StorageError."""
    if len(waiting) > 1 and _limits(workspace).fair_share:
        runs = waiting_runs(workspace, waiting.items())
        return fair_order(runs, begun_lately(workspace, (run.person for run in runs)))
    return [run_id for _, run_id in sorted((number, run_id) for run_id, number in waiting.items())]


def is_next(folder: LifeFolder, standstill: Standstill) -> bool:
    """Whether no responding run waits before this one; removes the tickets of those before it that are dead or silent.

    A run without a ticket, because it was passed over or somebody removed the file, takes a new one.

    Args:
        folder: of the run.
        standstill: of this process.

    Raises:
        StorageError: the disk refused.
    """
    waiting = tickets(folder.workspace)
    if folder.run_id not in waiting:
        _join(folder)
        return False
    line = _in_line(folder.workspace, waiting)
    for run_id in line[: line.index(folder.run_id)]:
        other = LifeFolder(folder.path.with_name(run_id))
        waits = _is_waiting(other, standstill)
        if waits:
            return False
        if waits is not None:  # an unreadable run of another user is passed over, and its ticket stays
            leave(other)
    return True


def _is_waiting(folder: LifeFolder, standstill: Standstill) -> bool | None:
    """Whether a run waits for its turn: its worker responds, or is being started. None without permission to read that.

    After a standstill of this process no other counts as silent.
    """
    try:
        state = state_by_liveness(folder, has_worker)
    except (RunError, StorageError) as error:
        return None if isinstance(error.__cause__, PermissionError) else False
    return state.status is Status.QUEUED and (silent_since(folder, state, 0.0) is None or standstill.is_recent())


def _home(workspace: Workspace) -> Path:
    return workspace.runs / ".queue"
