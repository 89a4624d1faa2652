"""Start, stop, pause and resume a run, from any process: pages and commands call these functions.

A run's worker holds a lock of the operating system on the run's folder for as long as it exists, so a free lock means
that the worker is dead; no process is identified or signalled by its id here. A run that is started or resumed joins
the queue and trains when its turn comes.
"""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from cifar_core.errors import RunError, StorageError
from cifar_core.jobs.log import begin_session, log_tail, take_back_session
from cifar_core.lifecycle.force_stop import kill_left_over_worker
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.lock_holders import can_find_holders
from cifar_core.lifecycle.queue import join, leave
from cifar_core.lifecycle.states import ACTIVE, Status, Verb, after
from cifar_core.lifecycle.status import expect_worker, move, read_state, state_now, state_without_worker
from cifar_core.processes import Program, spawn
from cifar_core.runs.control.admission import exclusive_run_changes, require_person_limit
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.records import run_config
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.atomic import remove, remove_folder, replace, temp_beside, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.workspace import Workspace

EXIT_SECONDS = 5.0  # that a process may take to exit after it has written its last status


def start_run(workspace: Workspace, run_id: str) -> None:
    """Queue a new run: its worker, a process that outlives this one, trains when its turn comes.

    A second call for the same run changes nothing.

    Raises:
        RunError: no such run, or one that has been started before (`resume_run` continues it).
        StorageError: the disk refused, or the process could not be started; a new run has been removed then.
    """
    folder = run_folder(workspace, run_id)  # raises for an unknown id before a lock file is made
    with exclusive_run_changes(workspace):
        run_folder(workspace, run_id)  # it may have been deleted meanwhile
        # The inner context removes a failed run before a worker can get the lock; the outer one serves a lock that
        # cannot be made.
        with _removed_on_failure(folder), hold_lock(folder.lock) as acquired, _removed_on_failure(folder):
            if not _is_started(folder, acquired=acquired):
                _launch(folder, lambda: expect_worker(folder, here=False))


@contextlib.contextmanager
def _removed_on_failure(folder: LifeFolder) -> Iterator[None]:
    """Remove a new run that cannot be started, as if it had not been made; this works on a full disk, too."""
    try:
        yield
    except StorageError:
        with contextlib.suppress(RunError):  # it is gone, or cannot be read
            if _is_new(folder):
                _remove_new_run(folder)
        raise


def _is_new(folder: LifeFolder) -> bool:
    """Whether a run has never been started: a start first writes to the log, and a refused start removes that again."""
    state = read_state(folder)
    has_log = folder.log.is_file() and folder.log.stat().st_size > 0
    return state.status is Status.QUEUED and not state.taken and not has_log


def _remove_new_run(folder: LifeFolder) -> None:
    what, gone = f"removing run {folder.run_id}", temp_beside(folder.path)
    try:
        with storage_errors(what):
            replace(folder.path, gone)  # so that a half-removed run is never read as a run
    except StorageError:
        gone = folder.path
    with contextlib.suppress(StorageError):
        remove_folder(gone, what)


def _is_started(folder: LifeFolder, *, acquired: bool) -> bool:
    """Whether a run has been started already, as by the first click of a double click.

    Args:
        folder: of the run.
        acquired: whether the caller holds the lock of the run's worker.

    Raises:
        RunError: it has been started, and does not wait for its worker any more.
    """
    state = read_state(folder)
    if not acquired and state.status in ACTIVE:
        return True
    now = state_without_worker(folder).status
    if state.status is not Status.QUEUED or state.taken:
        after(folder.run_id, now, Verb.START)
    return now is Status.QUEUED and not _is_new(folder)


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to stop after its present batch; its results are kept, and it can be resumed.

    A waiting run stops at once.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    start_force_stop([request_stop(workspace, run_id)])


def request_stop(workspace: Workspace, run_id: str) -> LifeFolder:
    """As `stop_run`, but without the process that ends a run which does not respond; returns the run's folder."""
    folder = run_folder(workspace, run_id)
    _request(folder, Verb.STOP)
    return folder


def pause_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to write a checkpoint and end, so that its slot is free for others; `resume_run` queues it again.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    _request(folder, Verb.PAUSE)
    start_force_stop([folder])


