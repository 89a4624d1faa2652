"""The states of a run and its legal moves, in one table. Reads and writes nothing."""

from dataclasses import dataclass
from enum import StrEnum

from cifar_core.errors import RunError
from cifar_core.storage.json_types import Amount, Count


class Status(StrEnum):
    """The state of a run. Only `status.move` writes it; it is never guessed from logs or process ids."""

    QUEUED = "queued"  # its worker is being started, or waits for its turn
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"  # its process died without writing an end, or never started


class Verb(StrEnum):
    """What can happen to a run."""

    START = "start"
    FINISH = "finish"
    PAUSE = "pause"
    STOP = "stop"
    FAIL = "fail"
    INTERRUPT = "interrupt"
    RESUME = "resume"


_RESUME_ONLY = {Verb.RESUME: Status.QUEUED}
MOVES: dict[Status, dict[Verb, Status]] = {
    Status.QUEUED: {
        Verb.START: Status.RUNNING,
        Verb.PAUSE: Status.PAUSED,
        Verb.STOP: Status.STOPPED,
        Verb.FAIL: Status.FAILED,
        Verb.INTERRUPT: Status.INTERRUPTED,
    },
    Status.RUNNING: {
        Verb.FINISH: Status.FINISHED,
        Verb.PAUSE: Status.PAUSED,
        Verb.STOP: Status.STOPPED,
        Verb.FAIL: Status.FAILED,
        Verb.INTERRUPT: Status.INTERRUPTED,
    },
    Status.PAUSED: _RESUME_ONLY,
    Status.STOPPED: _RESUME_ONLY,
    Status.FAILED: _RESUME_ONLY,
    Status.INTERRUPTED: _RESUME_ONLY,
    Status.FINISHED: {},
}
ACTIVE = (Status.QUEUED, Status.RUNNING)
RESUMABLE = tuple(status for status, moves in MOVES.items() if Verb.RESUME in moves)
_REFUSALS = {
    Verb.START: "only a waiting run can start; resume it, or make a new one",
    Verb.PAUSE: "there is nothing to pause",
    Verb.STOP: "there is nothing to stop",
    Verb.RESUME: "only a run that was paused, stopped, interrupted or failed can be resumed",
}


@dataclass(frozen=True)
class TrainingProgress:
    """How far a run is."""

    phase: str  # what it does now, as people read it
    epoch: Count = 0  # the current one, 1-based
    epochs: Count = 0
    batch: Count = 0  # done in this epoch
    batches: Count = 0
    images_per_second: Amount = 0.0
    seconds_left: Amount | None = None
    elapsed: Amount = 0.0  # seconds of training and measuring, start-up apart

    def before_training(self, phase: str) -> "TrainingProgress":
        """The progress of a process that does not train yet: its phase, and the time that the run trained before."""
        return TrainingProgress(phase, epochs=self.epochs, elapsed=self.elapsed)


def after(run_id: str, status: Status, verb: Verb) -> Status:
    """The status that `verb` brings a run to.

    Raises:
        RunError: the table has no such move.
    """
    if verb not in MOVES[status]:
        raise RunError(f"Run {run_id} has the status {status}: {_REFUSALS.get(verb, f'it cannot {verb}')}.")
    return MOVES[status][verb]
