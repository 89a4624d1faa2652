"""Damaged predictions are computed again from the best weights, bit by bit the same; otherwise nothing is changed."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.data import delete_dataset
from cifar_core.errors import CifarCoreError, RunError
from cifar_core.jobs import start
from cifar_core.jobs.job import JobState
from cifar_core.runs import Run, create_run, read_predictions, recompute_job, start_recompute, verify_run
from cifar_core.runs.predict.recompute_process import recompute_best_epoch
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.jobs.support import wait_for_end
from tests.runs.conftest import ended_run, snapshot
from tests.runs.in_process import TINY, one_thread, train


@pytest.fixture
def copy(shared: Workspace, finished: Run, workspace: Workspace) -> Workspace:
    """A workspace of one test with a copy of the finished run and its dataset."""
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    return workspace


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def of_another_size(path: Path) -> None:
    with np.load(path) as stored:
        content = dict(stored)
    np.savez(
        path, **{name: value[:-1] if name in ("labels", "probs", "ids") else value for name, value in content.items()}
    )


LOCK = ("training.lock",)
DAMAGES = [truncate, of_another_size, Path.unlink]


@pytest.mark.fault(7)
def test_a_process_of_its_own_computes_them_again(copy: Workspace, finished: Run) -> None:
    folder = run_folder(copy, finished.id)
    before = snapshot(folder.path)
    truncate(folder.samples("test"))
    with pytest.raises(RunError, match=f"`runs recompute {finished.id}` computes them again"):
        read_predictions(copy, finished.id)
    start_recompute(copy, "latest")
    start_recompute(copy, finished.id)
    assert wait_for_end(recompute_job(copy, finished.id)) == JobState("recompute", "done", "Saving")
    shutil.rmtree(folder.path / ".jobs")
    assert snapshot(folder.path) == before, "every file is bit by bit what it was, metrics and all"
    assert verify_run(copy, finished.id) == []


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    "settings",
    [
        {"flip_test": True},
        {"flip_test": True, "validation_share": 0.0},
        {"model": "fast_cnn", "widths": "4,6,8", "optimizer": "muon", "epochs": 2, "validation_share": 0.2},
    ],
)
def test_every_damage_and_network(workspace: Workspace, settings: dict[str, object]) -> None:
    """In the process of the test, where torch has as many threads as in the training."""
    one_thread()
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({**TINY, **settings}))
    run = train(workspace, run_id)
    folder = run_folder(workspace, run_id)
    before = snapshot(folder.path, but=LOCK)
    assert run.best is not None and run.status.value == "finished"
    for damage in DAMAGES:
        damage(folder.samples("test"))
        folder.probs("test", run.best.epoch).write_bytes(b"")
        with pytest.raises(RunError, match="predictions"):
            read_predictions(workspace, run_id)
        recompute_best_epoch(folder)
        assert snapshot(folder.path, but=LOCK) == before


def test_a_stopped_run_is_measured_with_as_many_views_as_its_last_epoch(workspace: Workspace) -> None:
    """The settings ask for two views after the last epoch, which the run never reached."""
    one_thread()
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({**TINY, "flip_test": True, "validation_share": 0.0, "epochs": 9}))
    run = train(workspace, run_id, batches=15)
    assert run.best is not None and run.best.looks == 1
    folder = run_folder(workspace, run_id)
    before = snapshot(folder.path, but=LOCK)
    truncate(folder.samples("test"))
    recompute_best_epoch(folder)
    assert snapshot(folder.path, but=LOCK) == before


def refused(workspace: Workspace, run_id: str, message: str) -> None:
    before = snapshot(workspace.root)
    with pytest.raises(CifarCoreError, match=message):
        start_recompute(workspace, run_id)
    assert snapshot(workspace.root) == before


@pytest.mark.fault(7, 10)
def test_the_error_of_a_refusal_says_what_to_do(
    copy: Workspace, finished: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "spawn", None)  # no process is needed to refuse
    folder = run_folder(copy, finished.id)
    assert finished.best is not None
    weights = folder.weights(finished.best.epoch)
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    refused(copy, finished.id, r"best weights, but best/\d+.safetensors cannot be used: .*; duplicate the run to train")
    weights.unlink()
    refused(copy, finished.id, r"best/\d+.safetensors is missing.*duplicate the run to train the network again")
    wide = train(copy, create_run(copy, make_config({**TINY, "hidden": "9,9", "epochs": 1})))
    assert wide.best is not None
    shutil.copy(run_folder(copy, wide.id).weights(wide.best.epoch), weights)
    refused(copy, finished.id, "does not fit the network of its settings")
    weights.write_bytes(whole)
    delete_dataset(copy, "tiny")
    save_tiny(copy, seed=5)
    refused(copy, finished.id, "is not the one run .* was trained on")
    delete_dataset(copy, "tiny")
    refused(copy, finished.id, "The dataset tiny was deleted: bring it back")
    refused(copy, ended_run(copy), "no finished epoch yet")
    refused(copy, create_run(copy, make_config()), "is queued and still writes")


@pytest.mark.parametrize(
    ("case", "message"), [("busy", "in use by another process"), ("swapped", "are not those of that epoch")]
)
def test_errors_that_only_the_process_can_find(copy: Workspace, finished: Run, case: str, message: str) -> None:
    folder = run_folder(copy, finished.id)
    truncate(folder.samples("test"))
    before = snapshot(folder.path)
    if case == "busy":
        with hold_lock(folder.training_lock) as acquired, pytest.raises(RunError, match=message):
            assert acquired
            recompute_best_epoch(folder)
    else:
        lines = folder.metrics.read_text("utf-8")
        assert finished.best is not None
        folder.metrics.write_text(lines.replace(str(finished.best.test_accuracy), "0.001"), "utf-8")
        with pytest.raises(RunError, match=message):
            recompute_best_epoch(folder)
        folder.metrics.write_text(lines, "utf-8")
    assert snapshot(folder.path) == before