def start_force_stop(folders: Sequence[LifeFolder]) -> "subprocess.Popen[bytes] | None":
    """Start the process that ends those of these runs whose workers do not respond; None where no worker exists."""
    active = [folder for folder in folders if is_locked(folder.lock)]
    if not active or not can_find_holders():
        return None
    options = [f"--run={folder.path}" for folder in active]
    with contextlib.suppress(StorageError):  # a worker that responds obeys the request on the disk without this process
        return spawn(Program.FORCE_STOP, options, Path(os.devnull))  # its output must not go into the log of a run
    return None


def resume_run(workspace: Workspace, run_id: str) -> None:
    """Queue a paused, stopped, failed or interrupted run; it continues from its last checkpoint.

    Raises:
        ConfigError: one of its settings, or the server's `settings.json`, breaks a rule.
        RunError: no such run; it is finished, running or waiting; an earlier process of it still computes; its settings
            were edited; it was imported; or its person has as many active runs as `runs_per_person` allows.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    run_config(folder)
    after(run_id, state_now(folder).status, Verb.RESUME)
    run = read_run(workspace, run_id)
    if run.imported:
        raise RunError(
            f"Run {run_id} came from another workspace without its checkpoint: it can be read, not resumed. "
            "Duplicate it to train it here."
        )
    with exclusive_run_changes(workspace):
        require_person_limit(workspace, run.person, list_runs(workspace))
        _queue_when_idle(folder)


def _queue_when_idle(folder: LifeFolder) -> None:
    """Queue a run again as soon as no earlier process of it is left."""
    run_id = folder.run_id
    kill_left_over_worker(folder)
    with hold_lock(folder.lock, timeout=EXIT_SECONDS) as acquired:
        if not acquired:
            raise RunError(f"Run {run_id} is already being resumed.")
        with hold_lock(folder.training_lock, timeout=EXIT_SECONDS) as idle:  # no other process may write its status now
            if not idle:
                raise RunError(f"An earlier process of run {run_id} has not quite ended: resume it in a moment.")
            _queue_again(folder)


def is_alive(folder: LifeFolder) -> bool:
    """Whether the run trains, waits, or is being started; a caller that holds the run's lock gets a wrong answer."""
    return state_now(folder).status in ACTIVE


def worker_log_tail(workspace: Workspace, run_id: str, lines: int = 20) -> str:
    """The last lines that the run's processes printed, without characters that cannot be shown.

    Raises:
        RunError: no such run.
    """
    return "\n".join(log_tail(run_folder(workspace, run_id).log, lines))


def _queue_again(folder: LifeFolder) -> None:
    """Move a run that ended before its last epoch back to `queued`; the caller holds its locks."""
    if state_without_worker(folder).status in ACTIVE:
        raise RunError(f"Run {folder.run_id} is already being resumed.")
    remove(folder.stop_file)
    remove(folder.pause_file)
    leave(folder)  # a ticket of its dead process is void: the run queues behind those that wait
    _launch(folder, lambda: _write_queued(folder))


def _write_queued(folder: LifeFolder) -> None:
    if read_state(folder).status in ACTIVE:
        move(folder, Verb.INTERRUPT)  # its dead process could not write this
    move(folder, Verb.RESUME)


def _launch(folder: LifeFolder, queue: Callable[[], None]) -> None:
    """Start a worker for a run, give it a ticket, and last call `queue`, which writes its status.

    The caller holds the run's lock. The worker waits for that lock, and exits silently where the run is not queued
    then.

    Raises:
        StorageError: the disk or the system refused; the run's status is as it was.
    """
    before = begin_session(folder.log)
    try:
        spawn(Program.WORKER, [f"--run-dir={folder.path}"], folder.log)
        join(folder)
        queue()
    except StorageError:
        with contextlib.suppress(StorageError):
            leave(folder)
        take_back_session(folder.log, before)
        raise
    # A second time, because a process that read the queue before the status was written has removed the ticket as void.
    with contextlib.suppress(StorageError):  # the worker takes a ticket itself where this fails
        join(folder, timeout=0.0)


def _request(folder: LifeFolder, verb: Verb) -> None:
    state = state_now(folder)
    after(folder.run_id, state.status, verb)
    write_atomic(folder.stop_file if verb is Verb.STOP else folder.pause_file)
    if state.status is Status.QUEUED and not is_locked(folder.lock):
        with hold_lock(folder.lock) as acquired:  # its worker has not begun yet; when it does, it finds the new status
            if acquired and read_state(folder).status is Status.QUEUED:
                leave(folder)
                move(folder, verb)
