"""Runs on a dataset that has validation pictures of its own, from their making to their export."""

import json
from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.data import Dataset, dataset_state, delete_dataset
from cifar_core.errors import ConfigError
from cifar_core.runs import (
    Run,
    Status,
    create_run,
    duplicate_run,
    estimate_run,
    export_run,
    import_run,
    read_metrics,
    read_predictions,
    read_run,
    retry_run,
    verify_run,
)
from cifar_core.runs.control.admission import run_bytes
from cifar_core.runs.estimate.estimate import epoch_seconds
from cifar_core.runs.predict.recompute_process import recompute_best_epoch
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.conftest import ended_run
from tests.runs.estimate.test_estimate import KNOWN
from tests.runs.in_process import TINY, train

OWN = 60  # of 300 training pictures


@pytest.fixture
def dataset(workspace: Workspace) -> Dataset:
    return save_tiny(workspace, validation=OWN, grey_bits=12)


def made(workspace: Workspace, **settings: object) -> Run:
    return read_run(workspace, create_run(workspace, make_config({**TINY, **settings})))


def test_its_validation_part_is_the_datasets_own(workspace: Workspace, dataset: Dataset, tmp_path: Path) -> None:
    """Those pictures and no others; the best epoch is chosen by them; recomputing and an export keep that."""
    run = train(workspace, made(workspace, flip_test=True, epochs=2).id)
    assert (run.status, run.error) == (Status.FINISHED, "")
    assert run.config.data.own_validation and run.best is not None and run.dataset is not None
    assert (run.dataset.train, run.dataset.validation, run.dataset.test) == (300 - OWN, OWN, 100)
    assert run.dataset.grey_bits == 12
    predictions = read_predictions(workspace, run.id, split="validation")
    assert dataset.validation is not None
    assert predictions.ids.tolist() == dataset.train.ids[dataset.validation].tolist()
    assert run.best.validation_accuracy == pytest.approx(np.mean(predictions.probs.argmax(1) == predictions.labels))
    assert read_metrics(workspace, run.id)["looks"].tolist() == [2, 2], "any epoch may be the best one"
    folder = run_folder(workspace, run.id)
    probs = folder.probs("validation", run.best.epoch)
    before = probs.read_bytes()
    probs.unlink()
    recompute_best_epoch(folder)
    assert probs.read_bytes() == before and verify_run(workspace, run.id) == []
    elsewhere = open_workspace(tmp_path / "elsewhere")
    imported = read_run(elsewhere, import_run(elsewhere, export_run(workspace, run.id)).run)
    assert (imported.config, imported.dataset) == (run.config, run.dataset)


def test_a_share_that_is_given_wins(workspace: Workspace, dataset: Dataset) -> None:
    run = train(workspace, made(workspace, validation_share=0.1, epochs=1).id)
    assert run.dataset is not None and not run.config.data.own_validation
    assert (run.dataset.train, run.dataset.validation) == (270, 30)
    none = train(workspace, duplicate_run(workspace, run.id, {"validation_share": 0}))
    assert none.dataset is not None and (none.dataset.train, none.dataset.validation) == (300, 0)


def test_a_dataset_without_them_is_split_by_the_share(workspace: Workspace) -> None:
    """The runs do not differ in a setting that has no effect."""
    save_tiny(workspace)
    default, shared = made(workspace), made(workspace, validation_share=0.2)
    assert default.config.data.own_validation and shared.config.data.own_validation
    run = train(workspace, shared.id)
    assert run.dataset is not None and (run.dataset.validation, run.dataset.grey_bits) == (60, 16)


def test_a_share_of_the_training_pictures_leaves_the_own_ones_whole(workspace: Workspace, dataset: Dataset) -> None:
    run = train(workspace, made(workspace, train_share=0.5, epochs=1).id)
    assert run.dataset is not None and (run.dataset.train, run.dataset.validation) == (120, OWN)


def test_it_stops_early_by_them(workspace: Workspace, dataset: Dataset) -> None:
    """Also with a preset that keeps no share of the training pictures; refused where nothing would validate."""
    config = make_config({**TINY, "epochs": 50, "patience": 1}, preset="original")
    assert config.data.validation_share == 0
    run = train(workspace, create_run(workspace, config))
    assert run.status is Status.FINISHED and run.last is not None and run.best is not None
    assert run.last.epoch == run.best.epoch + 1 < 50
    save_tiny(workspace, "plain")
    with pytest.raises(ConfigError, match=r"patience \(early stopping\) needs a validation part"):
        duplicate_run(workspace, run.id, {"dataset": "plain"})


def test_copies_of_a_run_keep_where_its_validation_part_comes_from(workspace: Workspace, dataset: Dataset) -> None:
    own = ended_run(workspace, Status.FAILED, make_config(TINY))
    share = ended_run(workspace, Status.FAILED, make_config({**TINY, "validation_share": 0.2}))
    for old, expected in ((own, True), (share, False)):
        copies = (retry_run(workspace, old), duplicate_run(workspace, old, {"epochs": 9}))
        assert [read_run(workspace, copy).config.data.own_validation for copy in copies] == [expected] * 2
    changed = duplicate_run(workspace, own, {"validation_share": 0.3})
    assert not read_run(workspace, changed).config.data.own_validation


def test_a_run_that_is_older_than_the_setting_reads_as_on(workspace: Workspace) -> None:
    """It did not set any pictures aside, and must not differ from the runs of today."""
    save_tiny(workspace)
    run = made(workspace)
    path = run_folder(workspace, run.id).config
    content = json.loads(path.read_text())
    del content["settings"]["own_validation"]
    path.write_text(json.dumps(content))
    assert read_run(workspace, run.id).config == run.config
    assert train(workspace, run.id).status is Status.FINISHED


def test_a_changed_index_refuses_to_resume(workspace: Workspace, dataset: Dataset) -> None:
    run = train(workspace, made(workspace).id, batches=2)
    assert run.status is Status.PAUSED
    for other in (0, 50):
        delete_dataset(workspace, "tiny")
        save_tiny(workspace, validation=other)
        run = train(workspace, run.id)
        assert (run.status, run.error) == (
            Status.FAILED,
            "The dataset tiny has changed since this run began: start a new run instead.",
        )


def test_expected_time_and_room_count_them(workspace: Workspace, dataset: Dataset) -> None:
    state = dataset_state(workspace, "tiny")
    config = make_config({**TINY, "flip_test": True}, preset="original")
    estimate = estimate_run(config, KNOWN, [state])
    per_epoch = epoch_seconds(KNOWN, config, classes=10, train=300 - OWN, validation=OWN, test=100)
    assert estimate is not None and estimate.training.middle == pytest.approx(3 * per_epoch)
    without = make_config({**config.flat(), "own_validation": False})
    assert run_bytes(workspace, config) - run_bytes(workspace, without) == 4 * OWN * 10 * 3
