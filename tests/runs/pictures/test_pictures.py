"""What runs answer to one test picture, over epochs and across runs: the same as their whole arrays say."""

import json
import os
import shutil
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cifar_core.errors import RunError
from cifar_core.runs import Run, list_runs, measured_alike, read_answers, read_history, read_predictions, read_run
from cifar_core.runs.pictures.over_epochs import read_row
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace
from tests.conftest import ROOT

STORED = sorted((ROOT / "tests" / "fixtures").glob("schema-?/*"))


def copied(stored: Path, workspace: Workspace, name: str = "") -> Run:
    shutil.copytree(stored, workspace.runs / (name or stored.name))
    return read_run(workspace, name or stored.name)


@pytest.mark.parametrize("stored", STORED, ids=lambda path: path.parent.name)
def test_the_history_is_a_row_of_each_epoch(stored: Path, workspace: Workspace) -> None:
    run = copied(stored, workspace)
    assert run.dataset is not None and run.last is not None
    whole = [read_predictions(workspace, run.id, epoch).probs for epoch in range(1, run.last.epoch + 1)]
    for row in (0, run.dataset.test - 1):
        history = read_history(workspace, run, row)
        assert history.epochs == tuple(range(1, run.last.epoch + 1)) and history.unreadable == ()
        assert np.array_equal(history.probs, np.array([probs[row] for probs in whole]))


@pytest.mark.parametrize("damage", ["gone", "short", "other", "folder", "no probabilities"])
def test_a_damaged_epoch_hides_no_other(damage: str, workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    assert run.last is not None
    file = RunFolder(workspace.runs / run.id).probs("test", 1)
    content = file.read_bytes()
    file.unlink()
    if damage == "short":
        file.write_bytes(content[:-1])
    elif damage == "other":
        np.save(file, np.full((3, 10), 0.1, np.float32))
    elif damage == "folder":
        file.mkdir()
    elif damage == "no probabilities":
        file.write_bytes(content[:128] + b"\xff" * (len(content) - 128))
    history = read_history(workspace, run, 0)
    assert history.unreadable == (1,) and history.epochs == tuple(range(2, run.last.epoch + 1))
    assert len(history.probs) == len(history.epochs)


def test_a_run_without_any_readable_epoch_has_an_empty_history(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    shutil.rmtree(RunFolder(workspace.runs / run.id).predictions)
    history = read_history(workspace, run, 0)
    assert history.epochs == () and history.probs.shape[0] == 0
    shutil.rmtree(workspace.runs / run.id)
    with pytest.raises(RunError, match="no run"):
        read_history(workspace, run, 0)


def test_no_whole_array_is_read(workspace: Workspace) -> None:
    """Of 200 MB, as fifty epochs of 10,000 pictures with 100 classes have, a row each."""
    run = copied(STORED[-1], workspace)
    assert run.dataset is not None
    large = replace(run.dataset, test=10_000, class_names=tuple(f"class {index}" for index in range(100)))
    folder = RunFolder(workspace.runs / run.id)
    for epoch in range(1, 51):
        file = folder.probs("test", epoch)
        np.save(file, np.zeros((1, 100), np.float32))
        header = file.read_bytes()[:128].replace(b"(1, 100), }    ", b"(10000, 100), }")
        with open(file, "wb") as stream:
            stream.write(header)
            stream.seek(128 + 9_999 * 400)
            stream.write(np.full(100, 0.01, np.float32).tobytes())  # before it the file has a hole
    tracemalloc.start()
    rows = [read_row(folder, large, epoch, 9_999) for epoch in range(1, 51)]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert np.array(rows).shape == (50, 100) and peak < 500_000
    with pytest.raises(ValueError, match="no row"):
        read_row(folder, large, 1, 10_000)


def test_other_runs_on_the_same_pictures_are_asked(workspace: Workspace) -> None:
    run = copied(STORED[-1], workspace)
    same, damaged = copied(STORED[-1], workspace, "same"), copied(STORED[-1], workspace, "damaged")
    assert same.best is not None and damaged.best is not None
    for name, change in (("other-labels", {"test_hash": "0" * 64}), ("unknown", {"test_hash": ""})):
        copied(STORED[-1], workspace, name)
        facts = RunFolder(workspace.runs / name).facts
        content = json.loads(facts.read_text("utf-8"))
        content["dataset"] |= change
        facts.write_text(json.dumps(content), "utf-8")
    copied(STORED[-1], workspace, "without-result")
    RunFolder(workspace.runs / "without-result").metrics.unlink()
    os.truncate(RunFolder(workspace.runs / "damaged").probs("test", damaged.best.epoch), 50)
    alike = measured_alike(workspace, run, list_runs(workspace))
    assert {other.id for other in alike} == {"same", "damaged", "unknown"}
    answers, left_out = read_answers(workspace, alike, 2)
    whole = read_predictions(workspace, run.id)
    assert [other.id for other in left_out] == ["damaged"]
    assert {answer.run.id for answer in answers} == {"same", "unknown"}
    for answer in answers:
        assert answer.predicted == whole.predicted[2] and answer.confidence == whole.probs[2].max()
        assert answer.class_name == whole.class_names[answer.predicted]


def test_a_run_of_an_old_schema_is_compared_by_its_files(workspace: Workspace) -> None:
    old = copied(STORED[0], workspace)
    assert old.dataset is not None and old.dataset.test_hash == ""
    twin = copied(STORED[0], workspace, "twin")
    assert [run.id for run in measured_alike(workspace, old, [old, twin])] == ["twin"]
    RunFolder(workspace.runs / old.id).path.joinpath("predictions.npz").write_bytes(b"x")
    assert measured_alike(workspace, old, [old, twin]) == []
