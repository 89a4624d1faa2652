"""The status file of a run: read as it was written, or as the run really is now; changed by legal moves only.

One process at a time writes it: the one that holds the worker's lock, or the computing process while its worker waits
for it. Times are of the monotonic clock, which nobody sets and summer time does not change. It counts from the boot of
the machine, whose id is written beside them.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace

from cifar_core.errors import RunError
from cifar_core.jobs.log import logged_end
from cifar_core.lifecycle.heartbeat import UNRESPONSIVE_SECONDS, seconds_since_beat
from cifar_core.lifecycle.life_folder import MOST_BYTES, STATUS, LifeFolder
from cifar_core.lifecycle.states import ACTIVE, MOVES, Status, TrainingProgress, require_move
from cifar_core.machine import boot_id
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.parse import parse

WORKER_START_SECONDS = 20.0  # a worker takes its lock within a fraction of a second; busy machines need longer
SILENT_SECONDS = 60.0  # a training that has written no progress for this long does not respond,
SILENT_STEPS = 10  # and for this many of its steps, where those are long
_DIVERGED = "Training diverged in epoch "  # how the error begins where the status has no field for it


@dataclass(frozen=True)
class State:
    """What the status file holds. Files of earlier versions lack the last four."""

    status: Status
    error: str = ""  # why it failed or ended early, one sentence
    progress: TrainingProgress | None = None
    boot: str = ""  # id of the machine's boot when this was written
    beat: float | None = None  # monotonic seconds when this was written
    taken: bool = False  # whether a worker has held the lock since the run was queued
    diverged: bool = False  # whether it failed because its loss or its weights were no longer numbers


def read_state(folder: LifeFolder) -> State:
    """The state as it was written, perhaps by a process that is dead now.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    try:
        content = read_json(folder.text_of(STATUS), max_bytes=MOST_BYTES[STATUS])
        progress, beat = content.get("progress"), content.get("beat")
        status, error = Status(content["status"]), str(content.get("error", ""))
        return State(
            status,
            error=error,
            progress=parse(TrainingProgress, progress) if progress else None,
            boot=str(content.get("boot", "")),
            beat=None if beat is None else float(beat),
            taken=content.get("taken") is True,
            diverged=content.get("diverged") is True or _tells_of_divergence(status, error),
        )
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"The status of run {folder.run_id} cannot be read ({error}).") from error


def state_by_liveness(folder: LifeFolder, is_alive: Callable[[LifeFolder], bool]) -> State:
    """The state as it is, not as a dead process left it; `is_alive` says whether the run's worker lives.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    before = None
    while True:
        state = read_state(folder)
        if state.status not in ACTIVE or is_alive(folder):
            return state
        if state == before:  # unchanged since before the worker was seen dead: nobody is left to change it
            break
        before = state
    return _corrected(folder, state)


def state_without_worker(folder: LifeFolder) -> State:
    """The state as it is, for a process that itself holds the run's lock, so that no worker of the run is alive.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    return _corrected(folder, read_state(folder))


def silent_since(folder: LifeFolder, state: State, step: float) -> float | None:
    """Since when an active run does not respond, in seconds since 1970; None while it does.

    A training run responds by writing its progress, a waiting one by the heartbeat of its worker.

    Args:
        folder: of the run.
        state: as it is now.
        step: seconds that one of its training steps takes, 0 where that is not known.
    """
    if state.beat is None or state.boot != boot_id():
        return None
    if state.status is Status.QUEUED:
        silence = seconds_since_beat(folder, state.beat, taken=state.taken)
        return time.time() - silence if silence > UNRESPONSIVE_SECONDS else None
    silence = time.monotonic() - state.beat
    if state.status is not Status.RUNNING or silence <= max(SILENT_SECONDS, SILENT_STEPS * step):
        return None
    return folder.status.stat().st_mtime


def write_first_status(folder: LifeFolder, epochs: int) -> None:
    """Write the first status of a run that is being created.

    Raises:
        StorageError: the disk refused.
    """
    _write(folder, State(Status.QUEUED, progress=TrainingProgress("starting", epochs=epochs)))


def write_imported_status(folder: LifeFolder) -> None:
    """Write the status of a run that is being created from imported results, which nothing will ever change.

    Raises:
        StorageError: the disk refused.
    """
    _write(folder, State(Status.FINISHED, progress=TrainingProgress("imported", epoch=1, epochs=1)))


