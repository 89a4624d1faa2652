"""The process of a run as others see it: start it, ask it to stop or pause, resume it, tell whether it lives.

A run's worker holds the operating system's lock on its folder for life, so a free lock means dead: no process ids are
guessed, and none is ever signalled from here. Whoever starts or resumes a run queues it: it trains when its turn comes.
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
from cifar_core.runs.control.admission import require_turn, runs_changed_by_one
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.records import run_config
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.atomic import remove, remove_folder, replace, temp_beside, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.workspace import Workspace

ENDING_SECONDS = 5.0  # between a process's last status and its end


def start_run(workspace: Workspace, run_id: str) -> None:
    """Queue a new run: its worker, a process that outlives this one, trains when its turn comes; again changes nothing.

    Raises:
        RunError: no such run, or one that has been started before (`resume_run` continues it).
        StorageError: the disk refused, or the process could not be made; a run that was new is gone then.
    """
    folder = run_folder(workspace, run_id)  # for an id that no run has not even a lock is made
    with runs_changed_by_one(workspace):
        run_folder(workspace, run_id)  # it may have been deleted meanwhile
        # Absent before a worker gets the lock that is held here; outside as well, for a lock that cannot be made.
        with _whole_or_absent(folder), hold_lock(folder.lock) as mine, _whole_or_absent(folder):
            if not _is_on_its_way(folder, mine=mine):
                _launch(folder, lambda: expect_worker(folder, here=False))


@contextlib.contextmanager
def _whole_or_absent(folder: LifeFolder) -> Iterator[None]:
    """Remove a new run that cannot be started, as if it had not been made; a rename and removing need no room."""
    try:
        yield
    except StorageError:
        with contextlib.suppress(RunError):  # it is gone, or cannot be read
            if _is_new(folder):
                _unmake(folder)
        raise


def _is_new(folder: LifeFolder) -> bool:
    """Whether a run has never been started: a start begins its log first, and one that is refused takes that back."""
    state = read_state(folder)
    has_log = folder.log.is_file() and folder.log.stat().st_size > 0
    return state.status is Status.QUEUED and not state.taken and not has_log


def _unmake(folder: LifeFolder) -> None:
    what, gone = f"removing run {folder.run_id}", temp_beside(folder.path)
    try:
        with storage_errors(what):
            replace(folder.path, gone)  # so that no part is ever taken for the whole
    except StorageError:
        gone = folder.path
    with contextlib.suppress(StorageError):
        remove_folder(gone, what)


def _is_on_its_way(folder: LifeFolder, *, mine: bool) -> bool:
    """Whether someone has started a run already, as by the first click of two.

    Raises:
        RunError: it has been started, and is not waiting for its worker any more.
    """
    state = read_state(folder)
    if not mine and state.status in ACTIVE:
        return True
    now = state_without_worker(folder).status
    if state.status is not Status.QUEUED or state.taken:
        after(folder.run_id, now, Verb.START)
    return now is Status.QUEUED and not _is_new(folder)


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to stop after its present batch; what it has so far is kept and it can be resumed. A waiting one stops at once.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    watch_over([ask_to_stop(workspace, run_id)])


def ask_to_stop(workspace: Workspace, run_id: str) -> LifeFolder:
    """As `stop_run`, but nobody sees to it that the run obeys: that is for `watch_over`; returns the run's folder."""
    folder = run_folder(workspace, run_id)
    _ask(folder, Verb.STOP)
    return folder


def pause_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to write a checkpoint and leave the machine to others; `resume_run` queues it again.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    _ask(folder, Verb.PAUSE)
    watch_over([folder])


def watch_over(folders: Sequence[LifeFolder]) -> "subprocess.Popen[bytes] | None":
    """Start the process that ends those of these runs whose workers do not respond; None where there is nothing for it to do."""
    living = [folder for folder in folders if is_locked(folder.lock)]
    if not living or not can_find_holders():
        return None
    options = [f"--run={folder.path}" for folder in living]
    with contextlib.suppress(StorageError):  # the request is on the disk: a worker that responds obeys it
        return spawn(Program.FORCE_STOP, options, Path(os.devnull))  # else its words pass for the run's
    return None


