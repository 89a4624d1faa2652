"""A run whose dataset is gone: another one with the same pictures is linked; what is not the same is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cifar_core.data import Dataset, Split, delete_dataset, hash_of_pictures, save_dataset
from cifar_core.errors import CifarCoreError, DataError, RunError
from cifar_core.runs import (
    LinkedDataset,
    export_run,
    link_dataset,
    linkable_datasets,
    note_run,
    open_run_dataset,
    read_predictions,
    read_run,
    seen_pictures,
    start_recompute,
)
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.runs.exported_runs import RUN, members, store


@pytest.fixture
def tiny(workspace: Workspace) -> Dataset:
    """The dataset of the stored run, which keeps a hash of its test pixels as runs of today do."""
    store(workspace)
    dataset = save_tiny(workspace)
    facts = run_folder(workspace, RUN).facts
    content = json.loads(facts.read_text())
    content["dataset"] |= {"fingerprint": dataset.fingerprint, "test_pixels": hash_of_pictures(dataset.test)}
    facts.write_text(json.dumps(content))
    return dataset


def shuffled(workspace: Workspace, source: Dataset, name: str, **changes: np.ndarray) -> Dataset:
    """The dataset with its classes and test pictures in another order; `changes` are of its test part."""
    classes = np.random.default_rng(1).permutation(len(source.class_names))
    place, order = np.argsort(classes), np.random.default_rng(2).permutation(len(source.test.labels))
    test = Split(*(changes.get(key, getattr(source.test, key)) for key in ("images", "labels", "ids"))).take(order)
    return save_dataset(
        workspace,
        name,
        replace(source.train, labels=place[source.train.labels]),
        replace(test, labels=place[test.labels]),
        title=name,
        class_names=tuple(source.class_names[index] for index in classes),
        source="Made by the tests.",
    )


def test_a_copy_is_linked_and_used_while_the_own_dataset_is_gone(workspace: Workspace, tiny: Dataset) -> None:
    save_tiny(workspace, "copy")
    note_run(workspace, RUN, "mine")
    link_dataset(workspace, RUN, "copy")
    run = read_run(workspace, RUN)
    assert run.linked_dataset == LinkedDataset("copy", tiny.fingerprint) and run.note == "mine"
    assert open_run_dataset(workspace, run).name == "tiny", "its own dataset comes first"
    delete_dataset(workspace, "tiny")
    assert linkable_datasets(workspace, run) == ["copy"]
    assert open_run_dataset(workspace, run, exact=True).name == "copy"
    assert "copy" not in members(export_run(workspace, RUN))["about.json"].decode(), "names of here mean nothing there"
    save_tiny(workspace)
    link_dataset(workspace, RUN, "tiny")
    assert read_run(workspace, RUN).linked_dataset is None and read_run(workspace, RUN).note == "mine"


def test_pictures_and_classes_in_another_order_are_matched_by_id(workspace: Workspace, tiny: Dataset) -> None:
    pixels = tiny.test.images[:]
    other = shuffled(workspace, tiny, "other")
    delete_dataset(workspace, "tiny")
    assert other.class_names != tiny.class_names and not np.array_equal(other.test.ids, tiny.test.ids)
    run = read_run(workspace, RUN)
    assert linkable_datasets(workspace, run) == ["other"]
    link_dataset(workspace, RUN, "other")
    run, predictions = read_run(workspace, RUN), read_predictions(workspace, RUN)
    found = open_run_dataset(workspace, run)
    assert found.class_names == predictions.class_names and np.array_equal(found.test.ids, predictions.ids)
    assert np.array_equal(found.test.labels, predictions.labels) and np.array_equal(found.test.images, pixels)
    names = [found.class_names[label] for label in found.train.labels]
    assert names == [tiny.class_names[label] for label in tiny.train.labels]
    assert seen_pictures(workspace, run, replace(predictions, seen=None)) is None, "its training part may be another"
    with pytest.raises(RunError, match="may have others in training: bring back the run's own"):
        start_recompute(workspace, RUN)


@pytest.mark.fault(86)
def test_other_pictures_are_refused_with_the_reason(workspace: Workspace, tiny: Dataset) -> None:
    images, labels, ids = tiny.test.images.copy(), tiny.test.labels.copy(), tiny.test.ids.copy()
    images[7, 0, 3, 3] ^= 1
    labels[[0, 1]] = labels[[1, 0]] if labels[0] != labels[1] else (labels[0] + 1) % 10
    ids[3] = "test/another.png"
    for name, change, reason in (
        ("pixels", {"images": images}, "has the test ids of run .*, but other pixels"),
        ("labels", {"labels": labels}, "2 of its test pictures are of another class, such as test/0000"),
        ("ids", {"ids": ids}, "has other test pictures than run .*: their ids differ"),
    ):
        shuffled(workspace, tiny, name, **change)
        with pytest.raises(RunError, match=reason):
            link_dataset(workspace, RUN, name)
    save_dataset(workspace, "classes", tiny.train, tiny.test, title="", class_names=tuple("abcdefghij"), source="x")
    with pytest.raises(RunError, match="has other classes"):
        link_dataset(workspace, RUN, "classes")
    with pytest.raises(DataError, match="no dataset named nowhere"):
        link_dataset(workspace, RUN, "nowhere")
    assert read_run(workspace, RUN).linked_dataset is None
    assert linkable_datasets(workspace, read_run(workspace, RUN)) == ["tiny"]


def test_a_run_without_a_hash_of_pixels_takes_only_the_same_fingerprint(workspace: Workspace, tiny: Dataset) -> None:
    facts = run_folder(workspace, RUN).facts
    content = json.loads(facts.read_text())
    del content["dataset"]["test_pixels"]
    facts.write_text(json.dumps(content))
    shuffled(workspace, tiny, "other")
    save_tiny(workspace, "copy")
    with pytest.raises(RunError, match="only a dataset with the same fingerprint can be linked"):
        link_dataset(workspace, RUN, "other")
    assert linkable_datasets(workspace, read_run(workspace, RUN)) == ["copy", "tiny"]


def test_a_link_whose_dataset_changes_or_goes_is_said(workspace: Workspace, tiny: Dataset) -> None:
    save_tiny(workspace, "copy")
    link_dataset(workspace, RUN, "copy")
    for name in ("tiny", "copy"):
        delete_dataset(workspace, name)
    with pytest.raises(DataError, match="The dataset copy was deleted"):
        open_run_dataset(workspace, read_run(workspace, RUN))
    save_tiny(workspace, "copy", seed=7)
    with pytest.raises(RunError, match=f"copy has changed since run {RUN} was linked to it: link the run again"):
        open_run_dataset(workspace, read_run(workspace, RUN))


@pytest.mark.parametrize("link", [{"name": "../x", "fingerprint": "0" * 64}, {"name": "copy"}, "copy", 7, []])
def test_a_link_that_breaks_a_rule_is_no_link(workspace: Workspace, tiny: Dataset, link: object) -> None:
    run_folder(workspace, RUN).about.write_text(json.dumps({"name": "mine", "dataset": link}))
    run = read_run(workspace, RUN)
    assert run.linked_dataset is None and run.name == "mine" and not run.problem
    with pytest.raises(CifarCoreError):
        link_dataset(workspace, RUN, "nowhere")
