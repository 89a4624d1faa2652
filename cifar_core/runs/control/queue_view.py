"""Who waits for how long: the queue as people see it, from the list of runs alone. Reads and writes nothing."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from cifar_core.runs.run import Run, Status


@dataclass(frozen=True)
class QueuePlace:
    """Where a waiting run stands in the queue."""

    position: int  # 1-based
    of: int  # runs that wait
    seconds: float | None  # expected until its turn; None where one before it cannot be estimated

    def __str__(self) -> str:
        """As in `2nd of 5`."""
        tail = (
            "th" if self.position % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(self.position % 10, "th")
        )
        return f"{self.position}{tail} of {self.of}"


def queue_places(runs: Sequence[Run], slots: int) -> dict[str, QueuePlace]:
    """The place of each waiting run, by its id, first in the queue first; one that does not respond has none.

    Args:
        runs: all runs of the workspace.
        slots: how many train at a time.
    """
    in_line = (run for run in runs if run.ticket is not None and run.silent_since is None)
    waiting = sorted(in_line, key=lambda run: (run.ticket, run.id))
    ends = sorted(_seconds_left(run) for run in runs if run.status is Status.RUNNING)
    free_at = [0.0] * (slots - len(ends)) + ends[
        max(0, len(ends) - slots) :
    ]  # where slots were taken away, the first ends free none
    heapq.heapify(free_at)
    places = {}
    for position, run in enumerate(waiting, start=1):
        begins = heapq.heappop(free_at)
        heapq.heappush(free_at, begins + _seconds_left(run))
        places[run.id] = QueuePlace(position, len(waiting), begins if math.isfinite(begins) else None)
    return places


def _seconds_left(run: Run) -> float:
    """What a run still needs, as well as it is known; infinity where it is not."""
    if run.status is Status.RUNNING and run.progress is not None and run.progress.seconds_left is not None:
        left = run.progress.seconds_left
    elif run.expected_seconds is not None:
        left = max(0.0, run.expected_seconds - run.seconds)
    else:
        left = math.inf
    return min(left, run.config.machine.max_seconds or math.inf)