def move(
    folder: LifeFolder,
    goal: Status,
    *,
    progress: TrainingProgress | None = None,
    error: str = "",
    diverged: bool = False,
) -> None:
    """Make a legal move; every change of a status goes through here.

    Only an end is durable: a restart of the machine ends every run that waits or trains, whichever of both was kept.

    Args:
        folder: of the run.
        goal: the status that it gets.
        progress: how far it is now; as before without it.
        error: the reason, where nobody requested the move.
        diverged: whether the reason is that the loss or the weights were no longer numbers.

    Raises:
        RunError: the move is illegal, or the status unreadable.
        StorageError: the disk refused; the old status is whole.
    """
    before = read_state(folder)
    require_move(folder.run_id, before.status, goal)
    progress = progress or before.progress
    if progress and goal in ACTIVE:
        progress = progress.before_training("starting")
    taken = before.taken and goal is not Status.QUEUED
    _write(folder, State(goal, error, progress, taken=taken, diverged=diverged), durable=goal not in ACTIVE)


def write_progress(folder: LifeFolder, progress: TrainingProgress) -> None:
    """Write how far a running run is; not durable, so a power cut may lose it.

    Raises:
        RunError: it is not running any more, or its status cannot be read.
        StorageError: the disk refused; the old status is whole.
    """
    state = read_state(folder)
    if state.status is not Status.RUNNING:
        raise RunError(f"Run {folder.run_id} has the status {state.status}: only a running one makes progress.")
    _write(folder, replace(state, progress=progress), durable=False)


def expect_worker(folder: LifeFolder, *, here: bool) -> None:
    """Write for a queued run that its worker is being started, or that it is `here`.

    Raises:
        RunError: it is not queued any more, or its status cannot be read.
        StorageError: the disk refused; the old status is whole.
    """
    state = read_state(folder)
    require_move(folder.run_id, state.status, Status.RUNNING)
    progress = state.progress or TrainingProgress("")
    phase = "waiting for its turn" if here else "starting"
    _write(folder, replace(state, taken=here, progress=progress.before_training(phase)), durable=False)


def write_queued(folder: LifeFolder) -> None:
    """Write that a worker is being started for a new run, or for one that ended or whose worker is dead.

    Raises:
        RunError: it has finished, or its status cannot be read.
        StorageError: the disk refused; the status is whole.
    """
    status = read_state(folder).status
    if status is Status.QUEUED:
        expect_worker(folder, here=False)
        return
    if status is Status.RUNNING:
        move(folder, Status.INTERRUPTED)  # its dead process could not write this
    move(folder, Status.QUEUED)


def _write(folder: LifeFolder, state: State, *, durable: bool = True) -> None:
    written = replace(state, boot=boot_id(), beat=time.monotonic())
    write_json(folder.status, asdict(written), durable=durable)


def _corrected(folder: LifeFolder, state: State) -> State:
    """What a state means while no worker of the run is alive. Its log has the end where the status file could not."""
    if state.status not in ACTIVE:
        return state
    ended_as, why = logged_end(folder.log) or ("", "")
    if ended_as in MOVES[state.status]:
        end = Status(ended_as)
        return replace(state, status=end, error=why, diverged=_tells_of_divergence(end, why))
    if _is_starting(state):
        return state
    return replace(state, status=Status.INTERRUPTED, error=_why_dead(state))


def _tells_of_divergence(status: Status, error: str) -> bool:
    """Whether the error says that the training diverged, as in a log and in a status of an earlier version."""
    return status is Status.FAILED and error.startswith(_DIVERGED)


def _is_starting(state: State) -> bool:
    """Whether the worker of a run with a free lock may still be starting."""
    if state.status is not Status.QUEUED or state.taken or state.beat is None or state.boot != boot_id():
        return False
    return 0 <= time.monotonic() - state.beat < WORKER_START_SECONDS


def _why_dead(state: State) -> str:
    if state.boot and boot_id() and state.boot != boot_id():
        return "The machine was restarted meanwhile; resume it to go on. What it had logged is kept."
    if state.status is Status.RUNNING:
        return (
            "Its process ended without giving a reason: it was killed, or the machine went down. "
            "What it had logged is kept."
        )
    if state.taken:
        return "Its process ended while it waited for its turn; resume it to queue again."
    return "Its process never started; resume it to try again."
