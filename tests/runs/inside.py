"""Training a run within the tests' own process: seconds less than a worker takes, and open to every kind of harm."""

import contextlib
from collections.abc import Callable
from unittest import mock

import torch

from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.states import Status, Verb
from cifar_core.lifecycle.status import move, read_state
from cifar_core.runs import Run, read_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.training import process as training_module
from cifar_core.runs.training import recorder as recorder_module
from cifar_core.runs.training.recorder import Recorder
from cifar_core.train.trainer import Position, Signal
from cifar_core.workspace import Workspace

TINY = {"dataset": "tiny", "channels": "3,4", "hidden": "8,8", "batch_size": 32, "epochs": 3, "learning_rate": 3e-3}


class EndRequest:
    """Stands in for `RunRequests`: pauses after so many batches of this session, or does what it is told to."""

    def __init__(self, batches: int | None, harm: Callable[[int], None]) -> None:
        self.reason = ""
        self.batches = batches
        self.harm = harm
        self.done = 0

    def count(self) -> None:
        """A batch is done."""
        self.done += 1
        self.harm(self.done)

    def now(self) -> Signal:
        return Signal.PAUSE if self.done == self.batches else Signal.GO_ON

    def obey(self) -> None: ...

    def allow(self, seconds: int) -> None: ...

    def is_orphan(self) -> bool:
        return False


def train(workspace: Workspace, run_id: str, *, batches: int | None = None, harm: Callable[[int], None] = id) -> Run:
    """Do what a worker and its computing process do; resumes a run that was cut short.

    Args:
        workspace: where the run lies.
        run_id: a queued run, or one that was cut short.
        batches: pause after so many; None trains to the end.
        harm: called after each batch of this session with its number.
    """
    folder = run_folder(workspace, run_id)
    if read_state(folder).status is not Status.QUEUED:
        move(folder, Verb.RESUME)
    move(folder, Verb.START)
    request = EndRequest(batches, harm)

    class Counting(Recorder):
        """Asked while an epoch is measured, too, `EndRequest` counts batches alone."""

        def on_batch(self, position: Position) -> Signal:
            request.count()
            return super().on_batch(position)

    try:
        with mock.patch.object(training_module, "Recorder", Counting):
            training_module.train_run(folder, request)  # type: ignore[arg-type] # it answers as one
    except CifarCoreError as error:
        with contextlib.suppress(CifarCoreError):
            move(folder, Verb.FAIL, error=str(error))
    return read_run(workspace, run_id)


def checkpoint_at_every_batch(monkeypatch: object) -> None:
    """Make the recorder keep a checkpoint after each batch."""
    monkeypatch.setattr(recorder_module, "CHECKPOINT_SECONDS", 0.0)  # type: ignore[attr-defined]
    monkeypatch.setattr(recorder_module, "_CHECKPOINT_SHARE", 1e9)  # type: ignore[attr-defined]


def weights_of(workspace: Workspace, run: Run) -> bytes:
    """The file of a run's best weights."""
    assert run.best is not None
    return run_folder(workspace, run.id).weights(run.best.epoch).read_bytes()


def one_thread() -> None:
    """Torch computes with one thread: many tests at once are quicker so."""
    torch.set_num_threads(1)
