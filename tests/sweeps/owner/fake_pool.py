"""Workers that train nothing: each wait brings every run of theirs one epoch further, by a formula.

What is on the disk is what real workers leave there: the queue, the lock, the status, the epochs, an obeyed request.
"""

import math
from collections.abc import Callable
from contextlib import ExitStack

from cifar_core.jobs.log import begin_session
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import leave
from cifar_core.lifecycle.requests import persons_request
from cifar_core.lifecycle.runner import LocalRunner
from cifar_core.lifecycle.states import Status, TrainingProgress
from cifar_core.lifecycle.status import expect_worker, move, write_progress, write_queued
from cifar_core.runs.epoch_log import line_text, read_lines
from cifar_core.runs.records import read_creation
from cifar_core.runs.run_folder import RunFolder
from cifar_core.storage.atomic import append_line
from cifar_core.storage.locks import hold_lock
from cifar_core.train import EpochLine

Formula = Callable[[dict, int], float]  # settings and epoch (from 1) to the validation accuracy


def peak(settings: dict, epoch: int) -> float:
    """The best learning rate is 0.01, and every epoch helps."""
    distance = abs(math.log10(settings.get("learning_rate", 0.001)) + 2)
    return round((0.9 - 0.2 * min(distance, 4)) * epoch / settings["epochs"], 6)


class FakePool(LocalRunner):
    """In the place of `WarmPool`."""

    def __init__(self, size: int = 1, formula: Formula = peak) -> None:
        self.size, self.formula = size, formula
        self.held: dict[RunFolder, ExitStack] = {}
        self.launched: list[str] = []
        self.before_wait: Callable[[int], object] = id  # called with the number of the wait, from 1
        self.waits = 0
        self.closed = False

    def free(self) -> int:
        return 0 if self.closed else self.size - len(self.held)

    def launch(self, folder: LifeFolder) -> None:
        assert self.free(), "launched without a free worker"
        begin_session(folder.log)
        write_queued(folder)
        self.launched.append(folder.run_id)
        self.held[RunFolder(folder.path)] = ExitStack()

    def enforce(self, folders: object) -> None:
        """They all obey."""

    def wait(self, seconds: float) -> None:
        self.waits += 1
        self.before_wait(self.waits)
        for folder in list(self.held):
            if self._advance(folder):
                self.held.pop(folder).close()

    def close(self) -> None:
        self.closed = True

    def die(self) -> None:
        """All workers are killed."""
        for held in self.held.values():
            held.close()
        self.held.clear()

    def _advance(self, folder: RunFolder) -> bool:
        """An epoch of a run; whether it has ended."""
        settings, lines = read_creation(folder).settings, read_lines(folder)[0]
        if not self.is_alive(folder):
            self.held[folder].enter_context(hold_lock(folder.lock))
            expect_worker(folder, here=True)
            leave(folder)
            move(folder, Status.RUNNING)
        request = persons_request(folder)
        if request is not None:
            move(folder, request.leads_to)
            return True
        epoch = len(lines) + 1
        value = self.formula(settings, epoch)
        if math.isnan(value):
            move(folder, Status.FAILED, error="Training diverged in epoch 1.", diverged=True)
            return True
        if epoch <= settings["epochs"]:
            line = EpochLine(epoch, 1.0, 0.5, 1.0, value, 1.0, value, 0.1, 1.0, 100.0)
            append_line(folder.metrics, line_text(line))
        write_progress(folder, TrainingProgress("training", epoch, settings["epochs"], 1, 1, elapsed=float(epoch)))
        if epoch < settings["epochs"]:
            return False
        move(folder, Status.FINISHED)
        return True
