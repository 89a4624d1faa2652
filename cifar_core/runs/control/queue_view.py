"""The order of the queue as people see it, who is ahead of each run and how long it waits, from the list of runs.

The queue itself, with its tickets on the disk, is `cifar_core.lifecycle.queue`.
"""

import heapq
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cifar_core.runs.estimate.span import Span, exactly
from cifar_core.runs.estimate.time_left import time_left
from cifar_core.runs.run import Run, Status
from cifar_core.text import range_words

_UNKNOWN = exactly(math.inf)


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

    @property
    def wait(self) -> Span | None:
        """`seconds` with its bounds."""
        if self.seconds is None or self.low is None or self.high is None:
            return None
        return Span(self.low, self.seconds, self.high)

    def who(self, shown: Callable[[str], str]) -> str:
        """Who is ahead: `behind quiet-otter and 2 more`; empty where the run waits for nobody.

        Args:
            shown: makes the name of a run, which a person has typed, fit for where it is shown.
        """
        if not self.ahead or self.seconds == 0:
            return ""
        more = f" and {len(self.ahead) - 1:,} more" if len(self.ahead) > 1 else ""
        return f"behind {shown(self.ahead[0])}{more}"

    def behind(self, shown: Callable[[str], str]) -> str:
        """Who is ahead and how long it takes, as `who`: `behind quiet-otter and 2 more; starts in 3 to 5 min`."""
        who = self.who(shown)
        return f"{who}; starts in {range_words(self.wait.low, self.wait.high)}" if who and self.wait else who


def queue_places(runs: Sequence[Run], slots: int) -> dict[str, QueuePlace]:
    """The place of each waiting run by its id, in the order of the queue; a run that does not respond has no place.

    Args:
        runs: all runs of the workspace.
        slots: how many train at a time.
    """
    in_line = (run for run in runs if run.ticket is not None and run.silent_since is None)
    waiting = sorted(in_line, key=lambda run: (run.round, run.ticket, run.id))
    ends = [(run, time_left(run) or _UNKNOWN) for run in runs if run.status is Status.RUNNING and not run.is_elsewhere]
    ends.sort(key=lambda end: end[1].middle)
    starts = _starts([left for _, left in ends], [time_left(run) or _UNKNOWN for run in waiting], slots)
    ahead = [run.name for run in (*(run for run, _ in ends), *waiting)]
    return {
        run.id: QueuePlace(index + 1, len(waiting), *bounds, tuple(ahead[: len(ends) + index]))
        for index, (run, bounds) in enumerate(zip(waiting, starts, strict=True))
    }


def _starts(
    ends: Sequence[Span], lengths: Sequence[Span], slots: int
) -> list[tuple[float | None, float | None, float | None]]:
    """In how many seconds each waiting run starts, with the lower and the upper bound; None where that is not known.

    Args:
        ends: what each run that trains still needs.
        lengths: what each waiting run needs, in the order of the queue.
        slots: how many train at a time.
    """
    columns = [
        _starts_by([pick(span) for span in ends], [pick(span) for span in lengths], slots)
        for pick in (lambda span: span.middle, lambda span: span.low, lambda span: span.high)
    ]
    return list(zip(*columns, strict=True))


def _starts_by(ends: list[float], lengths: list[float], slots: int) -> list[float | None]:
    ends = sorted(ends)
    # Where more runs train than there are slots, because slots were taken away, the first runs that end free no slot.
    free_at = [0.0] * (slots - len(ends)) + ends[max(0, len(ends) - slots) :]
    heapq.heapify(free_at)
    starts: list[float | None] = []
    for length in lengths:
        begins = heapq.heapreplace(free_at, free_at[0] + length)
        starts.append(begins if math.isfinite(begins) else None)
    return starts
