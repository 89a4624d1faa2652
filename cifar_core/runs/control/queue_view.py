"""The order of the queue as people see it, and how long each run will wait, computed from the list of runs.

The queue itself, with its tickets on the disk, is `cifar_core.lifecycle.queue`.
"""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.runs.run import Run, Status


@dataclass(frozen=True)
class QueuePlace:
    """The place of a waiting run in the queue."""

    position: int  # 1-based
    of: int  # runs that wait
    seconds: float | None  # until it is expected to start; None where a run before it cannot be estimated

    def __str__(self) -> str:
        """As in `2nd of 5`."""
        teens = self.position % 100 in (11, 12, 13)
        suffix = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(self.position % 10, "th")
        return f"{self.position}{suffix} of {self.of}"


def queue_places(runs: Sequence[Run], slots: int) -> dict[str, QueuePlace]:
    """The place of each waiting run by its id, in the order of the queue; a run that does not respond has no place.

    Args:
        runs: all runs of the workspace.
        slots: how many train at a time.
    """
    in_line = (run for run in runs if run.ticket is not None and run.silent_since is None)
    waiting = sorted(in_line, key=lambda run: (run.ticket, run.id))
    ends = sorted(_seconds_left(run) for run in runs if run.status is Status.RUNNING)
    # Where more runs train than there are slots, because slots were taken away, the first runs that end free no slot.
    free_at = [0.0] * (slots - len(ends)) + ends[max(0, len(ends) - slots) :]
    heapq.heapify(free_at)
    places = {}
    for position, run in enumerate(waiting, start=1):
        begins = heapq.heappop(free_at)
        heapq.heappush(free_at, begins + _seconds_left(run))
        places[run.id] = QueuePlace(position, len(waiting), begins if math.isfinite(begins) else None)
    return places


def _seconds_left(run: Run) -> float:
    """The time that a run still needs, as far as it is known; infinity where it is not."""
    if run.status is Status.RUNNING and run.progress is not None and run.progress.seconds_left is not None:
        left = run.progress.seconds_left
    elif run.expected_seconds is not None:
        left = max(0.0, run.expected_seconds - run.seconds)
    else:
        left = math.inf
    return min(left, run.config.machine.max_seconds or math.inf)
