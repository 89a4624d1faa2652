"""The dozen pictures of a watched run, and the one that it forgot: as its whole predictions say."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from cifar_core.runs import (
    choose_dozen,
    find_forgotten,
    read_learning_step,
    read_predictions,
)
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from tests.runs.pictures.test_pictures import STORED, copied


@pytest.mark.parametrize(("classes", "count"), [(1, 30), (2, 30), (10, 200), (82, 500), (10, 5), (3, 0)])
def test_a_dozen_is_spread_over_the_classes_and_always_the_same(classes: int, count: int) -> None:
    labels = np.random.default_rng(1).permutation(np.arange(count) % classes)
    chosen = choose_dozen(labels, 7)
    assert len(set(chosen.tolist())) == len(chosen) == min(12, count)
    of_each = np.bincount(labels[chosen], minlength=classes)
    assert len(chosen) == 0 or of_each.max() <= -(-len(chosen) // min(classes, len(chosen)))
    assert np.array_equal(chosen, choose_dozen(labels, 7))
    assert (np.diff(labels[chosen]) >= 0).all(), "pictures of a class stand beside each other"
    assert count < 30 or not np.array_equal(chosen, choose_dozen(labels, 8))


def test_the_first_pictures_are_not_preferred() -> None:
    labels = np.arange(1000) % 10
    chosen = np.concatenate([choose_dozen(labels, seed) for seed in range(40)])
    assert 400 < chosen.mean() < 600


def test_an_epoch_says_who_is_right_and_who_turned(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    whole = read_predictions(workspace, run.id, 1)
    rows = choose_dozen(whole.labels, 0)
    labels = whole.labels[rows]
    assert run.last is not None
    before: np.ndarray | None = None
    for epoch in range(1, run.last.epoch + 1):
        step = read_learning_step(workspace, run, epoch, rows, labels)
        assert step is not None
        predicted = read_predictions(workspace, run.id, epoch).predicted[rows]
        right = predicted == labels
        assert np.array_equal(step.predicted, predicted) and np.array_equal(step.right, right)
        assert np.array_equal(step.turned_right, np.zeros(len(rows), bool) if before is None else right & ~before)
        assert np.array_equal(step.turned_wrong, np.zeros(len(rows), bool) if before is None else before & ~right)
        before = right
    RunFolder(workspace.runs / run.id).probs("test", run.last.epoch).unlink()
    assert read_learning_step(workspace, run, run.last.epoch, rows, labels) is None


def test_the_forgotten_picture_was_right_most_often_and_is_wrong_now(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    folder = RunFolder(workspace.runs / run.id)
    assert run.last is not None and run.dataset is not None
    found = read_predictions(workspace, run.id, 1)
    count, classes = run.dataset.test, len(run.dataset.class_names)
    last = run.last.epoch
    right = np.random.default_rng(3).random((last, count)) < 0.5
    right[-1, 5], right[:-1, 5] = False, True  # the others may be as often right, but not before it
    right[-1, :5] = True
    for epoch in range(1, last + 1):
        answers = np.where(right[epoch - 1], found.labels, (found.labels + 1) % classes)
        np.save(folder.probs("test", epoch), np.eye(classes, dtype=np.float32)[answers])
    forgotten = find_forgotten(workspace, run)
    assert forgotten is not None and forgotten.row == 5 and forgotten.id == found.ids[5]
    names = run.dataset.class_names
    assert (forgotten.true, forgotten.predicted) == (
        names[found.labels[5]],
        names[(found.labels[5] + 1) % classes],
    )
    assert (forgotten.right_until, forgotten.right_epochs) == (last - 1, last - 1)
    shutil.copy(folder.probs("test", last - 1), folder.probs("test", last))
    right[-1] = right[-2]
    times = np.where(right[-1], 0, right.sum(axis=0))
    again = find_forgotten(workspace, run)
    assert (again.right_epochs if again else 0) == times.max()
    assert find_forgotten(workspace, replace(run, last=replace(run.last, epoch=1))) is None, "nothing to forget yet"
