"""The process of a run as others see it: start it, ask it to stop or pause, resume it, tell whether it lives.

A run's worker holds the operating system's lock on its folder for life, so a free lock means dead: no process ids are
guessed, and none is ever signalled from here. Whoever starts or resumes a run queues it: it trains when its turn comes.
"""

from cifar_core.errors import RunError, StorageError
from cifar_core.files import hold_lock, is_locked, remove, write_atomic
from cifar_core.lifecycle.folder import LifeFolder
from cifar_core.lifecycle.queue import join, leave
from cifar_core.lifecycle.states import ACTIVE, Status, Verb, after
from cifar_core.lifecycle.status import expect_worker, move, read_state, state_now, state_without_worker
from cifar_core.processes import log_tail, spawn
from cifar_core.runs.allowance import one_at_a_time, require_turn
from cifar_core.runs.facts import run_config
from cifar_core.runs.folder import run_folder
from cifar_core.runs.store import list_runs, read_run
from cifar_core.workspace import Workspace

ENDING_SECONDS = 5.0  # between a process's last status and its end


def start_run(workspace: Workspace, run_id: str) -> None:
    """Queue a new run: its worker, a process that outlives this one, trains when its turn comes; again changes nothing.

    Raises:
        RunError: no such run, or one that has been started before (`resume_run` continues it).
        StorageError: the process or its log could not be made; the run is then `failed`.
    """
    run_folder(workspace, run_id)  # for an id that no run has not even a lock is made
    with one_at_a_time(workspace):
        folder = run_folder(workspace, run_id)  # it may have been deleted meanwhile
        with hold_lock(folder.lock) as mine:
            state = read_state(folder)
            if not mine and state.status in ACTIVE:
                return
            if state.status is not Status.QUEUED or state.taken:
                after(run_id, state_without_worker(folder).status, Verb.START)
            expect_worker(folder, here=False)
    _launch(folder)


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to stop after its present batch; what it has so far is kept and it can be resumed. A waiting one stops at once.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    _ask(run_folder(workspace, run_id), Verb.STOP)


def pause_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to write a checkpoint and leave the machine to others; `resume_run` queues it again.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    _ask(run_folder(workspace, run_id), Verb.PAUSE)


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
    with one_at_a_time(workspace):
        require_turn(workspace, run.person, list_runs(workspace))
        _queue_when_quiet(folder)
    _launch(folder)


def _queue_when_quiet(folder: LifeFolder) -> None:
    """Queue a run again as soon as no earlier process of it is left."""
    run_id = folder.run_id
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
    if read_state(folder).status in ACTIVE:
        move(folder, Verb.INTERRUPT)  # what its dead process could not write
    remove(folder.stop_file)
    remove(folder.pause_file)
    leave(folder)  # the place it had is gone with its dead process: it queues behind those who wait
    move(folder, Verb.RESUME)


def _launch(folder: LifeFolder) -> None:
    """Give a queued run a ticket and start its worker."""
    try:
        join(folder)
        spawn("cifar_core.lifecycle.worker", [f"--run-dir={folder.path}"], folder.log)
    except StorageError as error:
        with hold_lock(folder.lock) as mine:  # a second click may have failed where the first brought a worker
            if mine and read_state(folder).status is Status.QUEUED:
                leave(folder)
                move(folder, Verb.FAIL, error=str(error))
        raise


def _ask(folder: LifeFolder, verb: Verb) -> None:
    state = state_now(folder)
    after(folder.run_id, state.status, verb)
    write_atomic(folder.stop_file if verb is Verb.STOP else folder.pause_file)
    if state.status is Status.QUEUED and not is_locked(folder.lock):
        with hold_lock(folder.lock) as mine:  # its worker is not there yet; when it comes, it sees that it came in vain
            if mine and read_state(folder).status is Status.QUEUED:
                leave(folder)
                move(folder, verb)
