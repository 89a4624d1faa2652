"""How much a soak does, and in how long."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The size of a soak."""

    seconds: float
    sessions: int
    uploads: int
    downloads: int
    trainings: int  # started at once
    epochs: int  # of each
    kills: int  # of workers and computing processes
    restarts: int  # SIGKILLs of the server
    restart_share: tuple[float, float] = (0.2, 0.5)  # of the time, between which they fall: the last life is a long one
    browsers: int = 4  # of the sessions; the others have theirs elsewhere, as students do, and speak over the wire
    # Seconds that a person looks at a page before the next click, on average: thirty make 2 clicks a second, a busy class.
    think: float = 15.0


FULL = Plan(900, 30, 200, 100, 10, 20, 20, 2)
QUICK = Plan(100, 30, 22, 12, 10, 3, 3, 1, think=8.0)
