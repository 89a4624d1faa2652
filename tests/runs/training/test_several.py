"""Runs of two training processes: what is kept of them, and that an interruption changes no bit of it."""

import json
import os

import pytest

from cifar_core.config import make_config
from cifar_core.lifecycle.states import Status
from cifar_core.runs import Run, create_run, read_metrics, read_run, verify_run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.conftest import snapshot
from tests.runs.in_process import TINY, train
from tests.train.rank_processes import run_ranks

pytestmark = pytest.mark.cluster
CLOCKS = ["seconds", "images_per_second"]
EPOCHS = 6
FAST = {**TINY, "model": "fast_cnn", "widths": "4,6,8", "optimizer": "muon", "prune_share": 0.3, "shift": 2,
        "epochs": EPOCHS, "batch_size": 27, "processes": 2}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, Run]]:
    """Runs by name: all of them have been trained by the same two processes."""
    folder = tmp_path_factory.mktemp("several")
    workspace = open_workspace(folder / "workspace")
    save_tiny(workspace)
    wild = {"channels": "4,6", "hidden": "16,12", "optimizer": "sgd", "learning_rate": 10.0}
    diverging = {**TINY, **wild, "processes": 2}
    settings = {"straight": FAST, "paused": FAST, "simple": {**TINY, "processes": 2}, "diverging": diverging}
    ids = {name: create_run(workspace, make_config(values)) for name, values in settings.items()}
    order = [(ids["straight"], None), (ids["paused"], 13), (ids["paused"], 3), (ids["paused"], None),
             (ids["simple"], None), (ids["diverging"], None)]  # fmt: skip
    (folder / "runs.json").write_text(json.dumps(order))
    assert run_ranks(2, "-m", "tests.runs.training.train_run_in_ranks", str(folder / "runs.json")) == [0, 0]
    return workspace, {name: read_run(workspace, run_id) for name, run_id in ids.items()}


def results(folder: RunFolder) -> dict[str, str]:
    """What a run keeps that must not depend on interruptions: predictions, records, weights."""
    kept = (folder.predictions, folder.training_records, folder.weights(1).parent, folder.last_weights(1).parent)
    return {f"{place.name}/{name}": content for place in kept for name, content in snapshot(place).items()}


def test_a_paused_run_ends_as_an_uninterrupted_one(trained: tuple[Workspace, dict[str, Run]]) -> None:
    workspace, runs = trained
    straight, paused = runs["straight"], runs["paused"]
    assert [(run.status, run.error, run.exact) for run in (straight, paused)] == [(Status.FINISHED, "", True)] * 2
    metrics = [read_metrics(workspace, run.id).drop(columns=CLOCKS) for run in (straight, paused)]
    assert metrics[0].equals(metrics[1]) and len(metrics[0]) == EPOCHS
    folders = [run_folder(workspace, run.id) for run in (straight, paused)]
    assert results(folders[0]) == results(folders[1]) and len(results(folders[0])) > 2 * EPOCHS


def test_what_is_kept_is_whole_and_says_what_differs(trained: tuple[Workspace, dict[str, Run]]) -> None:
    workspace, runs = trained
    for name, warnings in (("simple", 0), ("straight", 1), ("paused", 1)):
        assert verify_run(workspace, runs[name].id) == [] and len(runs[name].warnings) == warnings
    assert runs["paused"].warnings == (
        "Each of its 2 processes normalised its own part of a batch, so its numbers differ a little from those of one "
        "process with the same settings.",
    )
    threads = json.loads(run_folder(workspace, runs["straight"].id).facts.read_text())["threads"]
    assert threads <= max(1, (os.cpu_count() or 1) // 2)


def test_a_training_that_diverges_fails_with_its_reason(trained: tuple[Workspace, dict[str, Run]]) -> None:
    _, runs = trained
    assert runs["diverging"].status is Status.FAILED
    assert runs["diverging"].error.startswith("Training diverged in epoch ")


def test_a_run_that_goes_on_with_another_number_of_processes_says_so(workspace: Workspace) -> None:
    """As after a torchrun of other size: it goes on from the same checkpoint, and is no longer bit-exact."""
    save_tiny(workspace)
    run_id = create_run(workspace, make_config({**TINY, "epochs": 2}))
    train(workspace, run_id, batches=5)
    (workspace.root.parent / "runs.json").write_text(json.dumps([(run_id, None)]))
    assert run_ranks(2, "-m", "tests.runs.training.train_run_in_ranks", str(workspace.root.parent / "runs.json")) == [
        0,
        0,
    ]
    run = read_run(workspace, run_id)
    assert run.status is Status.FINISHED and not run.exact
    assert any("by 2 processes together instead of 1" in text for text in run.warnings)
