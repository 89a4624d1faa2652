"""Run folders stored by earlier versions of this program: every version must read them, with the same numbers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cifar_core.errors import RunError
from cifar_core.runs import (
    Predictor,
    PredictorProcess,
    Run,
    Status,
    export_run,
    has_training_records,
    import_run,
    list_runs,
    read_metrics,
    read_predictions,
    read_run,
    read_within_epochs,
    recompute_job,
    rename_run,
    start_recompute,
    verify_run,
)
from cifar_core.runs.old_schemas import OldFolder, as_stored
from cifar_core.runs.run import RUN_SCHEMA
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.transfer import manifest
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, save_tiny, tiny_pictures
from tests.jobs.support import wait_for_end
from tests.runs.in_process import train

STORED = sorted((ROOT / "tests" / "fixtures").glob("schema-*/*"))
# Name, status, epochs, best epoch.
KNOWN = {
    "schema-1": ("first of its kind", Status.FINISHED, 3, 2),
    "schema-2": ("two checkpoints, then none", Status.FINISHED, 3, 3),
    "schema-2-tied": ("grand-pony-vifuz", Status.PAUSED, 3, 1),
    "schema-3": ("predictions of both splits", Status.FINISHED, 3, 2),
}
# Names, by the version of the zip.
EXPORTED = {
    1: "first of its kind",
    2: "predictions of both splits",
    3: "accuracy within epochs",
    4: "went on",
    5: "training records",
}
each_stored = pytest.mark.parametrize("stored", STORED, ids=[item.parent.name for item in STORED])


def copied(stored: Path, workspace: Workspace) -> RunFolder:
    """A stored run in a workspace that has its dataset."""
    save_tiny(workspace)
    shutil.copytree(stored, workspace.runs / stored.name)
    return run_folder(workspace, stored.name)


@each_stored
def test_stored_run_opens(stored: Path, workspace: Workspace) -> None:
    run = read_run(workspace, copied(stored, workspace).run_id)
    name, status, epochs, best = KNOWN[stored.parent.name]
    assert (run.name, run.status, run.problem) == (name, status, "")
    assert run.best is not None and run.best.epoch == best
    assert list(read_metrics(workspace, run.id)["epoch"]) == list(range(1, epochs + 1))
    assert verify_run(workspace, run.id) == []
    assert [item.id for item in list_runs(workspace)] == [run.id]
    found = read_predictions(workspace, run.id)
    images, labels = tiny_pictures(100, seed=1)
    assert np.array_equal(found.labels, labels)
    helper = PredictorProcess()
    assert np.abs(Predictor(workspace, run.id, helper).predict(images) - found.probs).max() < 1e-4
    helper.close()


@each_stored
def test_stored_run_leaves_as_one_of_the_present_schema(stored: Path, workspace: Workspace, tmp_path: Path) -> None:
    """Its folder stays as it is, and the imported copy has the same numbers."""
    folder = copied(stored, workspace)
    before = {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()}
    packed = export_run(workspace, folder.run_id, tmp_path / "a.zip")
    assert {path: path.read_bytes() for path in folder.path.rglob("*") if path.is_file()} == before
    shutil.rmtree(folder.path)
    run = read_run(workspace, import_run(workspace, packed).run)
    content = json.loads(run_folder(workspace, run.id).config.read_text())
    first = int(stored.parent.name.split("-")[1])
    assert (content["schema_version"], content["first_schema"]) == (RUN_SCHEMA, first)
    assert verify_run(workspace, run.id) == []
    assert run.best is not None and run.best.epoch == KNOWN[stored.parent.name][3]
    assert run.dataset is not None and run.dataset.test_hash == read_predictions(workspace, run.id).hash
    old = OldFolder(stored) if first < RUN_SCHEMA else RunFolder(stored)
    for epoch in range(1, len(read_metrics(workspace, run.id)) + 1):
        assert np.array_equal(read_predictions(workspace, run.id, epoch).probs, np.load(old.probs("test", epoch)))


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(
            item, id=item.parent.name, marks=[pytest.mark.slow] if item.parent.name in ("schema-2", "schema-3") else []
        )
        for item in STORED
    ],
)
def test_recomputing_carries_a_stored_run_over(stored: Path, workspace: Workspace) -> None:
    """Also where labels and ids are damaged; the other epochs, the weights and the choice of the epoch stay."""
    folder = copied(stored, workspace)
    best = KNOWN[stored.parent.name][3]
    before = {epoch: read_predictions(workspace, folder.run_id, epoch) for epoch in (1, 2, 3)}
    weights = as_stored(folder).weights(best).read_bytes()
    as_stored(folder).samples("test").write_bytes(b"")
    with pytest.raises(RunError, match="runs recompute"):
        read_predictions(workspace, folder.run_id)
    start_recompute(workspace, folder.run_id)
    assert wait_for_end(recompute_job(workspace, folder.run_id)).state == "done"
    assert as_stored(folder) == folder and not (folder.path / "history").exists()
    for epoch, found in before.items():
        again = read_predictions(workspace, folder.run_id, epoch)
        assert np.abs(again.probs - found.probs).max() < 1e-5 and again.hash == found.hash
    run = read_run(workspace, folder.run_id)
    assert run.best is not None and run.best.epoch == best and folder.weights(best).read_bytes() == weights
    validation = read_predictions(workspace, run.id, best, split="validation")
    assert run.dataset is not None and len(validation.labels) == run.dataset.validation
    assert run.dataset.test_hash == before[1].hash
    assert verify_run(workspace, run.id) == []


@pytest.mark.fault(82)
def test_a_resumed_run_keeps_the_earlier_of_two_equal_epochs(workspace: Workspace) -> None:
    """Epochs 1, 2, 5 and 6 have the same validation accuracy; the present rule would choose epoch 6."""
    (stored,) = (path for path in STORED if path.parent.name == "schema-2-tied")
    folder = copied(stored, workspace)
    weights = folder.weights(1).read_bytes()
    run = train(workspace, folder.run_id)
    assert (run.status, len(read_metrics(workspace, run.id))) == (Status.FINISHED, 6), run.error
    accuracies = read_metrics(workspace, run.id)["validation_accuracy"]
    assert list(accuracies[accuracies == accuracies.max()].index + 1) == [1, 2, 5, 6]
    assert (run.epoch_rule, run.best.epoch if run.best else 0) == ("earliest", 1)
    assert folder.weights(1).read_bytes() == weights and not (folder.path / "history").exists()
    assert folder.last_weights(6).exists()
    assert run.dataset is not None and run.dataset.test_hash == read_predictions(workspace, run.id).hash
    assert verify_run(workspace, run.id) == []
    assert len(read_predictions(workspace, run.id, 6, split="validation").labels) == 6
    with pytest.raises(RunError, match="are missing: choose another epoch"):
        read_predictions(workspace, run.id, 2, split="validation")


def test_recomputing_brings_validation_predictions_back(workspace: Workspace) -> None:
    (stored,) = (path for path in STORED if path.parent.name == "schema-3")
    folder = copied(stored, workspace)
    before = read_predictions(workspace, folder.run_id, split="validation")
    folder.probs("validation", before.epoch).write_bytes(b"")
    with pytest.raises(RunError, match="runs recompute"):
        read_predictions(workspace, folder.run_id, split="validation")
    start_recompute(workspace, folder.run_id)
    assert wait_for_end(recompute_job(workspace, folder.run_id)).state == "done"
    assert np.abs(read_predictions(workspace, folder.run_id, split="validation").probs - before.probs).max() < 1e-5


def test_the_only_weights_of_schema_1_survive_where_the_log_is_behind_the_checkpoint(workspace: Workspace) -> None:
    """As after a crash between the checkpoint of the best epoch and its line of the log."""
    (stored,) = (path for path in STORED if path.parent.name == "schema-2-tied")
    folder = copied(stored, workspace)
    folder.config.write_text(json.dumps(json.loads(folder.config.read_text()) | {"schema_version": 1}))
    weights = folder.weights(1).read_bytes()
    folder.weights(1).rename(OldFolder(folder.path).only_weights)
    folder.metrics.write_text("")
    run = train(workspace, folder.run_id, batches=1)
    assert (run.status, run.best.epoch if run.best else 0) == (Status.PAUSED, 1), run.error
    assert folder.weights(1).read_bytes() == weights
    assert verify_run(workspace, run.id) == []


def test_every_schema_has_a_stored_run() -> None:
    assert {item.parent.name for item in STORED} == set(KNOWN)
    assert {int(name.split("-")[1]) for name in KNOWN} == set(range(1, RUN_SCHEMA + 1))


@pytest.mark.parametrize("version", range(1, manifest.VERSION + 1))
def test_stored_export_is_imported(version: int, workspace: Workspace) -> None:
    """A zip that an earlier version exported can be imported."""
    imported = import_run(workspace, ROOT / "tests" / "fixtures" / f"exported-{version}.zip")
    run = read_run(workspace, imported.run)
    assert (run.name, run.status, run.problem) == (EXPORTED[version], Status.FINISHED, "")
    assert verify_run(workspace, run.id) == []
    assert as_stored(run_folder(workspace, run.id)) == run_folder(workspace, run.id)
    assert read_within_epochs(workspace, run.id).empty == (version < 3)
    assert has_training_records(workspace, run.id) == (version >= 5)
    _, labels = tiny_pictures(100, seed=1)
    assert np.array_equal(read_predictions(workspace, run.id).labels, labels)


def test_a_run_of_a_newer_version_says_so_and_stays(shared: Workspace, finished: Run, workspace: Workspace) -> None:
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    config = workspace.runs / finished.id / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"schema_version": RUN_SCHEMA + 1, "program": "9.0"}))
    before = config.read_bytes()
    (run,) = list_runs(workspace)
    assert "was made by version 9.0 of this program" in run.problem and "update it" in run.problem
    with pytest.raises(RunError, match="was made by version"):
        rename_run(workspace, finished.id, "new")
    assert verify_run(workspace, finished.id) == [run.problem]
    assert config.read_bytes() == before
