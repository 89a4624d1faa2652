"""The rule of the validation part stays with its run: runs made before there was one keep the parts that they had."""

import json
from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.data import Dataset, Split, save_dataset
from cifar_core.runs import Status, create_run, export_run, import_run, read_predictions, verify_run
from cifar_core.runs.predict.recompute_process import recompute_best_epoch
from cifar_core.runs.records import read_creation
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import tiny_pictures
from tests.runs.in_process import TINY, train

SIZES = [20, 3, 4, 2]  # training pictures of the classes a, b, c, d
# Which pictures validated with seed 0 before there was a rule: none of `b` and `d`.
BEFORE_THE_RULE = [0, 10, 24]


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    splits = []
    for sizes in (SIZES, [5] * 4):
        labels = np.repeat(np.arange(4), sizes)
        ids = np.array([f"{number:02d}.png" for number in range(len(labels))])
        splits.append(Split(tiny_pictures(len(labels))[0], labels, ids))
    return save_dataset(
        workspace, "tiny", *splits, title="Tiny", class_names=tuple("abcd"), source="Made by the tests."
    )


def make_older(folder: RunFolder) -> None:
    """Let a run be as an earlier version made it."""
    content = json.loads(folder.config.read_text())
    assert content.pop("split_rule") == "one-of-three"
    folder.config.write_text(json.dumps(content))


@pytest.mark.fault(81)
@pytest.mark.parametrize("older", [True, False])
def test_a_run_has_its_parts_wherever_they_are_made(
    workspace: Workspace, dataset: Dataset, tmp_path: Path, older: bool
) -> None:
    """Where it trains, is resumed and recomputed; an export keeps the rule."""
    folder = run_folder(workspace, create_run(workspace, make_config({**TINY, "batch_size": 8, "epochs": 2})))
    if older:
        make_older(folder)
    assert train(workspace, folder.run_id, batches=2).status is Status.PAUSED
    run = train(workspace, folder.run_id)
    assert run.status is Status.FINISHED and run.best is not None and run.dataset is not None, run.error
    found = read_predictions(workspace, run.id, split="validation")
    probs = folder.probs("validation", run.best.epoch)
    before = probs.read_bytes()
    probs.unlink()
    recompute_best_epoch(folder)
    assert probs.read_bytes() == before and verify_run(workspace, run.id) == []
    assert read_predictions(workspace, run.id, split="validation").hash == found.hash
    assert (run.dataset.train, run.dataset.validation) == (26, 3)
    if older:
        assert found.ids.tolist() == [f"{number:02d}.png" for number in BEFORE_THE_RULE]
    assert [found.class_names[label] for label in found.labels] == (["a", "a", "c"] if older else ["a", "b", "c"])
    assert run.dataset.unvalidated == (("b", "d") if older else ("d",))
    elsewhere = open_workspace(tmp_path / "elsewhere")
    copy = run_folder(elsewhere, import_run(elsewhere, export_run(workspace, run.id)).run)
    assert read_creation(copy).split_rule == read_creation(folder).split_rule == ("share" if older else "one-of-three")
