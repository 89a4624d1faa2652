"""The room that a run takes on the disk, and removing the weights of its last epoch. Nothing is trained here."""

import json
from pathlib import Path

import pytest

from cifar_core.errors import RunError
from cifar_core.runs import LAST_WEIGHTS, Status, remove_last_weights, space_of
from cifar_core.runs.run import RUN_SCHEMA
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace
from tests.runs.conftest import ended_run

SIZE = 1234  # bytes of the weights of the last epoch


@pytest.fixture
def folder(workspace: Workspace) -> RunFolder:
    """Of an ended run whose last epoch is not its best."""
    folder = run_folder(workspace, ended_run(workspace))
    weights = folder.last_weights(3)
    weights.parent.mkdir()
    weights.write_bytes(b"x" * SIZE)
    return folder


def files_of(folder: RunFolder) -> list[Path]:
    return [path for path in folder.path.rglob("*") if path.is_file()]


def edit(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refused(workspace: Workspace, folder: RunFolder, message: str) -> None:
    """The weights of the last epoch are not removed."""
    with pytest.raises(RunError, match=message):
        remove_last_weights(workspace, folder.run_id)
    assert folder.last_weights(3).exists()


def test_the_parts_sum_up_to_the_folder(workspace: Workspace, folder: RunFolder) -> None:
    parts = space_of(workspace, folder.run_id)
    assert parts[LAST_WEIGHTS] == SIZE
    assert sum(parts.values()) == sum(path.stat().st_size for path in files_of(folder))


def test_a_file_that_vanishes_meanwhile_is_not_counted(
    workspace: Workspace, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the unfinished files of a run that trains do, twice a second."""
    gone, lstat = folder.last_weights(3), Path.lstat

    def vanished(path: Path) -> object:
        if path == gone:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return lstat(path)

    monkeypatch.setattr(Path, "lstat", vanished)
    parts = space_of(workspace, folder.run_id)
    assert parts and LAST_WEIGHTS not in parts


def test_the_weights_of_the_last_epoch_can_be_removed_once(workspace: Workspace, folder: RunFolder) -> None:
    before = {path: path.read_bytes() for path in files_of(folder) if path != folder.last_weights(3)}
    assert remove_last_weights(workspace, folder.run_id) == SIZE
    assert {path: path.read_bytes() for path in files_of(folder)} == before
    with pytest.raises(RunError, match="has no weights beside the best"):
        remove_last_weights(workspace, folder.run_id)


def test_nothing_is_removed_from_an_active_run(workspace: Workspace, folder: RunFolder) -> None:
    with hold_lock(folder.lock):
        edit(folder.status, status=Status.RUNNING)
        refused(workspace, folder, "is running: stop it first")


def test_nothing_is_removed_from_a_run_of_a_newer_version(workspace: Workspace, folder: RunFolder) -> None:
    edit(folder.config, schema_version=RUN_SCHEMA + 1)
    refused(workspace, folder, "update it to open the run")
