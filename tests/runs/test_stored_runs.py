"""Run folders stored by earlier versions of this program: every version must read them, with the same numbers."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from cifar_core.runs import (
    Predictor,
    PredictorProcess,
    Status,
    import_run,
    list_runs,
    read_metrics,
    read_predictions,
    read_run,
    verify_run,
)
from cifar_core.runs.transfer import manifest
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, tiny_pictures

STORED = sorted((ROOT / "tests" / "fixtures").glob("schema-*/*"))
KNOWN = {"schema-1": ("first of its kind", 3), "schema-2": ("two checkpoints, then none", 3)}  # name, epochs


@pytest.mark.parametrize("stored", STORED, ids=[item.parent.name for item in STORED])
def test_stored_run_opens(stored: Path, workspace: Workspace) -> None:
    shutil.copytree(stored, workspace.runs / stored.name)
    name, epochs = KNOWN[stored.parent.name]
    run = read_run(workspace, stored.name)
    assert (run.name, run.status, run.problem) == (name, Status.FINISHED, "")
    assert list(read_metrics(workspace, run.id)["epoch"]) == list(range(1, epochs + 1))
    assert verify_run(workspace, run.id) == []
    assert [item.id for item in list_runs(workspace)] == [run.id]
    found = read_predictions(workspace, run.id)
    images, labels = tiny_pictures(100, seed=1)
    assert np.array_equal(found.labels, labels)
    helper = PredictorProcess()
    assert np.abs(Predictor(workspace, run.id, helper).predict(images) - found.probs).max() < 1e-4
    helper.close()


def test_every_schema_has_a_stored_run() -> None:
    assert {item.parent.name for item in STORED} == set(KNOWN)


@pytest.mark.parametrize("version", range(1, manifest.VERSION + 1))
def test_stored_export_is_imported(version: int, workspace: Workspace) -> None:
    """A zip that an earlier version exported can be imported."""
    imported = import_run(workspace, ROOT / "tests" / "fixtures" / f"exported-{version}.zip")
    run = read_run(workspace, imported.run)
    assert (run.name, run.status, run.problem) == ("first of its kind", Status.FINISHED, "")
    assert verify_run(workspace, run.id) == []
    _, labels = tiny_pictures(100, seed=1)
    assert np.array_equal(read_predictions(workspace, run.id).labels, labels)
