"""The status file of a run: read as it was written, or as it really is now; changed by legal moves only.

One process at a time writes it: whoever holds the worker's lock, or the computing process while its worker waits for it.
Times are of the system's monotonic clock, which neither a person nor summer time sets, and which counts from the boot
that is written beside it.
"""

import time
from dataclasses import asdict, dataclass, replace

from cifar_core.errors import RunError, StorageError
from cifar_core.jobs.log import logged_end
from cifar_core.lifecycle.heartbeat import UNRESPONSIVE_SECONDS, Standstill, seconds_since_beat
from cifar_core.lifecycle.life_folder import MOST_BYTES, STATUS, LifeFolder
from cifar_core.lifecycle.states import ACTIVE, MOVES, Status, TrainingProgress, Verb, after
from cifar_core.machine import boot_id
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.locks import is_locked
from cifar_core.storage.parse import parse

START_SECONDS = 20.0  # a worker holds its lock within a fraction of a second; this is for very busy machines
SILENT_SECONDS = 60.0  # a loop that has told nothing for this long does not respond
SILENT_STEPS = 10  # or for this many of its steps, where those are long


@dataclass(frozen=True)
class State:
    """What the status file holds. Files of earlier versions lack the last three."""

    status: Status
    error: str = ""  # why it failed or was cut short, one sentence
    progress: TrainingProgress | None = None
    boot: str = ""  # of the machine when this was written
    beat: float | None = None  # monotonic seconds when this was written
    taken: bool = False  # whether a worker has held the lock since the run was queued


def read_state(folder: LifeFolder) -> State:
    """The state as written, perhaps by a process that is dead now.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    try:
        content = read_json(folder.text_of(STATUS), max_bytes=MOST_BYTES[STATUS])
        progress, beat = content.get("progress"), content.get("beat")
        return State(
            Status(content["status"]), str(content.get("error", "")), parse(TrainingProgress, progress) if progress else None,
            str(content.get("boot", "")), None if beat is None else float(beat), content.get("taken") is True,
        )  # fmt: skip
    except (OSError, ValueError, OverflowError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"The status of run {folder.run_id} cannot be read ({error}).") from error


def state_now(folder: LifeFolder) -> State:
    """The state as it is, not as a dead process left it. Whoever holds the run's lock asks `state_without_worker`.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    before = None
    while True:
        state = read_state(folder)
        if state.status not in ACTIVE or is_locked(folder.lock):
            return state
        if state == before:  # the same before and after the lock was seen free: nobody lived to change it
            break
        before = state
    return _judged(folder, state)


def state_without_worker(folder: LifeFolder) -> State:
    """The state as it is, for whoever holds the run's lock, so that no worker of it lives.

    Raises:
        RunError: unreadable; the sentence says why.
    """
    return _judged(folder, read_state(folder))


def is_waiting(folder: LifeFolder, standstill: Standstill) -> bool | None:
    """Whether a run waits for its turn with a worker that responds, or its worker is just being started; None where we have
    no permission to know. Whoever stood still of late calls no other silent."""
    try:
        state = state_now(folder)
    except (RunError, StorageError) as error:
        return None if isinstance(error.__cause__, PermissionError) else False
    return state.status is Status.QUEUED and (silent_since(folder, state, 0.0) is None or standstill.is_recent())


def silent_since(folder: LifeFolder, state: State, step: float) -> float | None:
    """Since when a living run has told nothing, in seconds since 1970; None while it responds.

    Of a run that trains its loop has to tell how far it is; of one that waits, its worker has to beat.

    Args:
        folder: the run's.
        state: as `state_now` gave it.
        step: seconds that one of its training steps takes, 0 where that is not known.
    """
    if state.beat is None or state.boot != boot_id():
        return None
    if state.status is Status.QUEUED:
        quiet = seconds_since_beat(folder, state.beat, taken=state.taken)
        return time.time() - quiet if quiet > UNRESPONSIVE_SECONDS else None
    quiet = time.monotonic() - state.beat
    if state.status is not Status.RUNNING or quiet <= max(SILENT_SECONDS, SILENT_STEPS * step):
        return None
    return folder.status.stat().st_mtime


def write_first_status(folder: LifeFolder, epochs: int) -> None:
    """Write the first status of a run that is being made.

    Raises:
        StorageError: the disk refused.
    """
    _write(folder, State(Status.QUEUED, progress=TrainingProgress("starting", epochs=epochs)))


def move(folder: LifeFolder, verb: Verb, *, progress: TrainingProgress | None = None, error: str = "") -> None:
    """Make a legal move; every change of a status goes through here.

    Args:
        folder: the run's.
        verb: what happens to it.
        progress: where it stands now; as before without it.
        error: why, where the person did not ask for it.

    Raises:
        RunError: the move is illegal, or the status unreadable.
        StorageError: the disk refused; the old status is whole.
    """
    before = read_state(folder)
    status = after(folder.run_id, before.status, verb)
    progress = progress or before.progress
    if progress and verb in (Verb.START, Verb.RESUME):
        progress = progress.before_training("starting")
    _write(folder, State(status, error, progress, taken=before.taken and verb is not Verb.RESUME))


def write_progress(folder: LifeFolder, progress: TrainingProgress) -> None:
    """Write where a running run stands; a power cut may take it.

    Raises:
        RunError: it is not running any more, or its status cannot be read.
        StorageError: the disk refused; the old status is whole.
    """
    state = read_state(folder)
    if state.status is not Status.RUNNING:
        raise RunError(f"Run {folder.run_id} is {state.status}: only a running one makes progress.")
    _write(folder, replace(state, progress=progress), durable=False)


def expect_worker(folder: LifeFolder, *, here: bool) -> None:
    """Say of a queued run that its worker is being started, or that it is `here`.

    Raises:
        RunError: it is not queued any more, or its status cannot be read.
        StorageError: the disk refused; the old status is whole.
    """
    state = read_state(folder)
    after(folder.run_id, state.status, Verb.START)
    progress = state.progress or TrainingProgress("")
    phase = "waiting for its turn" if here else "starting"
    _write(folder, replace(state, taken=here, progress=progress.before_training(phase)))


def _write(folder: LifeFolder, state: State, *, durable: bool = True) -> None:
    written = replace(state, boot=boot_id(), beat=time.monotonic())
    write_json(folder.status, asdict(written), durable=durable)


def _judged(folder: LifeFolder, state: State) -> State:
    """What a state means when the run's lock is free. Where its processes could not write how they ended, their log says so."""
    if state.status not in ACTIVE:
        return state
    ended_as, why = logged_end(folder.log) or ("", "")
    if ended_as in MOVES[state.status].values():
        return replace(state, status=Status(ended_as), error=why)
    if _is_arriving(state):
        return state
    return replace(state, status=Status.INTERRUPTED, error=_why_dead(state))


def _is_arriving(state: State) -> bool:
    """Whether the worker of a run with a free lock may still be on its way."""
    if state.status is not Status.QUEUED or state.taken or state.beat is None or state.boot != boot_id():
        return False
    return 0 <= time.monotonic() - state.beat < START_SECONDS


def _why_dead(state: State) -> str:
    if state.boot and boot_id() and state.boot != boot_id():
        return "The machine was restarted meanwhile; resume it to go on. What it had logged is kept."
    if state.status is Status.RUNNING:
        return "Its process ended without a word: it was killed, or the machine went down. What it had logged is kept."
    if state.taken:
        return "Its process ended while it waited for its turn; resume it to queue again."
    return "Its process never started; resume it to try again."
