"""Weights that hold NaN, or are so large that the probabilities are NaN, in files with a matching hash: an error."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import Predictor, PredictorProcess, create_run, list_runs, read_run, start_recompute, verify_run
from cifar_core.runs.hashed_tensors import check_hash, with_hash
from cifar_core.runs.predict.recompute_process import recompute_best_epoch
from cifar_core.runs.predict.run_network import RunNetwork
from cifar_core.runs.run_folder import RunFolder, checkpoint_files
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny, tiny_pictures
from tests.runs.conftest import snapshot
from tests.runs.exported_runs import members, packed_run, rewrite
from tests.runs.in_process import TINY, one_thread, train
from tests.runs.transfer.test_importing import refused

pytestmark = pytest.mark.fault(92)
WEIGHTS = "best/0002.safetensors"  # in the stored run
HUGE = 3e38  # close to the largest float32
LOCK = ("training.lock",)


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a run that was paused in its third epoch."""
    one_thread()
    workspace = open_workspace(tmp_path_factory.mktemp("numbers") / "workspace")
    save_tiny(workspace, train=100, test=40)
    train(workspace, create_run(workspace, make_config(TINY)), batches=7)
    return workspace


@pytest.fixture
def folder(held: Workspace, tmp_path: Path) -> Iterator[RunFolder]:
    """The run's folder, restored after the test."""
    there = held.runs / list_runs(held)[0].id
    shutil.copytree(there, tmp_path / "kept")
    yield RunFolder(there)
    shutil.rmtree(there)
    shutil.move(tmp_path / "kept", there)


def filled(content: bytes, value: float) -> bytes:
    """A file of tensors with all its float32 tensors set to a value, with a matching hash and the old notes."""
    notes = check_hash(io.BytesIO(content), required=False)
    tensors = safetensors.torch.load(content)
    for tensor in tensors.values():
        if tensor.dtype == torch.float32 and tensor.ndim:
            tensor.fill_(value)
    return b"".join(with_hash(safetensors.torch.save(tensors, notes)))


def fill(path: Path, value: float) -> None:
    path.write_bytes(filled(path.read_bytes(), value))


class InProcessPredictor(PredictorProcess):
    """Predicts in the process of the test."""

    def predict(self, run_dir: Path, epoch: int, images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return RunNetwork(RunFolder(run_dir), epoch)(torch.from_numpy(images.copy())).numpy().ravel()


def best_weights(folder: RunFolder) -> Path:
    best = read_run(folder.workspace, folder.run_id).best
    assert best is not None
    return folder.weights(best.epoch)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_best_weights_that_are_not_finite(held: Workspace, folder: RunFolder, value: float) -> None:
    fill(best_weights(folder), value)
    before = snapshot(folder.path)
    assert [problem for problem in verify_run(held, folder.run_id) if "values that are not numbers" in problem]
    with pytest.raises(RunError, match="values that are not numbers"):
        Predictor(held, folder.run_id, InProcessPredictor())
    with pytest.raises(RunError, match=r"values that are not numbers\. Its metrics are whole; duplicate the run"):
        start_recompute(held, folder.run_id)
    assert snapshot(folder.path) == before


def test_weights_too_large_for_any_prediction(held: Workspace, folder: RunFolder) -> None:
    fill(best_weights(folder), HUGE)
    before = snapshot(folder.path, but=LOCK)
    assert verify_run(held, folder.run_id) == [], "they are finite, and the stored predictions are of other weights"
    with pytest.raises(RunError, match=r"gives values that are not numbers: its weights are too large"):
        Predictor(held, folder.run_id, InProcessPredictor()).predict(tiny_pictures(2)[0])
    with pytest.raises(RunError, match=r"so large that its probabilities are not numbers.* Nothing was changed"):
        recompute_best_epoch(folder)
    assert snapshot(folder.path, but=LOCK) == before


def test_weights_too_large_are_refused_where_the_accuracy_fits(held: Workspace, folder: RunFolder) -> None:
    """The argmax of NaN is the first class, whose share of the pictures can be the accuracy in the metrics."""
    lines, best = folder.metrics.read_text("utf-8"), list_runs(held)[0].best
    assert best is not None
    folder.metrics.write_text(lines.replace(f'"test_accuracy": {best.test_accuracy}', '"test_accuracy": 0.1'), "utf-8")
    fill(best_weights(folder), HUGE)
    before = snapshot(folder.path, but=LOCK)
    with pytest.raises(RunError, match="probabilities are not numbers"):
        recompute_best_epoch(folder)
    assert snapshot(folder.path, but=LOCK) == before


def test_a_training_that_is_resumed_from_weights_too_large(held: Workspace, folder: RunFolder) -> None:
    for path in checkpoint_files(folder):
        fill(path, HUGE)
    before = {name: content for name, content in snapshot(folder.path).items() if "history" in name or "predi" in name}
    run = train(held, folder.run_id)
    assert run.status.value == "failed" and "Training diverged in epoch 3: the loss is no longer a number" in run.error
    after = snapshot(folder.path)
    assert {name: after.get(name) for name in before} == before
    for file in folder.path.rglob("*.json*"):
        assert "NaN" not in file.read_text() and "Infinity" not in file.read_text()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_they_are_not_imported(workspace: Workspace, tmp_path: Path, value: float) -> None:
    packed = packed_run(open_workspace(tmp_path / "origin"))
    weights = filled(members(packed)[WEIGHTS], value)
    refused(workspace, rewrite(packed, tmp_path / "a.zip", {WEIGHTS: weights}), "values that are not numbers")
