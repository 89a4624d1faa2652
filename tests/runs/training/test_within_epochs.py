"""The file of the accuracy within epochs: written, rewound and checked; and what becomes of a run that diverged."""

import json
import os
import sys
from pathlib import Path

import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.runs import (
    create_run,
    export_run,
    import_run,
    read_run,
    read_within_epochs,
    resume_run,
    retry_with_lower_rate,
    verify_run,
)
from cifar_core.runs.epoch_log import read_points
from cifar_core.runs.run_folder import run_folder
from cifar_core.runs.training import process as training_module
from cifar_core.runs.training.recorder import Recorder
from cifar_core.storage import faults
from cifar_core.train import within_epoch
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.in_process import TINY, checkpoint_at_every_batch, one_thread, train

SETTINGS = {**TINY, "batch_size": 10, "epochs": 2}  # 9 batches an epoch, of 90 pictures


@pytest.fixture
def tiny(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace whose runs look 4 times within each epoch."""
    one_thread()
    checkpoint_at_every_batch(monkeypatch)
    monkeypatch.setattr(within_epoch, "_SHARE", 1.0)
    save_tiny(workspace, train=100, test=40)
    return workspace


def test_points_are_written_once_whatever_interrupts_them(tiny: Workspace, tmp_path: Path) -> None:
    """Paused twice, with half a line and with points beyond the checkpoint, as a crash leaves them."""
    straight, broken = (create_run(tiny, make_config(SETTINGS)) for _ in range(2))
    train(tiny, straight)
    folder = run_folder(tiny, broken)
    assert read_within_epochs(tiny, broken).empty
    train(tiny, broken, batches=4)
    text = folder.within_epochs.read_text()
    folder.within_epochs.write_text(text + text.splitlines()[-1][:20])
    assert len(read_points(folder)[0]) == 2 and read_points(folder)[1] == [], "half a last line is no fault"
    assert verify_run(tiny, broken) == []
    train(tiny, broken, batches=6)
    lines = folder.within_epochs.read_text().splitlines()
    beyond = json.loads(lines[-1]) | {"epoch": 2, "batch": 9, "accuracy": 0.0}
    folder.within_epochs.write_text("\n".join([*lines, json.dumps(beyond)]) + "\n")
    assert train(tiny, broken).status is Status.FINISHED
    assert folder.within_epochs.read_text() == run_folder(tiny, straight).within_epochs.read_text()

    found = read_within_epochs(tiny, broken)
    assert list(found.columns) == ["epoch", "accuracy", "pictures", "part"] and found["part"].eq("validation").all()
    assert found["epoch"].to_numpy() == pytest.approx(
        [(batch + 9 * done) / 9 for done in (0, 1) for batch in (2, 4, 5, 7)]
    )
    assert found["accuracy"].between(0, 1).all() and found["pictures"].eq(10).all()

    elsewhere = open_workspace(tmp_path / "elsewhere")
    imported = import_run(elsewhere, export_run(tiny, broken)).run
    assert read_within_epochs(elsewhere, imported).equals(found) and verify_run(elsewhere, imported) == []


@pytest.mark.fault(14)
def test_a_full_disk_costs_points_and_not_the_run(tiny: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(tiny, make_config({**SETTINGS, "epochs": 1}))
    on_point = Recorder.on_point

    def fill_then(recorder: Recorder, point: object) -> None:
        faults.arm("write:1:enospc")
        on_point(recorder, point)  # type: ignore[arg-type]
        faults.arm("")

    monkeypatch.setattr(Recorder, "on_point", fill_then)
    assert train(tiny, run_id).status is Status.FINISHED
    assert read_within_epochs(tiny, run_id).empty and verify_run(tiny, run_id) == []


@pytest.mark.fault(40)
def test_a_run_that_diverged_is_not_resumed_but_tried_with_a_lower_rate(
    tiny: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The weights are lost in the first epoch; the process that trains says so in the status, not only in words."""
    run_id = create_run(tiny, make_config({**SETTINGS, "learning_rate": 0.2, "seed": 5}))
    folder = run_folder(tiny, run_id)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)  # `compute` sets another one
    on_batch = Recorder.on_batch

    def lose_weights(recorder: Recorder, position: object) -> object:
        next(iter(recorder._trainer.net.parameters())).data.fill_(float("nan"))
        return on_batch(recorder, position)  # type: ignore[arg-type]

    monkeypatch.setattr(Recorder, "on_batch", lose_weights)
    move(folder, Status.RUNNING)
    assert training_module.compute(folder, os.getppid()) == 1
    assert json.loads(folder.status.read_text())["diverged"] is True
    run = read_run(tiny, run_id)
    assert run.diverged and run.status is Status.FAILED and not run.resumable
    assert run.error.startswith("Training diverged in epoch 1: ") and "learning rate of 0.2 is" in run.error
    before = folder.status.read_bytes()
    with pytest.raises(RunError, match=r"would diverge again: try again with a rate below 0\.2 instead"):
        resume_run(tiny, run_id)
    assert folder.status.read_bytes() == before and not folder.lock.exists()

    new = read_run(tiny, retry_with_lower_rate(tiny, run_id, nonce="a click", person="ada@example.org"))
    assert new.id == retry_with_lower_rate(tiny, run_id, nonce="a click")
    assert (new.parent, new.person, new.status) == (run_id, "ada@example.org", Status.QUEUED)
    assert new.config == make_config({**run.config.flat(), "learning_rate": 0.07})
    with pytest.raises(RunError, match="did not diverge"):
        retry_with_lower_rate(tiny, new.id)
