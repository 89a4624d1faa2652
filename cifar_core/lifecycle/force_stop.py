"""The process that ends workers which do not respond: `python -m cifar_core.lifecycle.force_stop --run=DIR ...`.

Every request to stop or pause a run starts this light process as well. It ends as soon as the worker has obeyed, and
does not depend on the process that made the request. A worker ends its own child (`supervise`); this module covers the
case that the worker itself is frozen.
"""

import argparse
import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cifar_core.errors import CifarCoreError, RunError
from cifar_core.lifecycle.final_status import end_as
from cifar_core.lifecycle.heartbeat import MISSED_SECONDS, UNRESPONSIVE_SECONDS, Standstill, seconds_since_beat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.lock_holders import Holder, holder_of
from cifar_core.lifecycle.queue import is_next, leave, slot_locks, ticket_lock
from cifar_core.lifecycle.requests import KILLED, persons_request
from cifar_core.lifecycle.states import ACTIVE, Status
from cifar_core.lifecycle.status import SILENT_SECONDS, read_state
from cifar_core.lifecycle.supervise import KILL_SECONDS, OBEY_SECONDS
from cifar_core.storage.locks import hold_lock, is_locked

_START_SECONDS = 1.0  # the longest this process takes to start; it counts towards the time a worker has to obey
_LOOK_SECONDS = 0.5
_LOCK_SECONDS = 3.0  # to take the locks of a killed worker
GIVE_UP_SECONDS = 60.0  # a worker that responds ends its own child, and has done so after this long
_BLOCKED_QUEUE = "Its process did not respond while it held up the queue, so it was ended: resume it to go on."


def main() -> None:
    """End the named runs, side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", required=True, action="append", type=Path)
    folders = [LifeFolder(path) for path in parser.parse_args().run]
    with ThreadPoolExecutor(len(folders)) as pool:
        list(pool.map(end_unresponsive, folders))


def end_unresponsive(folder: LifeFolder) -> None:
    """Wait until the worker of a run that was asked to end has ended; kill it where it does not respond."""
    started, standstill = time.monotonic(), Standstill()
    grace = OBEY_SECONDS + KILL_SECONDS - _START_SECONDS
    # A run may be deleted meanwhile.
    with contextlib.suppress(RunError), holder_of(folder.lock, of_run=folder.run_id) as worker:
        while worker is not None and (request := persons_request(folder)) and not worker.has_ended(_LOOK_SECONDS):
            waited = time.monotonic() - started
            is_silent = _is_silent(folder, MISSED_SECONDS, standstill)
            if waited >= grace and is_silent:
                if worker.kill():
                    _write_end(folder, request.leads_to, KILLED[request])
                return
            if waited >= grace + GIVE_UP_SECONDS:
                return


def kill_left_over_worker(folder: LifeFolder) -> None:
    """Kill the worker of a run that has ended, where it does not respond: its lock would block every other action."""
    with contextlib.suppress(RunError):
        if (
            read_state(folder).status in ACTIVE
            or not is_locked(folder.lock)
            or _seconds_since_beat(folder) <= UNRESPONSIVE_SECONDS
        ):
            return
        with holder_of(folder.lock, of_run=folder.run_id) as worker:
            if worker is not None and worker.kill():
                worker.has_ended(_LOCK_SECONDS)


def free_queue(folder: LifeFolder, standstill: Standstill) -> None:
    """Kill workers that do not respond, have no computing process, and hold a lock that others wait for.

    Those locks are the slots, where it is this run's turn, and the lock for taking a ticket, which everybody needs.

    Args:
        folder: the run that waits.
        standstill: of this process.

    Raises:
        StorageError: the disk refused.
    """
    locks = slot_locks(folder.workspace) if is_next(folder, standstill) else []
    for lock in filter(is_locked, (ticket_lock(folder.workspace), *locks)):
        with holder_of(lock) as worker:
            if worker is not None:
                _free(LifeFolder(folder.path.with_name(worker.run_id)), worker, standstill)


def _free(folder: LifeFolder, worker: Holder, standstill: Standstill) -> None:
    with contextlib.suppress(RunError):
        limit = SILENT_SECONDS if read_state(folder).status is Status.RUNNING else UNRESPONSIVE_SECONDS
        is_silent = _is_silent(folder, limit, standstill)
        if is_silent and not is_locked(folder.training_lock) and worker.kill():
            _write_end(folder, Status.INTERRUPTED, _BLOCKED_QUEUE)


def _is_silent(folder: LifeFolder, limit: float, standstill: Standstill) -> bool:
    silence = _seconds_since_beat(folder)  # before the standstill is asked: see `Standstill.is_recent`
    return not standstill.is_recent() and silence > limit


def _seconds_since_beat(folder: LifeFolder) -> float:
    state = read_state(folder)
    return seconds_since_beat(folder, state.beat if state.status is Status.QUEUED else None, taken=state.taken)


def _write_end(folder: LifeFolder, end: Status, why: str) -> None:
    """Write how a run ended whose worker was killed, unless its computing process has done so."""
    with (
        contextlib.suppress(CifarCoreError),
        hold_lock(folder.lock, timeout=_LOCK_SECONDS) as is_worker_dead,
        hold_lock(folder.training_lock, timeout=_LOCK_SECONDS) as is_child_dead,
    ):
        if is_worker_dead and is_child_dead and read_state(folder).status in ACTIVE:
            leave(folder)
            end_as(folder, end, why)


if __name__ == "__main__":
    main()
