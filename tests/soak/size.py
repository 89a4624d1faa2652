"""How much a soak does, and in how long."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SoakSize:
    """The size of a soak."""

    seconds: float
    sessions: int
    uploads: int
    downloads: int
    trainings: int  # started at once
    epochs: int  # of each training
    kills: int  # of workers and computing processes
    restarts: int  # SIGKILLs of the server
    # Shares of the time between which the restarts fall: the last server then lives long enough to show a leak.
    restart_share: tuple[float, float] = (0.2, 0.5)
    browsers: int = 4  # of the sessions; the others speak the app's protocol, as browsers on other machines would
    # Seconds that a person looks at a page before a click, on average: thirty make 2 clicks a second, a busy class.
    think: float = 15.0


FULL = SoakSize(900, 30, 200, 100, 10, 20, 20, 2)
QUICK = SoakSize(100, 30, 22, 12, 10, 3, 3, 1, think=8.0)
