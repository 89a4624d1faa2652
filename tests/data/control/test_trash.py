"""Deleting and restoring datasets, and removing them for good."""

import datetime
import shutil
from collections.abc import Callable

import numpy as np
import pytest

from cifar_core.data import (
    delete_dataset,
    deleted_datasets,
    empty_dataset_trash,
    list_datasets,
    open_dataset,
    require_unchanged,
    restore_dataset,
)
from cifar_core.data.checks.about import DatasetAbout, read_about, write_about
from cifar_core.data.checks.check import check_dataset, read_check
from cifar_core.data.store import dataset_lock
from cifar_core.errors import DataError, StorageError
from cifar_core.limits import LIMITS_FILE
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.trash import empty_old_trash
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.conftest import snapshot


def test_a_deleted_dataset_comes_back_as_it_was(workspace: Workspace) -> None:
    """With its check and its words; also a built-in one, and of two of one name the one deleted last, or either."""
    first = save_tiny(workspace, "drawn10", seed=7)
    delete_dataset(workspace, "drawn10")
    dataset = save_tiny(workspace, "drawn10", validation=20)
    check_dataset(workspace, dataset)
    write_about(workspace, "drawn10", DatasetAbout("Mine."))
    before = snapshot(workspace.data, but=(".trash", ".jobs", "job.lock"))
    held = open_dataset(workspace, "drawn10")
    delete_dataset(workspace, "drawn10")
    assert list_datasets(workspace)[0].state == "absent"
    assert [item.id for item in deleted_datasets(workspace)] == ["drawn10", "drawn10"]
    assert np.array(held.train.images).any(), "who has it open, such as a training, reads on"
    with pytest.raises(DataError, match="drawn10 was deleted: bring it back on the Data page"):
        open_dataset(workspace, "drawn10")
    restore_dataset(workspace, "drawn10")
    (other,) = deleted_datasets(workspace)
    after = snapshot(workspace.data, but=(".trash", ".jobs", "job.lock"))
    assert {name: text for name, text in after.items() if not name.startswith(".trash")} == {
        name: text for name, text in before.items() if not name.startswith(".trash")
    }
    back = open_dataset(workspace, "drawn10")
    require_unchanged(back)
    assert back.fingerprint == dataset.fingerprint and read_check(workspace, back) is not None
    assert read_about(workspace, "drawn10").description == "Mine."
    with pytest.raises(DataError, match="There is a dataset drawn10 here already: delete it first"):
        restore_dataset(workspace, "drawn10")
    assert deleted_datasets(workspace) == [other]
    delete_dataset(workspace, "drawn10")
    restore_dataset(workspace, other.path.name)
    assert open_dataset(workspace, "drawn10").fingerprint == first.fingerprint


def test_what_is_being_prepared_or_not_there_is_a_sentence(workspace: Workspace) -> None:
    save_tiny(workspace)
    delete_dataset(workspace, "tiny")
    with hold_lock(dataset_lock(workspace, "tiny")), pytest.raises(DataError, match="is being prepared"):
        restore_dataset(workspace, "tiny")
    for name in ("mine", "../x", "", "a" * 300, "a\0"):
        with pytest.raises(DataError, match=r"There is no deleted dataset .*; the trash has tiny\.$"):
            restore_dataset(workspace, name)
    restore_dataset(workspace, "tiny")
    with pytest.raises(DataError, match=r"the trash has none\.$"):
        restore_dataset(workspace, "tiny")


def test_the_trash_keeps_for_as_long_as_the_server_says(workspace: Workspace) -> None:
    save_tiny(workspace, "old")
    save_tiny(workspace, "new")
    for name in ("old", "new"):
        delete_dataset(workspace, name)
    (item,) = [item for item in deleted_datasets(workspace) if item.id == "old"]
    assert item.deleted is not None
    earlier = item.deleted - datetime.timedelta(days=20)
    item.path.rename(item.path.with_name(f"{earlier:%Y%m%d-%H%M%S}-000-old"))
    empty_old_trash(workspace)
    assert len(deleted_datasets(workspace)) == 2
    (workspace.root / LIMITS_FILE).write_text('{"trash_days": 19}')
    empty_old_trash(workspace)
    assert [item.id for item in deleted_datasets(workspace)] == ["new"]
    (workspace.deleted_datasets / "mine").mkdir()
    assert empty_dataset_trash(workspace) == 1
    assert [item.name for item in workspace.deleted_datasets.iterdir()] == ["mine"], "what is not ours stays"


def test_a_full_disk_leaves_the_dataset(workspace: Workspace, arm: Callable[[str], None]) -> None:
    dataset = save_tiny(workspace)
    arm("replace:1:enospc")
    with pytest.raises(StorageError, match="disk is full while deleting dataset tiny"):
        delete_dataset(workspace, "tiny")
    assert open_dataset(workspace, "tiny").fingerprint == dataset.fingerprint
    assert deleted_datasets(workspace) == []


def test_a_broken_dataset_is_deleted_and_comes_back(workspace: Workspace) -> None:
    save_tiny(workspace)
    (workspace.data / "tiny" / "meta.json").unlink()
    delete_dataset(workspace, "tiny")
    restore_dataset(workspace, "tiny")
    assert [state.state for state in list_datasets(workspace) if state.name == "tiny"] == ["broken"]
    shutil.rmtree(workspace.data / "tiny")
    (workspace.data / "tiny").write_text("no dataset")
    delete_dataset(workspace, "tiny")
    assert not (workspace.data / "tiny").exists() and deleted_datasets(workspace) == []
