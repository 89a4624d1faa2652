"""Reading the training records of a run: one that has them, and one sentence for each way to have none."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.runs import create_run, has_training_records, read_training_answers, space_of, verify_run
from cifar_core.runs.control.admission import run_bytes
from cifar_core.runs.records import config_of, read_creation
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.training_records.files import RECORD, thinning_sentence
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace
from tests.conftest import ROOT, save_tiny
from tests.runs.exported_runs import RUN, store
from tests.runs.in_process import TINY, one_thread, train

EXPORTED = ROOT / "tests" / "fixtures" / "exported-5.zip"


@pytest.fixture
def recorded(workspace: Workspace, tmp_path: Path) -> RunFolder:
    """The stored run with training records: 3 epochs, of which the second leaves out some pictures."""
    shutil.unpack_archive(EXPORTED, tmp_path / "unpacked")
    (found,) = (tmp_path / "unpacked").iterdir()
    return RunFolder(Path(shutil.copytree(found, workspace.runs / found.name)))


def change_facts(folder: RunFolder, **fields: object) -> None:
    write_json(folder.facts, json.loads(folder.facts.read_text()) | fields)


def test_the_answers_of_a_run(workspace: Workspace, recorded: RunFolder) -> None:
    found = read_training_answers(workspace, recorded.run_id)
    assert has_training_records(workspace, recorded.run_id) and found.note == ""
    assert found.epochs == (1, 2, 3) and found.labels.shape == found.ids.shape == found.positions.shape == (270,)
    for row, epoch in enumerate(found.epochs):
        stored = np.load(recorded.record(epoch))
        np.testing.assert_array_equal(found.p_true[row], stored["p_true"].astype(np.float32))
        np.testing.assert_array_equal(found.margin[row], stored["margin"].astype(np.float32))
        np.testing.assert_array_equal(found.predicted[row], stored["predicted"])
    assert list(found.shown.sum(axis=1)) == [256, 192, 256] and np.array_equal(found.shown, ~np.isnan(found.p_true))
    assert not (found.right & ~found.shown).any() and (found.margin[found.right] >= 0).all()
    assert space_of(workspace, recorded.run_id)["training records"] == sum(
        path.stat().st_size for path in recorded.training_records.iterdir()
    )


def test_a_run_without_records_says_why(workspace: Workspace, recorded: RunFolder) -> None:
    store(workspace)  # an earlier version trained it
    assert not has_training_records(workspace, RUN)
    with pytest.raises(RunError, match=r"kept no training records, as an earlier version .* A new run .* keeps them"):
        read_training_answers(workspace, RUN)
    new = create_run(workspace, make_config())
    with pytest.raises(RunError, match="has no training records yet"):
        read_training_answers(workspace, new)
    change_facts(recorded, recorded_from=4)
    with pytest.raises(RunError, match="has no training records yet"):
        read_training_answers(workspace, recorded.run_id)
    facts = json.loads(recorded.facts.read_text())
    no_room = thinning_sentence(0, facts["dataset"]["train"], config_of(read_creation(recorded)).optimizer.epochs)
    change_facts(recorded, recorded_from=1, record_every=0, warnings=[no_room])
    with pytest.raises(RunError, match=r"Run \S+: No training records are kept: the ids .*MB"):
        read_training_answers(workspace, recorded.run_id)
    change_facts(recorded, recorded_from=1, record_every=0, dataset=facts["dataset"] | {"train": 0})
    with pytest.raises(RunError, match="because this program did not train it"):
        read_training_answers(workspace, recorded.run_id)


def test_a_person_may_delete_all_of_them(workspace: Workspace, recorded: RunFolder) -> None:
    shutil.rmtree(recorded.training_records)
    assert not has_training_records(workspace, recorded.run_id)
    with pytest.raises(RunError, match="have been deleted"):
        read_training_answers(workspace, recorded.run_id)
    assert verify_run(workspace, recorded.run_id) == []


def make_all_right(path: Path) -> None:
    content, labels = np.load(path), np.load(path.with_name("train.npz"))["labels"]
    shown = content["predicted"] >= 0
    content["predicted"][shown], content["margin"][shown] = labels[shown], 0
    np.save(path, content)


@pytest.mark.fault(7)
@pytest.mark.parametrize(
    ("name", "damage", "said", "verified"),
    [
        (
            "0002.npy",
            Path.unlink,
            "lack 0002.npy",
            "training-records/0002.npy is missing (delete the folder training-records where",
        ),
        ("train.npz", Path.unlink, "lack train.npz", "training-records/train.npz is missing (delete the folder"),
        ("0002.npy", lambda path: path.write_bytes(b"x"), r"0002.npy: it does not hold training", "0002.npy cannot be"),
        ("train.npz", lambda path: path.write_bytes(b"x"), r"\(train.npz: ", "train.npz cannot be used"),
        ("0002.npy", make_all_right, "", ""),
    ],
)
def test_damaged_records(
    workspace: Workspace, recorded: RunFolder, name: str, damage: Callable[[Path], object], said: str, verified: str
) -> None:
    """The last changes no rule of a value: only a run without pruning has an accuracy to compare it with."""
    damage(recorded.training_records / name)
    problems = verify_run(workspace, recorded.run_id)
    assert [verified in problem for problem in problems] == [True] * bool(verified)
    if said:
        with pytest.raises(RunError, match=said) as caught:
            read_training_answers(workspace, recorded.run_id)
        assert "\n" not in str(caught.value)


@pytest.mark.fault(7)
def test_records_of_another_accuracy_than_that_of_the_log_are_a_fault(workspace: Workspace) -> None:
    one_thread()
    save_tiny(workspace, train=100, test=40)
    run = train(workspace, create_run(workspace, make_config({**TINY, "epochs": 1})))
    path = run_folder(workspace, run.id).record(1)
    assert verify_run(workspace, run.id) == []
    make_all_right(path)
    (problem,) = verify_run(workspace, run.id)
    assert "training accuracy, metrics.jsonl says" in problem


def test_admission_counts_them(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    save_tiny(workspace)
    config = make_config({"dataset": "tiny", "epochs": 10})
    before = run_bytes(workspace, config)
    monkeypatch.setattr("cifar_core.runs.control.admission.MOST_BYTES", 0)
    assert before - run_bytes(workspace, config) == 10 * 300 * RECORD.itemsize
