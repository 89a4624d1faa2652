"""The check of a dataset is kept with it, made again where it is absent, damaged or of something else, and a job."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from cifar_core.data import delete_dataset
from cifar_core.data.checks import check as module
from cifar_core.data.checks.check import check_dataset, read_check, read_warnings
from cifar_core.data.checks.check_job import check_job, start_check
from cifar_core.data.checks.properties import picture_properties
from cifar_core.data.dataset import Split
from cifar_core.data.store import is_saved, open_dataset, save_dataset
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.job import read_job
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.jobs.support import wait_for_end

FIXTURE = Path(__file__).parents[2] / "fixtures" / "dataset-1" / "old"


def test_it_is_made_once_and_kept(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = save_tiny(workspace)
    assert read_check(workspace, dataset) is None
    assert read_warnings(workspace, dataset.name, dataset.fingerprint, 100, 0) is None
    made = check_dataset(workspace, dataset)
    monkeypatch.delattr(module, "find_groups")
    monkeypatch.delattr(module, "picture_properties")  # what is kept is enough
    kept = check_dataset(workspace, open_dataset(workspace, dataset.name))
    np.testing.assert_array_equal(kept.groups.train, made.groups.train)
    np.testing.assert_array_equal(kept.groups.test, made.groups.test)
    np.testing.assert_array_equal(kept.train_properties, picture_properties(dataset.train.images))
    np.testing.assert_array_equal(kept.test_properties, picture_properties(dataset.test.images))
    assert kept.duplicates == made.duplicates
    assert read_warnings(workspace, dataset.name, dataset.fingerprint, 100, 0) == []


@pytest.mark.parametrize(
    "fault",
    ["no record", "not json", "other version", "other dataset", "no array", "cut", "wild", "no table", "other table"],
)
def test_it_is_made_again_where_what_is_kept_does_not_serve(workspace: Workspace, fault: str) -> None:
    dataset = save_tiny(workspace)
    made = check_dataset(workspace, dataset)
    folder = workspace.data / dataset.name
    record, array = folder / "check.json", folder / "check_groups.npy"
    table = folder / "check_properties.npy"
    content = json.loads(record.read_text())
    match fault:
        case "no record":
            record.unlink()
        case "not json":
            record.write_text("{")
        case "other version":
            record.write_text(json.dumps({**content, "version": content["version"] + 1}))
        case "other dataset":
            record.write_text(json.dumps({**content, "fingerprint": "f" * 64}))
        case "no array":
            array.unlink()
        case "cut":
            array.write_bytes(array.read_bytes()[:-4])
        case "wild":
            np.save(array, np.full(400, 400, np.int32))
        case "no table":
            table.unlink()
        case "other table":
            np.save(table, np.full((400, 6), np.nan, np.float32))
    assert read_check(workspace, dataset) is None
    again = check_dataset(workspace, dataset)
    np.testing.assert_array_equal(again.groups.train, made.groups.train)
    assert read_check(workspace, dataset) is not None


def test_half_a_check_is_not_taken_for_one(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = save_tiny(workspace)
    check_dataset(workspace, dataset)
    monkeypatch.setattr(module, "read_check", lambda *_: None)
    monkeypatch.setattr(module, "write_json", lambda *_, **__: (_ for _ in ()).throw(StorageError("The disk is full.")))
    check_dataset(workspace, dataset)
    assert read_check(workspace, dataset) is None


@pytest.mark.parametrize("replaced", [True, False])
def test_a_dataset_that_goes_while_it_is_checked_is_a_sentence(workspace: Workspace, replaced: bool) -> None:
    dataset = save_tiny(workspace)

    def go(*_: object) -> None:
        if is_saved(workspace, "tiny") and open_dataset(workspace, "tiny").fingerprint == dataset.fingerprint:
            delete_dataset(workspace, "tiny")
            if replaced:
                save_tiny(workspace, seed=5)

    with pytest.raises(DataError, match="was replaced while it was checked" if replaced else "cannot be read any more"):
        check_dataset(workspace, dataset, go)
    if replaced:
        assert read_check(workspace, open_dataset(workspace, "tiny")) is None


@pytest.mark.parametrize(
    "numbers",
    [
        np.minimum(np.arange(0, 800, 2), 398),  # with gaps
        np.r_[1, 0, np.arange(2, 400)],  # in another order
        np.minimum(np.arange(400), 398),  # a duplicate, of which the record says nothing
    ],
)
def test_numbers_that_cannot_be_groups_are_found_anew(workspace: Workspace, numbers: np.ndarray) -> None:
    dataset = save_tiny(workspace)
    check_dataset(workspace, dataset)
    np.save(workspace.data / dataset.name / "check_groups.npy", numbers.astype(np.int32))
    assert read_check(workspace, dataset) is None
    assert check_dataset(workspace, dataset).groups.count == 400


def test_a_strong_shortcut_is_kept_and_said(workspace: Workspace) -> None:
    """Of two classes, one is dark and one is bright."""
    labels = np.arange(120) % 2
    images = np.random.default_rng(0).integers(0, 60, (120, 3, 32, 32), dtype=np.uint8)
    images[labels == 1] += 180
    rows = {"train": np.arange(80), "test": np.arange(80, 120)}
    parts = [
        Split(images[place], labels[place], np.array([f"{part}/{row}" for row in place]))
        for part, place in rows.items()
    ]
    dataset = save_dataset(workspace, "bright", *parts, title="Bright", class_names=("a", "b"), source="Here.")
    (sentence,) = [text for text in check_dataset(workspace, dataset).shortcuts if text.startswith("Brightness")]
    assert sentence.endswith(" % of the pictures (chance: 50 %).")
    kept = read_warnings(workspace, "bright", dataset.fingerprint, 40, 0)
    assert kept is not None
    assert f"{sentence} A network may learn that instead of what the pictures show." in kept
    assert read_check(workspace, dataset) is not None


def test_where_it_cannot_be_kept_it_is_made_all_the_same(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = save_tiny(workspace)

    def full(*_: object, **__: object) -> None:
        raise StorageError("The disk is full.")

    monkeypatch.setattr(module, "write_array", full)
    assert check_dataset(workspace, dataset).groups.count > 0
    assert read_check(workspace, dataset) is None


def test_a_dataset_of_an_earlier_version_is_checked_by_a_job(workspace: Workspace) -> None:
    shutil.copytree(FIXTURE, workspace.data / "old")
    start_check(workspace, "old")
    assert wait_for_end(check_job(workspace, "old")).state == "done"
    dataset = open_dataset(workspace, "old")
    kept = read_check(workspace, dataset)
    assert kept is not None
    assert len(kept.groups.train) == len(dataset.train.labels)
    delete_dataset(workspace, "old")
    with pytest.raises(DataError, match="The dataset old was deleted: bring it back"):
        start_check(workspace, "old")
    assert read_job(check_job(workspace, "old")) is not None  # nothing else was changed
