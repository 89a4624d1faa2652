"""Trains a run in the process of the test, which is faster than a worker and lets the test interfere at every batch."""

import contextlib
from collections.abc import Callable
from unittest import mock

import torch

from cifar_core.errors import CifarCoreError
from cifar_core.lifecycle.states import EndRequest, Status
from cifar_core.lifecycle.status import move, read_state
from cifar_core.runs import Run, read_run
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.training import process as training_module
from cifar_core.runs.training import recorder as recorder_module
from cifar_core.runs.training.kept_data import KeptData
from cifar_core.runs.training.recorder import Recorder
from cifar_core.train.trainer import Position
from cifar_core.workspace import Workspace

TINY = {"dataset": "tiny", "channels": "3,4", "hidden": "8,8", "batch_size": 32, "epochs": 3, "learning_rate": 3e-3}


class FakeRequests:
    """In the place of `EndRequests`: asks for a pause after so many batches, and calls a function after each batch."""

    def __init__(self, batches: int | None, after_batch: Callable[[int], None]) -> None:
        self.limit = mock.Mock()
        self.batches = batches
        self.after_batch = after_batch
        self.done = 0

    def count(self) -> None:
        """A batch is done."""
        self.done += 1
        self.after_batch(self.done)

    def now(self) -> EndRequest | None:
        return EndRequest.PAUSE if self.done == self.batches else None

    def reason(self, request: EndRequest) -> str:
        return ""


def train(
    workspace: Workspace,
    run_id: str,
    *,
    batches: int | None = None,
    after_batch: Callable[[int], None] = id,
    kept: KeptData | None = None,
) -> Run:
    """Do what a worker and its training process do; resumes a run that ended before its last epoch.

    Args:
        workspace: where the run is.
        run_id: a queued run, or one that ended before its last epoch.
        batches: pause after so many; None trains to the end.
        after_batch: called after each batch of this call, with its number.
        kept: of the runs before, as in a warm worker.
    """
    folder = run_folder(workspace, run_id)
    if read_state(folder).status is not Status.QUEUED:
        move(folder, Status.QUEUED)
    move(folder, Status.RUNNING)
    requests = FakeRequests(batches, after_batch)

    class CountingRecorder(Recorder):
        """Counts batches; `FakeRequests.now` cannot, because it is also called while an epoch is measured."""

        def on_batch(self, position: Position) -> EndRequest | None:
            requests.count()
            return super().on_batch(position)

    try:
        with mock.patch.object(training_module, "Recorder", CountingRecorder):
            training_module.train_run(folder, requests, kept or KeptData())  # type: ignore[arg-type] # alike
    except CifarCoreError as error:
        with contextlib.suppress(CifarCoreError):
            move(folder, Status.FAILED, error=str(error))
    return read_run(workspace, run_id)


def checkpoint_at_every_batch(monkeypatch: object) -> None:
    """Make the recorder write a checkpoint after each batch."""
    monkeypatch.setattr(recorder_module, "CHECKPOINT_SECONDS", 0.0)  # type: ignore[attr-defined]
    monkeypatch.setattr(recorder_module, "_CHECKPOINT_SHARE", 1e9)  # type: ignore[attr-defined]


def weights_of(workspace: Workspace, run: Run) -> bytes:
    """The file of a run's best weights."""
    assert run.best is not None
    return run_folder(workspace, run.id).weights(run.best.epoch).read_bytes()


def one_thread() -> None:
    """Let torch compute with one thread, which is faster where several tests run at once."""
    torch.set_num_threads(1)
