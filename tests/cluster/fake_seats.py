"""Seats of a cluster that train nothing: each look brings their run an epoch further. Faults are set beforehand."""

import math
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field

from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import persons_request
from cifar_core.lifecycle.states import Status, TrainingProgress
from cifar_core.lifecycle.status import move, write_progress
from cifar_core.runs.epoch_log import line_text, read_lines
from cifar_core.runs.records import read_creation
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.atomic import append_line
from cifar_core.train import EpochLine

LOST = "The node that computed it is gone; it goes on from its last checkpoint when it is resumed."


def accuracy(settings: dict, epoch: int) -> float:
    """The best learning rate is 0.01, and every epoch helps."""
    distance = abs(math.log10(settings.get("learning_rate", 0.001)) + 2)
    return round((0.9 - 0.2 * min(distance, 4)) * epoch / settings["epochs"], 6)


@dataclass(eq=False)
class FakeSeat:
    """A seat; it is its own turn and its own computation."""

    name: str
    run: str = ""
    fails: str = ""  # "lost": its node goes at the next epoch; "breaks": it raises what nobody expects
    waits_for: "FakeSeat | None" = None  # ends no run before this one has begun one
    computed: list[str] = field(default_factory=list)
    code: int = 0

    @property
    def turn(self) -> "FakeSeat":
        return self

    @property
    def computation(self) -> "FakeSeat":
        return self

    def release(self) -> None:
        self.run = ""

    def take(self, folder: LifeFolder, held: ExitStack, heartbeat: Heartbeat) -> bool:
        return True

    def give_up(self, folder: LifeFolder) -> None:
        """Nobody waits behind it."""

    def start(self, folder: LifeFolder) -> None:
        self._folder = RunFolder(folder.path)
        self.computed.append(folder.run_id)

    def has_ended(self, seconds: float) -> bool:
        folder, fails = self._folder, self.fails
        if self.waits_for is not None and not self.waits_for.computed:
            return False
        if fails:
            self.fails = ""
            if fails == "breaks":
                raise ZeroDivisionError("as instructed")
            move(folder, Status.INTERRUPTED, error=LOST)
            return True
        request = persons_request(folder)
        if request is not None:
            move(folder, request.leads_to)
            return True
        settings, epoch = read_creation(folder).settings, len(read_lines(folder)[0]) + 1
        value = accuracy(settings, epoch)
        line = EpochLine(epoch, 1.0, 0.5, 1.0, value, 1.0, value, 0.1, 1.0, 100.0)
        append_line(folder.metrics, line_text(line))
        write_progress(folder, TrainingProgress("training", epoch, settings["epochs"], 1, 1, elapsed=float(epoch)))
        if epoch < settings["epochs"]:
            return False
        move(folder, Status.FINISHED)
        return True

    def terminate(self) -> None:
        """It obeys at once."""

    def kill(self) -> None:
        """It obeys at once."""

    def finish_log(self, seconds: float) -> None:
        """It prints nothing."""


class FakeSeats:
    """Several of them. Like those of a cluster they outlive the pool."""

    def __init__(self, *seats: FakeSeat) -> None:
        self.seats, self.closed = list(seats), False
        self._lock = threading.Lock()

    def free(self) -> int:
        return sum(not seat.run for seat in self.seats)

    def take(self, run_id: str) -> FakeSeat | None:
        with self._lock:
            seat = next((each for each in self.seats if not each.run), None)
            if seat is not None:
                seat.run = run_id
            return seat

    def close(self) -> None:
        self.closed = True
