"""Predictions of a model trained elsewhere become a run: the same numbers, whole or not at all, and no network."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

from cifar_core.config import make_config
from cifar_core.data import Dataset, check_dataset
from cifar_core.errors import RunError, StorageError
from cifar_core.runs import (
    Predictor,
    PredictorProcess,
    Status,
    accuracy_caveats,
    align_pair,
    continue_run,
    create_run,
    duplicate_run,
    estimate_run,
    export_run,
    fine_tune_run,
    import_predictions,
    import_run,
    list_runs,
    network_missing,
    open_run_dataset,
    read_history,
    read_metrics,
    read_predictions,
    read_run,
    repeat_with_seeds,
    resume_run,
    retry_run,
    retry_with_lower_rate,
    seed_groups,
    seen_pictures,
    start_recompute,
    verify_run,
)
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage.faults import was_injected
from cifar_core.storage.json_files import read_json
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.conftest import snapshot
from tests.runs.imported.prediction_files import made_up_logits, softmax, table_of, write_table


@pytest.fixture
def imported(workspace: Workspace, dataset: Dataset, probs: np.ndarray, tmp_path: Path) -> str:
    """The id of a run of imported predictions."""
    return import_predictions(workspace, write_table(tmp_path / "mine.csv", table_of(dataset, probs)), "tiny", "M").run


@pytest.mark.parametrize("ending", ["csv", "parquet"])
@pytest.mark.parametrize("prefix", ["", "p_", "prob_", "logit_"])
def test_a_table_becomes_a_run_with_its_numbers(
    workspace: Workspace, dataset: Dataset, tmp_path: Path, ending: str, prefix: str
) -> None:
    logits = made_up_logits(dataset)
    given = table_of(dataset, logits if prefix == "logit_" else softmax(logits), prefix=prefix, note="x")
    path = write_table(tmp_path / f"model.{ending}", given.sample(frac=1, random_state=1))  # in any order
    made = import_predictions(workspace, path, "tiny", "  My model ")
    run, found = read_run(workspace, made.run), read_predictions(workspace, made.run)
    assert (made.pictures, made.differing_labels, run.name) == (100, 0, "My model")
    np.testing.assert_allclose(found.probs, softmax(logits), atol=1e-7)
    assert found.ids.tolist() == dataset.test.ids.tolist() and (found.labels == dataset.test.labels).all()
    assert (run.status, run.origin, run.has_network, run.from_zip) == (Status.FINISHED, "imported", False, False)
    assert run.best is not None
    assert run.best.test_accuracy == accuracy_score(dataset.test.labels, softmax(logits).argmax(axis=1))
    assert run.best.test_loss == pytest.approx(log_loss(dataset.test.labels, softmax(logits)), rel=1e-6)
    assert verify_run(workspace, made.run) == []


@pytest.mark.parametrize("key", ["ids", "index"])
@pytest.mark.parametrize(("values", "kind"), [("probs", "<f4"), ("pred_probs", "<f8"), ("logits", "<f2")])
def test_an_npz_file_becomes_a_run(
    workspace: Workspace, dataset: Dataset, tmp_path: Path, key: str, values: str, kind: str
) -> None:
    logits, order = made_up_logits(dataset).astype("<f2").astype(float), np.random.default_rng(1).permutation(100)
    given = (logits if values == "logits" else softmax(logits))[order].astype(kind)
    keys = dataset.test.ids[order] if key == "ids" else order.astype(np.uint16)
    arrays = {key: keys, values: np.asfortranarray(given), "labels": dataset.test.labels[order].astype(np.uint8)}
    np.savez_compressed(tmp_path / "model.npz", **arrays)
    made = import_predictions(workspace, tmp_path / "model.npz", "tiny", "")
    assert read_run(workspace, made.run).name == made.run and made.differing_labels == 0
    np.testing.assert_allclose(read_predictions(workspace, made.run).probs, softmax(logits), atol=1e-6)


def test_what_a_training_measures_is_absent_and_not_invented(
    workspace: Workspace, dataset: Dataset, imported: str
) -> None:
    check_dataset(workspace, dataset)  # by which seen pictures are found for a run whose training is known
    run, metrics = read_run(workspace, imported), read_metrics(workspace, imported)
    assert (
        metrics[["train_loss", "train_accuracy", "learning_rate", "seconds", "images_per_second"]].isna().all(axis=None)
    )
    assert (run.settings_in_effect, run.changed_settings, run.done, run.seconds) == ([], [], 1.0, 0.0)
    assert not run.can_be_continued and not run.resumable
    assert any("not known whether their model saw test pictures" in text for text in accuracy_caveats(run))
    assert seen_pictures(workspace, run, read_predictions(workspace, imported)) is None
    assert seed_groups(list_runs(workspace)) == []
    assert read_history(workspace, run, 3).epochs == (1,)
    assert open_run_dataset(workspace, run).fingerprint == run.dataset.fingerprint


def test_very_sure_logits_stay_numbers(workspace: Workspace, dataset: Dataset, tmp_path: Path) -> None:
    logits = np.where(np.eye(10)[dataset.test.labels] > 0, 1e6, -1e6)
    path = write_table(tmp_path / "sure.csv", table_of(dataset, logits, prefix="logit_"))
    run = read_run(workspace, import_predictions(workspace, path, "tiny", "sure").run)
    assert run.best is not None
    assert (run.best.test_accuracy, run.best.test_loss) == (1.0, 0.0)
    assert run.warnings == ("The imported file has logits: the probabilities are their softmax.",)


def test_labels_that_differ_are_used_and_counted(
    workspace: Workspace, dataset: Dataset, probs: np.ndarray, imported: str, tmp_path: Path
) -> None:
    labels = dataset.test.labels.copy()
    labels[:7] = (labels[:7] + 1) % 10
    path = write_table(tmp_path / "relabelled.csv", table_of(dataset, probs, label=labels))
    made = import_predictions(workspace, path, "tiny", "other labels")
    run, found = read_run(workspace, made.run), read_predictions(workspace, made.run)
    assert made.differing_labels == 7 and found.labels.tolist() == labels.tolist()
    assert run.best and run.best.test_accuracy == accuracy_score(labels, probs.argmax(axis=1))
    assert "true classes of 7 test pictures are not those of the dataset tiny" in run.warnings[0]
    assert run.warnings[0] in accuracy_caveats(run)
    assert verify_run(workspace, made.run) == []
    with pytest.raises(RunError, match="true classes of 7 test pictures differ"):
        align_pair(read_predictions(workspace, imported), found, "A", "B")


@pytest.mark.fault(88)
@pytest.mark.parametrize("with_labels", [True, False])
def test_rows_in_another_order_of_pictures_are_suspected(
    workspace: Workspace, dataset: Dataset, probs: np.ndarray, tmp_path: Path, with_labels: bool
) -> None:
    """With labels in the same order its accuracy looks right, and every picture shown would be a wrong one."""
    order = np.random.default_rng(2).permutation(100)
    labels = {"labels": dataset.test.labels[order]} if with_labels else {}
    np.savez(tmp_path / "mine.npz", index=np.arange(100), probs=probs[order], **labels)
    run = read_run(workspace, import_predictions(workspace, tmp_path / "mine.npz", "tiny", "shuffled").run)
    right = int((probs[order].argmax(axis=1) == dataset.test.labels).sum())
    assert f"By the labels of tiny, {right} of 100 test pictures are right, as by chance" in run.warnings[0]
    assert run.best is not None and (run.best.test_accuracy > 0.4) == with_labels


def test_rounded_rows_are_divided_by_their_sums_and_that_is_said(
    workspace: Workspace, dataset: Dataset, probs: np.ndarray, tmp_path: Path
) -> None:
    rounded = probs.round(3)
    off = np.abs(rounded.astype("<f4").astype(float).sum(axis=1) - 1) > 1e-3
    made = import_predictions(workspace, write_table(tmp_path / "r.csv", table_of(dataset, rounded)), "tiny", "rounded")
    found = read_predictions(workspace, made.run).probs
    assert 0 < off.sum() < 100
    assert (found[~off] == rounded[~off].astype(np.float32)).all(), "all others are as they were given"
    np.testing.assert_allclose(found[off], rounded[off] / rounded[off].sum(axis=1, keepdims=True), rtol=1e-6)
    assert f"probabilities of {off.sum()} picture" in read_run(workspace, made.run).warnings[0]


def test_an_import_twice_makes_two_runs_of_other_colours(workspace: Workspace, imported: str, tmp_path: Path) -> None:
    again = import_predictions(workspace, tmp_path / "mine.csv", "tiny", "M").run
    assert again != imported and read_run(workspace, again).colour != read_run(workspace, imported).colour


def test_a_zip_carries_it_to_another_workspace(workspace: Workspace, imported: str, tmp_path: Path) -> None:
    other = open_workspace(tmp_path / "other")
    packed = export_run(workspace, imported, tmp_path / "run.zip")
    run = read_run(other, import_run(other, packed).run)
    assert (run.origin, run.from_zip, run.has_network, run.name) == ("imported", True, False, "M")
    here, there = read_predictions(workspace, imported), read_predictions(other, run.id)
    assert (here.probs == there.probs).all() and here.hash == there.hash
    assert verify_run(other, run.id) == [] and network_missing(run)


@pytest.mark.parametrize(
    "action",
    [
        resume_run,
        retry_run,
        retry_with_lower_rate,
        start_recompute,
        lambda workspace, run: duplicate_run(workspace, run, {}),
        lambda workspace, run: continue_run(workspace, run, {}),
        lambda workspace, run: fine_tune_run(workspace, run, {"dataset": "tiny"}),
        lambda workspace, run: repeat_with_seeds(workspace, run, 2),
        lambda workspace, run: Predictor(workspace, run, PredictorProcess()),
    ],
)
def test_what_needs_a_network_says_why_it_does_not_work(
    workspace: Workspace, imported: str, action: Callable[[Workspace, str], Any]
) -> None:
    before = snapshot(workspace.root)
    with pytest.raises(RunError) as caught:
        action(workspace, imported)
    assert str(caught.value) == network_missing(read_run(workspace, imported))
    assert snapshot(workspace.root) == before


def test_a_run_with_a_network_misses_none(workspace: Workspace, dataset: Dataset) -> None:
    assert network_missing(read_run(workspace, create_run(workspace, make_config({"dataset": "tiny"})))) == ""


def test_damaged_predictions_are_imported_again_and_not_recomputed(workspace: Workspace, imported: str) -> None:
    run_folder(workspace, imported).probs("test", 1).write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"cannot be read .*: import them again from their file"):
        read_predictions(workspace, imported)
    assert any("test-0001.npy" in fault for fault in verify_run(workspace, imported))


def test_records_that_contradict_the_origin_are_a_fault(workspace: Workspace, imported: str) -> None:
    """Neither may a training hide what it measured, nor may imported predictions have numbers of one."""
    metrics = run_folder(workspace, imported).metrics
    line = json.loads(metrics.read_text())
    metrics.write_text(json.dumps({**line, "train_loss": 0.1, "train_accuracy": 0.9, "learning_rate": 0.1}) + "\n")
    assert verify_run(workspace, imported) == ["metrics.jsonl has imported predictions with values of a training."]
    config = run_folder(workspace, imported).config
    config.write_text(json.dumps({**read_json(config), "origin": "trained"}))
    metrics.write_text(json.dumps(line) + "\n")
    assert "metrics.jsonl has an epoch without values of a training." in verify_run(workspace, imported)


@pytest.mark.fault(14)
@pytest.mark.parametrize("point", ["write", "replace"])
def test_a_disk_that_refuses_any_write_leaves_nothing(
    workspace: Workspace, dataset: Dataset, probs: np.ndarray, tmp_path: Path, arm: Callable[[str], None], point: str
) -> None:
    path, before = write_table(tmp_path / "p.csv", table_of(dataset, probs)), snapshot(workspace.runs)
    for number in range(1, 50):
        arm(f"{point}:{number}:enospc")
        try:
            import_predictions(workspace, path, "tiny", "full")
        except StorageError as error:
            assert "full" in str(error)
            assert was_injected() and snapshot(workspace.runs) == before
        else:
            break
    assert not was_injected() and number > 1 and len(list_runs(workspace)) == 1


def test_it_teaches_nothing_about_the_speed_of_the_machine(workspace: Workspace, imported: str) -> None:
    assert estimate_run(make_config({"dataset": "tiny"}), None, [], list_runs(workspace)) is None
    run = read_run(workspace, imported)
    assert (run.start_up, run.peak_memory, run.expected_seconds) == (None, None, None)


def test_ten_thousand_pictures_take_less_than_three_seconds(workspace: Workspace, tmp_path: Path) -> None:
    """For the whole command; most of it is the start of Python, which is not counted here."""
    dataset = save_tiny(workspace, "large", train=20, test=10_000)
    path = write_table(tmp_path / "large.csv", table_of(dataset, softmax(made_up_logits(dataset))))
    began = time.perf_counter()
    import_predictions(workspace, path, "large", "large")
    assert time.perf_counter() - began < 2
