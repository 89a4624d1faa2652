"""Start, stop, pause and resume a run, from any process: pages and commands call these functions.

A run that is started or resumed joins the queue and trains when its turn comes. Where its worker lives, and how it is
reached, is the affair of its runner (`cifar_core.lifecycle.runner`).
"""

import contextlib
from collections.abc import Iterator

from cifar_core.data import start_get
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.errors import CifarCoreError, RunError, StorageError
from cifar_core.jobs.log import log_tail
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.place import Place, write_place
from cifar_core.lifecycle.runner import Runner, runner_of, state_now
from cifar_core.lifecycle.states import ACTIVE, EndRequest, Status, require_move
from cifar_core.lifecycle.status import read_state, state_without_worker
from cifar_core.lifecycle.supervise import KILL_SECONDS, OBEY_SECONDS
from cifar_core.runs.control.admission import exclusive_run_changes, require_person_limit
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.listing import list_runs, read_run
from cifar_core.runs.records import run_config
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.storage.atomic import remove_folder, replace, temp_beside
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.workspace import Workspace

EXIT_SECONDS = 5.0  # that a process may take to exit after it has written its last status
STOP_SECONDS = OBEY_SECONDS + KILL_SECONDS + EXIT_SECONDS  # by then a run that does not obey a request has been ended


def start_run(workspace: Workspace, run_id: str, runner: Runner | None = None) -> None:
    """Queue a new run: its worker, a process that outlives this one, trains when its turn comes.

    A second call for the same run changes nothing.

    Args:
        workspace: of the run.
        run_id: of a new run.
        runner: launches its worker; None: a process of its own on this machine.

    Raises:
        RunError: no such run, or one that has been started before (`resume_run` continues it).
        StorageError: the disk refused, or the process could not be started; a new run has been removed then.
    """
    folder = run_folder(workspace, run_id)  # raises for an unknown id before a lock file is made
    runner = runner or runner_of(folder)
    with exclusive_run_changes(workspace):
        run_folder(workspace, run_id)  # it may have been deleted meanwhile
        # The inner context removes a failed run before a worker can begin; the outer one serves a run that cannot be
        # held.
        with _removed_on_failure(folder), runner.hold_idle(folder) as idle, _removed_on_failure(folder):
            is_new = not _is_started(folder, idle=idle)
            if is_new:
                runner.launch(folder)
    if is_new:
        _draw_its_pictures(folder)


def _draw_its_pictures(folder: RunFolder) -> None:
    """Have `drawn10` drawn while the processes of the run start; what goes wrong, the run meets again, and says so."""
    with contextlib.suppress(CifarCoreError):
        if run_config(folder).data.dataset == DRAWN10_NAME:
            start_get(folder.workspace, DRAWN10_NAME)


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


def remove_unstarted(workspace: Workspace, run_id: str) -> None:
    """Remove a new run that has never been started, as if it had not been made; any other run is left alone."""
    with contextlib.suppress(RunError):  # it is gone
        folder = run_folder(workspace, run_id)
        with exclusive_run_changes(workspace):
            if _is_new(folder):
                _remove_new_run(folder)


def _remove_new_run(folder: LifeFolder) -> None:
    what, gone = f"removing run {folder.run_id}", temp_beside(folder.path)
    try:
        with storage_errors(what):
            replace(folder.path, gone)  # so that a half-removed run is never read as a run
    except StorageError:
        gone = folder.path
    with contextlib.suppress(StorageError):
        remove_folder(gone, what)


def _is_started(folder: LifeFolder, *, idle: bool) -> bool:
    """Whether a run has been started already, as by the first click of a double click.

    Args:
        folder: of the run.
        idle: whether no process of it lives, and the caller holds it.

    Raises:
        RunError: it has been started, and does not wait for its worker any more.
    """
    if not idle and is_active(folder):
        return True
    state, now = read_state(folder), state_without_worker(folder).status
    if not idle or state.status is not Status.QUEUED or state.taken:
        require_move(folder.run_id, now, Status.RUNNING)
    return now is Status.QUEUED and not _is_new(folder)


def stop_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to stop after its present batch; its results are kept, and it can be resumed.

    A waiting run stops at once.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    _end_run(workspace, run_id, EndRequest.STOP)


