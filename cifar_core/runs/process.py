"""The process of a run as others see it: start it, ask it to stop or pause, tell whether it lives.

A run's worker holds the operating system's lock on its folder for life, so a free lock means dead: no process ids are
guessed, and none is ever signalled from here.
"""

import time

from cifar_core.errors import RunError
from cifar_core.files import hold_lock, is_locked, storage_errors
from cifar_core.processes import log_tail, spawn
from cifar_core.runs.folder import RunFolder, read_status, run_folder, write_status
from cifar_core.runs.schema import ACTIVE, RESUMABLE, Progress, Status
from cifar_core.workspace import Workspace

START_SECONDS = 20.0  # a worker holds its lock within a fraction of a second; this is for very busy machines
ENDING_SECONDS = 5.0  # between a worker's last status and its end
_LAST_WORDS = 300  # characters
SESSION_MARK = (
    "-- a process of this run begins --"  # in its log, so that no one takes an earlier one's words for its own
)


def start_run(workspace: Workspace, run_id: str) -> None:
    """Start the worker of a queued run as a process of its own, which outlives this one; again changes nothing.

    Raises:
        RunError: no such run, or one that has been started before (`resume_run` continues it).
        StorageError: the process or its log could not be made.
    """
    folder = run_folder(workspace, run_id)
    status, _, _ = read_status(folder)
    if status not in ACTIVE:
        raise RunError(f"Run {run_id} is {status}: resume it, or make a new one.")
    if is_locked(folder.lock):
        return
    spawn("cifar_core.runs.worker", [f"--run-dir={folder.path}"], folder.log)


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to stop after its present batch; what it has so far is kept and it can be resumed.

    Raises:
        RunError: no such run, or it is not running.
    """
    _ask(run_folder(workspace, run_id), "stop")


def pause_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to write a checkpoint and leave the machine to others; `resume_run` continues it.

    Raises:
        RunError: no such run, or it is not running.
    """
    _ask(run_folder(workspace, run_id), "pause")


def resume_run(workspace: Workspace, run_id: str) -> None:
    """Continue a paused, stopped, failed or interrupted run where its last checkpoint stands.

    Raises:
        RunError: no such run, finished, or running already.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    if status_now(folder)[0] not in RESUMABLE:
        raise RunError(f"Run {run_id} is {status_now(folder)[0]}: only a run that was cut short can be resumed.")
    with hold_lock(folder.lock, timeout=ENDING_SECONDS) as mine:
        status, _, progress = _status_when_dead(folder)
        if not mine or status not in RESUMABLE:
            raise RunError(f"Run {run_id} is being resumed by someone else.")
        clear_requests(folder)
        write_status(folder, Status.QUEUED, progress=progress or Progress("starting"))
    spawn("cifar_core.runs.worker", [f"--run-dir={folder.path}"], folder.log)


def status_now(folder: RunFolder) -> tuple[Status, str, Progress | None]:
    """Status, error and progress as they are, not as a dead process left them.

    Raises:
        RunError: the status file cannot be read.
    """
    status, error, progress = read_status(folder)
    if status not in ACTIVE or is_locked(folder.lock):
        return status, error, progress
    return _status_when_dead(folder)


def is_alive(folder: RunFolder) -> bool:
    """Whether the run's process lives or is just being started; whoever holds its lock must not ask."""
    return status_now(folder)[0] in ACTIVE


def last_words(folder: RunFolder) -> str:
    """The last line that the run's present or last process printed, empty if it printed none."""
    lines = log_tail(folder.log, 1)
    return lines[0].strip()[:_LAST_WORDS] if lines and lines[0] != SESSION_MARK else ""


def worker_log_tail(workspace: Workspace, run_id: str, lines: int = 20) -> str:
    """The last lines of what the run's process printed.

    Raises:
        RunError: no such run.
    """
    return "\n".join(log_tail(run_folder(workspace, run_id).log, lines))


def clear_requests(folder: RunFolder) -> None:
    """Forget what was asked of an earlier process of this run."""
    with storage_errors(f"starting run {folder.path.name}"):
        folder.stop_file.unlink(missing_ok=True)
        folder.pause_file.unlink(missing_ok=True)


def _ask(folder: RunFolder, what: str) -> None:
    if not is_alive(folder):
        raise RunError(f"Run {folder.path.name} is {status_now(folder)[0]}: there is nothing to {what}.")
    with storage_errors(f"asking run {folder.path.name} to {what}"):
        (folder.stop_file if what == "stop" else folder.pause_file).touch()


def _status_when_dead(folder: RunFolder) -> tuple[Status, str, Progress | None]:
    """The status of a run whose lock is free: read after the lock was seen free, so a just finished run is believed."""
    status, error, progress = read_status(folder)
    if status not in ACTIVE:
        return status, error, progress
    if status is Status.QUEUED:
        if abs(time.time() - folder.status.stat().st_mtime) < START_SECONDS:
            return status, error, progress
        return Status.INTERRUPTED, "Its process never started; resume it to try again.", progress
    error = "Its process ended without a word: it was killed, or the machine went down. What it had logged is kept."
    return Status.INTERRUPTED, error, progress