def resume_run(workspace: Workspace, run_id: str) -> None:
    """Queue a paused, stopped, failed or interrupted run; it goes on where its last checkpoint stands.

    Raises:
        ConfigError: one of its settings, or the server's `settings.json`, breaks a rule.
        RunError: no such run, finished, running or waiting already, an earlier process of it still computes, its
            settings are not those it began with, it was imported, or its person has as many runs training and waiting
            as one may have.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    run_config(folder)
    after(run_id, state_now(folder).status, Verb.RESUME)
    run = read_run(workspace, run_id)
    if run.imported:
        raise RunError(f"Run {run_id} came from another workspace without its checkpoint: it can be read, not resumed. "
                       "Duplicate it to train it here.")  # fmt: skip
    with runs_changed_by_one(workspace):
        require_turn(workspace, run.person, list_runs(workspace))
        _queue_when_quiet(folder)


def _queue_when_quiet(folder: LifeFolder) -> None:
    """Queue a run again as soon as no earlier process of it is left."""
    run_id = folder.run_id
    kill_left_over_worker(folder)
    with hold_lock(folder.lock, timeout=ENDING_SECONDS) as mine:
        if not mine:
            raise RunError(f"Run {run_id} is being resumed by someone else.")
        with hold_lock(folder.training_lock, timeout=ENDING_SECONDS) as quiet:  # nobody else may write its status now
            if not quiet:
                raise RunError(f"An earlier process of run {run_id} is just ending: resume it in a moment.")
            _queue_again(folder)


def is_alive(folder: LifeFolder) -> bool:
    """Whether the run trains, waits, or is just being started; whoever holds its lock must not ask."""
    return state_now(folder).status in ACTIVE


def worker_log_tail(workspace: Workspace, run_id: str, lines: int = 20) -> str:
    """The last lines of what the run's processes printed, fit for showing.

    Raises:
        RunError: no such run.
    """
    return "\n".join(log_tail(run_folder(workspace, run_id).log, lines))


def _queue_again(folder: LifeFolder) -> None:
    """Bring a run that was cut short back to `queued`; its locks are held here."""
    if state_without_worker(folder).status in ACTIVE:
        raise RunError(f"Run {folder.run_id} is being resumed by someone else.")
    remove(folder.stop_file)
    remove(folder.pause_file)
    leave(folder)  # the place it had is gone with its dead process: it queues behind those who wait
    _launch(folder, lambda: _queued_again(folder))


def _queued_again(folder: LifeFolder) -> None:
    if read_state(folder).status in ACTIVE:
        move(folder, Verb.INTERRUPT)  # what its dead process could not write
    move(folder, Verb.RESUME)


def _launch(folder: LifeFolder, queue: Callable[[], None]) -> None:
    """Start a worker for a run, give it a ticket, and `queue` it: its status is written last, when nothing else can fail.

    Its lock is held here. The worker waits for it, and ends without a word where the run is not queued then.

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
    # Again: whoever looked between the two has thrown its ticket away, as that of one that does not wait.
    with contextlib.suppress(StorageError):  # its worker can do so as well
        join(folder, timeout=0.0)


def _ask(folder: LifeFolder, verb: Verb) -> None:
    state = state_now(folder)
    after(folder.run_id, state.status, verb)
    write_atomic(folder.stop_file if verb is Verb.STOP else folder.pause_file)
    if state.status is Status.QUEUED and not is_locked(folder.lock):
        with hold_lock(folder.lock) as mine:  # its worker is not there yet; when it comes, it sees that it came in vain
            if mine and read_state(folder).status is Status.QUEUED:
                leave(folder)
                move(folder, verb)