def pause_run(workspace: Workspace, run_id: str) -> None:
    """Ask a run to write a checkpoint and end, so that its slot is free for others; `resume_run` queues it again.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    _end_run(workspace, run_id, EndRequest.PAUSE)


def _end_run(workspace: Workspace, run_id: str, request: EndRequest) -> None:
    folder = request_end(workspace, run_id, request)
    runner_of(folder).enforce([folder])


def request_end(workspace: Workspace, run_id: str, request: EndRequest) -> LifeFolder:
    """Ask a run to stop or pause, and leave it to the caller to enforce that; returns the run's folder.

    Raises:
        RunError: no such run, or it is neither running nor waiting.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    require_move(run_id, state_now(folder).status, request.leads_to)
    runner_of(folder).request(folder, request)
    return folder


def resume_run(workspace: Workspace, run_id: str, runner: Runner | None = None, *, place: Place | None = None) -> None:
    """Queue a paused, stopped, failed or interrupted run; it continues from its last checkpoint.

    Args:
        workspace: of the run.
        run_id: of the run.
        runner: as of `start_run`.
        place: where it is computed from now on, as on this machine when its cluster is gone; None: where it was. What
            the cluster may still compute of it is followed no longer.

    Raises:
        ConfigError: one of its settings, or the server's `settings.json`, breaks a rule.
        RunError: no such run; it is finished, running or waiting; an earlier process of it still computes; its settings
            were edited; it came as a .zip, or as predictions; it diverged; or its person has as many active runs as
            `runs_per_person` allows.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    require_own_network(read_run(workspace, run_id))
    run_config(folder)
    require_move(run_id, state_now(folder).status, Status.QUEUED)
    run = read_run(workspace, run_id)
    if run.from_zip:
        raise RunError(
            f"Run {run_id} came from another workspace without its checkpoint: it can be read, not resumed. "
            "Duplicate it to train it here."
        )
    if run.diverged:
        raise RunError(
            f"Run {run_id} diverged, and from its checkpoint it would diverge again: try again with a rate below "
            f"{run.config.optimizer.learning_rate:g} instead (`runs retry {run_id} --lower-rate`)."
        )
    with exclusive_run_changes(workspace):
        require_person_limit(workspace, run.person, list_runs(workspace))
        _launch_again(folder, runner or runner_of(folder), place)


def epoch_to_resume(workspace: Workspace, run_id: str) -> int | None:
    """The epoch at which `resume_run` goes on, 1-based, by the newest checkpoint; None where its name does not say it.

    Raises:
        RunError: no such run.
        StorageError: its folder may not be read.
    """
    with storage_errors(f"looking for the checkpoint of run {run_id}", to="read"):
        checkpoints = checkpoint_files(run_folder(workspace, run_id))
    if not checkpoints:
        return 1
    whole_epochs = checkpoints[0].stem.partition("-")[0]
    return int(whole_epochs) + 1 if whole_epochs.isdecimal() else None  # the only one of schema 1 has no number


def _launch_again(folder: LifeFolder, runner: Runner, place: Place | None) -> None:
    """Launch a run that ended before its last epoch, as soon as no earlier process of it is left."""
    with runner.hold_idle(folder, timeout=EXIT_SECONDS) as idle:
        if idle and state_without_worker(folder).status not in ACTIVE:
            runner.request(folder, None)
            if place is not None:
                write_place(folder, place)
            runner.launch(folder)
            return
    if idle or runner.is_alive(folder):
        raise RunError(f"Run {folder.run_id} is already being resumed.")
    raise RunError(f"An earlier process of run {folder.run_id} has not quite ended: resume it in a moment.")


def is_active(folder: LifeFolder) -> bool:
    """Whether the run trains, waits, or is being started; a caller that holds it idle gets a wrong answer."""
    return state_now(folder).status in ACTIVE


def worker_log_tail(workspace: Workspace, run_id: str, lines: int = 20) -> str:
    """The last lines that the run's processes printed, without characters that cannot be shown.

    Raises:
        RunError: no such run.
    """
    return "\n".join(log_tail(run_folder(workspace, run_id).log, lines))
