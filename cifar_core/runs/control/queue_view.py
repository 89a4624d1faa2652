"""The order of the queue as people see it, who is ahead of each run and how long it waits, from the list of runs.

The queue itself, with its tickets on the disk, is `cifar_core.lifecycle.queue`.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cifar_core.runs.run import Run, Status
from cifar_core.text import range_words

# What the time that a run still needs is multiplied with for its bounds: a run that trains has shown its own speed.
_BOUNDS_TRAINING = (0.9, 1.15)
_BOUNDS_WAITING = (0.8, 1.25)


@dataclass(frozen=True)
class QueuePlace:
    """The place of a waiting run in the queue."""

    position: int  # 1-based
    of: int  # runs that wait
    seconds: float | None  # until it is expected to start; None where a run before it cannot be estimated
    low: float | None = None  # the bounds of `seconds`
    high: float | None = None
    ahead: tuple[str, ...] = ()  # names of the runs that train, the first to end first, then of those before it in line

    def __str__(self) -> str:
        """As in `2nd of 5`."""
        teens = self.position % 100 in (11, 12, 13)
        suffix = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(self.position % 10, "th")
        return f"{self.position}{suffix} of {self.of}"

    def behind(self, shown: Callable[[str], str]) -> str:
        """Who is ahead and how long it takes: `behind quiet-otter and 2 more; starts in 3 to 5 min`.

        It is empty where the run waits for nobody.

        Args:
            shown: makes the name of a run, which a person has typed, fit for where it is shown.
        """
        if not self.ahead or self.seconds == 0:
            return ""
        more = f" and {len(self.ahead) - 1:,} more" if len(self.ahead) > 1 else ""
        who = f"behind {shown(self.ahead[0])}{more}"
        if self.low is None or self.high is None:
            return who
        return f"{who}; starts in {range_words(self.low, self.high)}"


def queue_places(runs: Sequence[Run], slots: int) -> dict[str, QueuePlace]:
    """The place of each waiting run by its id, in the order of the queue; a run that does not respond has no place.

    Args:
        runs: all runs of the workspace.
        slots: how many train at a time.
    """
    in_line = (run for run in runs if run.ticket is not None and run.silent_since is None)
    waiting = sorted(in_line, key=lambda run: (run.ticket, run.id))
    training = sorted((run for run in runs if run.status is Status.RUNNING), key=_seconds_left)
    starts = [_starts(training, waiting, slots, left) for left in (_seconds_left, _least_left, _most_left)]
    ahead = [run.name for run in (*training, *waiting)]
    return {
        run.id: QueuePlace(index + 1, len(waiting), seconds, low, high, tuple(ahead[: len(training) + index]))
        for index, (run, seconds, low, high) in enumerate(zip(waiting, *starts, strict=True))
    }


def _starts(
    training: list[Run], waiting: list[Run], slots: int, seconds_left: Callable[[Run], float]
) -> list[float | None]:
    """In how many seconds each waiting run starts; None where that is not known."""
    ends = sorted(seconds_left(run) for run in training)
    # Where more runs train than there are slots, because slots were taken away, the first runs that end free no slot.
    free_at = [0.0] * (slots - len(ends)) + ends[max(0, len(ends) - slots) :]
    heapq.heapify(free_at)
    starts: list[float | None] = []
    for run in waiting:
        begins = heapq.heappop(free_at)
        heapq.heappush(free_at, begins + seconds_left(run))
        starts.append(begins if math.isfinite(begins) else None)
    return starts


def _least_left(run: Run) -> float:
    return _bounds(run)[0] * _seconds_left(run)


def _most_left(run: Run) -> float:
    return _bounds(run)[1] * _seconds_left(run)


def _bounds(run: Run) -> tuple[float, float]:
    return _BOUNDS_TRAINING if run.status is Status.RUNNING else _BOUNDS_WAITING


def _seconds_left(run: Run) -> float:
    """The time that a run still needs, as far as it is known; infinity where it is not."""
    if run.status is Status.RUNNING and run.progress is not None and run.progress.seconds_left is not None:
        left = run.progress.seconds_left
    elif run.expected_seconds is not None:
        left = max(0.0, run.expected_seconds - run.seconds)
    else:
        left = math.inf
    return min(left, run.config.machine.max_seconds or math.inf)
