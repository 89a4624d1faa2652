"""The states of a run, its legal moves, and the requests that end it, each with the state it leads to.

Reads and writes nothing.
"""

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


class EndRequest(StrEnum):
    """What asks a run to end before its last epoch. Where several do at once, the first of this list counts."""

    STOP = "stop"  # a person
    PAUSE = "pause"  # a person
    GONE = "gone"  # its folder was moved or deleted
    TIME_LIMIT = "time limit"
    TERMINATE = "terminate"  # the process got a SIGTERM, as when the machine goes down
    ORPHANED = "orphaned"  # the worker was killed; only its training process sees this

    @property
    def leads_to(self) -> Status:
        """The status of a run that ends for this reason."""
        if self is EndRequest.PAUSE:
            return Status.PAUSED
        return Status.STOPPED if self in (EndRequest.STOP, EndRequest.TIME_LIMIT) else Status.INTERRUPTED


_ENDS = (Status.PAUSED, Status.STOPPED, Status.FAILED, Status.INTERRUPTED)
MOVES: dict[Status, tuple[Status, ...]] = {
    Status.QUEUED: (Status.RUNNING, *_ENDS),
    Status.RUNNING: (Status.FINISHED, *_ENDS),
    **dict.fromkeys(_ENDS, (Status.QUEUED,)),
    Status.FINISHED: (),
}
ACTIVE = (Status.QUEUED, Status.RUNNING)
RESUMABLE = tuple(status for status, goals in MOVES.items() if Status.QUEUED in goals)
_REFUSALS = {
    Status.RUNNING: "only a waiting run can start; resume it, or make a new one",
    Status.PAUSED: "there is nothing to pause",
    Status.STOPPED: "there is nothing to stop",
    Status.QUEUED: "only a run that was paused, stopped, interrupted or failed can be resumed",
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


def require_move(run_id: str, status: Status, goal: Status) -> None:
    """Refuse a move that the table does not have.

    Raises:
        RunError: the sentence says why.
    """
    if goal not in MOVES[status]:
        refusal = _REFUSALS.get(goal, f"it cannot become {goal}")
        raise RunError(f"Run {run_id} has the status {status}: {refusal}.")
