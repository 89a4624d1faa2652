"""The room that a run takes on the disk, and removing the weights of its last epoch."""

import json
import os
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from cifar_core.commands.runs import runs
from cifar_core.errors import RunError
from cifar_core.lifecycle.states import Status
from cifar_core.runs import LAST_WEIGHTS, read_predictions, remove_last_weights, space_of, verify_run
from cifar_core.runs.run import RUN_SCHEMA
from cifar_core.workspace import Workspace
from tests.conftest import ROOT
from tests.runs.conftest import ended_run
from tests.runs.exported_runs import RUN, store

FIXTURES = ROOT / "tests" / "fixtures"


@pytest.mark.parametrize("stored", sorted(FIXTURES.glob("schema-*/*")), ids=lambda stored: stored.parent.name)
def test_the_parts_add_up_to_the_folder(stored: Path, workspace: Workspace) -> None:
    shutil.copytree(stored, workspace.runs / stored.name)
    parts = space_of(workspace, stored.name)
    assert sum(parts.values()) == sum(path.stat().st_size for path in stored.rglob("*") if path.is_file())
    assert {"predictions", "best weights"} <= parts.keys()
    assert parts["best weights"] == next(stored.glob("best*/*"), stored / "best.safetensors").stat().st_size
    assert (LAST_WEIGHTS in parts) == (stored / "last").exists()
    assert ("checkpoints" in parts) == (stored / "checkpoints" / "0003-0000000.safetensors").exists()


def test_the_weights_of_the_last_epoch_can_be_removed(workspace: Workspace) -> None:
    store(workspace)
    before = space_of(workspace, RUN)
    found = CliRunner().invoke(runs, ["remove-last-weights", RUN, "--json", "--workspace", str(workspace.root)])
    assert found.exit_code == 0 and json.loads(found.stdout) == {"run": RUN, "bytes": before[LAST_WEIGHTS]}
    assert "freed" in found.stderr
    assert space_of(workspace, RUN) == {part: size for part, size in before.items() if part != LAST_WEIGHTS}
    assert verify_run(workspace, RUN) == [] and read_predictions(workspace, RUN).epoch == 2
    with pytest.raises(RunError, match="has no weights beside the best"):
        remove_last_weights(workspace, RUN)


def test_nothing_of_an_active_run_is_removed(workspace: Workspace) -> None:
    run_id = ended_run(workspace, Status.QUEUED)
    last = workspace.runs / run_id / "last" / "0003.safetensors"
    last.parent.mkdir()
    last.write_bytes(b"x")
    with pytest.raises(RunError, match="is running: stop it first"):
        remove_last_weights(workspace, run_id)
    assert last.exists()


def test_nothing_of_a_run_of_a_newer_version_is_removed(workspace: Workspace) -> None:
    store(workspace)
    config = workspace.runs / RUN / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"schema_version": RUN_SCHEMA + 1}))
    size = space_of(workspace, RUN)[LAST_WEIGHTS]
    with pytest.raises(RunError, match="update it to open the run"):
        remove_last_weights(workspace, RUN)
    assert space_of(workspace, RUN)[LAST_WEIGHTS] == size


def test_a_file_that_vanishes_meanwhile_is_not_counted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the unfinished files of a run that trains do, several times a second."""
    store(workspace)
    lstat = Path.lstat

    def vanished(path: Path) -> os.stat_result:
        if path.parent.name == "last":
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", vanished)
    parts = space_of(workspace, RUN)
    assert parts and LAST_WEIGHTS not in parts
