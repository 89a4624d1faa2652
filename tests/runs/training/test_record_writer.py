"""Training records across pauses, versions and limits: which epochs are kept, and with which bytes."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from cifar_core.config import make_config
from cifar_core.data import open_dataset
from cifar_core.lifecycle.states import Status
from cifar_core.runs import create_run, export_run, has_training_records, import_run, read_training_answers, verify_run
from cifar_core.runs.going_on.new_run import continue_run
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, run_folder
from cifar_core.runs.training_records import files
from cifar_core.runs.training_records.files import RECORD
from cifar_core.storage.json_files import write_json
from cifar_core.workspace import Workspace, open_workspace
from tests.conftest import save_tiny
from tests.runs.in_process import TINY, checkpoint_at_every_batch, one_thread, train
from tests.runs.training.test_checkpoints import hashed, opened

PRUNED = {**TINY, "epochs": 5, "prune_share": 0.5}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    one_thread()
    checkpoint_at_every_batch(monkeypatch)


@pytest.fixture
def tiny(workspace: Workspace) -> Workspace:
    """A workspace whose runs train on 90 pictures, 3 batches an epoch."""
    save_tiny(workspace, train=100, test=40)
    return workspace


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.training_records.iterdir())}


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The training records of a run of `TINY` on the same pictures, trained in one go."""
    one_thread()
    workspace = open_workspace(tmp_path_factory.mktemp("straight"))
    save_tiny(workspace, train=100, test=40)
    return contents(run_folder(workspace, train(workspace, create_run(workspace, make_config(TINY))).id))


@pytest.mark.fault(33)
def test_a_run_with_pruning_that_is_paused_in_each_epoch_has_the_same_bytes(tiny: Workspace) -> None:
    straight = train(tiny, create_run(tiny, make_config(PRUNED)))
    broken = create_run(tiny, make_config(PRUNED))
    for _ in range(5):
        assert train(tiny, broken, batches=2).status is Status.PAUSED
    run = train(tiny, broken)
    assert run.status is Status.FINISHED and run.warnings == ()
    found, expected = contents(run_folder(tiny, broken)), contents(run_folder(tiny, straight.id))
    assert found == expected and len(found) == 6
    answers = read_training_answers(tiny, broken)
    assert 0.5 < answers.shown[1:4].mean() < 0.9, "pruning leaves some out, a resume none"


def as_of_an_earlier_version(folder: RunFolder) -> None:
    """Take out what earlier versions did not write."""
    for path in folder.training_records.iterdir():
        path.unlink()
    folder.training_records.rmdir()
    facts = json.loads(folder.facts.read_text())
    write_json(folder.facts, {name: value for name, value in facts.items() if not name.startswith("record")})
    for path in checkpoint_files(folder):
        tensors, notes = opened(path)
        state = json.loads(notes["state"])
        state["dict"] = [item for item in state["dict"] if item[0] != "records"]
        kept = {name: tensor for name, tensor in tensors.items() if f'"tensor": "{name}"' in json.dumps(state)}
        path.write_bytes(hashed(kept, {"state": json.dumps(state)}))


@pytest.mark.parametrize(("batches", "first"), [(3, 2), (4, 3)], ids=["between two epochs", "within the second"])
def test_a_run_of_an_earlier_version_is_recorded_from_its_next_whole_epoch_on(
    tiny: Workspace, straight: dict[str, bytes], batches: int, first: int
) -> None:
    run = train(tiny, create_run(tiny, make_config(TINY)), batches=batches)
    folder = run_folder(tiny, run.id)
    as_of_an_earlier_version(folder)
    assert not has_training_records(tiny, run.id)
    run = train(tiny, run.id, batches=1)
    assert verify_run(tiny, run.id) == [] and not has_training_records(tiny, run.id)
    run = train(tiny, run.id)
    assert run.status is Status.FINISHED and run.exact and verify_run(tiny, run.id) == []
    answers = read_training_answers(tiny, run.id)
    assert answers.epochs == tuple(range(first, 4)) and answers.shown.all()
    assert answers.note.startswith(f"They begin with epoch {first}: an earlier version")
    assert all(straight[name] == content for name, content in contents(folder).items())


def test_beyond_the_limit_one_epoch_in_three_and_the_last_are_kept(
    tiny: Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = make_config({**TINY, "epochs": 7})
    whole = train(tiny, create_run(tiny, config))
    once = run_folder(tiny, whole.id).trained_pictures.stat().st_size
    monkeypatch.setattr(files, "MOST_BYTES", once + 3 * (files._MAX_HEADER + 90 * RECORD.itemsize))
    run = train(tiny, create_run(tiny, config), batches=8)
    assert "are kept of one epoch in 3 and of the last" in run.warnings[0]
    monkeypatch.undo()  # a later version may allow more: a run keeps its rule
    one_thread()
    run = train(tiny, run.id)
    assert len(run.warnings) == 1 and verify_run(tiny, run.id) == []
    answers = read_training_answers(tiny, run.id)
    assert answers.epochs == (3, 6, 7) and "one epoch in 3" in answers.note
    kept, every = contents(run_folder(tiny, run.id)), contents(run_folder(tiny, whole.id))
    assert kept == {name: every[name] for name in ("0003.npy", "0006.npy", "0007.npy", "train.npz")}
    other = open_workspace(tmp_path / "other")
    imported = import_run(other, export_run(tiny, run.id)).run
    assert verify_run(other, imported) == [] and contents(run_folder(other, imported)) == kept


def test_the_last_epoch_is_kept_where_the_training_stops_early(
    tiny: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.runs.training.record_writer.every_of", lambda *_: 100)
    settings = {**TINY, "epochs": 20, "patience": 1, "learning_rate": 0.05}
    run = train(tiny, create_run(tiny, make_config(settings)))
    assert run.last is not None and run.last.epoch < 20
    assert read_training_answers(tiny, run.id).epochs == (run.last.epoch,) and verify_run(tiny, run.id) == []


def test_where_not_even_one_epoch_has_room_none_is_kept(tiny: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_BYTES", 0)
    run = train(tiny, create_run(tiny, make_config(TINY)))
    assert run.status is Status.FINISHED and "No training records are kept" in run.warnings[0]
    assert not run_folder(tiny, run.id).training_records.exists() and verify_run(tiny, run.id) == []


def test_records_of_epochs_that_come_again_are_removed_first(tiny: Workspace) -> None:
    run = train(tiny, create_run(tiny, make_config(TINY)), batches=7)
    folder = run_folder(tiny, run.id)
    folder.record(3).write_bytes(b"of a crash before its line of the log")
    assert verify_run(tiny, run.id) == []
    checkpoint_files(folder)[0].unlink()  # so that it goes on from the second epoch's end
    train(tiny, run.id, batches=1)
    assert sorted(contents(folder)) == ["0001.npy", "0002.npy", "train.npz"]


@pytest.mark.parametrize(
    ("batches", "first"), [(6, 2), (7, 3)], ids=["before the second is measured", "within the third"]
)
def test_records_that_were_deleted_begin_again_with_the_epoch_that_runs(
    tiny: Workspace, batches: int, first: int
) -> None:
    """A person may delete all of them, of a paused run too: what it keeps from then on can be read and exported."""
    straight = train(tiny, create_run(tiny, make_config(TINY)))
    run = train(tiny, create_run(tiny, make_config(TINY)), batches=batches)
    folder = run_folder(tiny, run.id)
    shutil.rmtree(folder.training_records)
    run = train(tiny, run.id, batches=1)
    run = train(tiny, run.id)
    assert run.status is Status.FINISHED and run.exact and verify_run(tiny, run.id) == []
    answers, whole = read_training_answers(tiny, run.id), contents(run_folder(tiny, straight.id))
    assert answers.epochs == tuple(range(first, 4)) and "or their records were deleted" in answers.note
    assert all(whole[name] == content for name, content in contents(folder).items())
    assert export_run(tiny, run.id).is_file()


@pytest.mark.fault(14)
def test_a_disk_that_refuses_a_record_fails_the_run_and_a_resume_writes_it(
    tiny: Workspace, straight: dict[str, bytes]
) -> None:
    run_id = create_run(tiny, make_config(TINY))
    folder = run_folder(tiny, run_id)
    # A file cannot take the place of a folder.
    run = train(tiny, run_id, after_batch=lambda batch: folder.record(2).mkdir() if batch == 4 else None)
    assert run.status is Status.FAILED and "0002.npy" in run.error and len(run.error.splitlines()) == 1
    assert [run.last and run.last.epoch, verify_run(tiny, run_id)] == [1, []]
    folder.record(2).rmdir()
    assert train(tiny, run_id).status is Status.FINISHED
    assert contents(folder) == straight


@pytest.mark.fault(10)
@pytest.mark.parametrize("value", [0, 77], ids=["both shown and not", "no class"])
def test_answers_in_a_checkpoint_that_break_a_rule_are_passed_over(
    tiny: Workspace, straight: dict[str, bytes], value: int
) -> None:
    run = train(tiny, create_run(tiny, make_config(TINY)), batches=7)
    newest = checkpoint_files(run_folder(tiny, run.id))[0]
    tensors, notes = opened(newest)
    for tensor in tensors.values():
        if tensor.dtype == torch.int16:
            tensor.fill_(value)
    newest.write_bytes(hashed(tensors, notes))
    run = train(tiny, run.id)
    assert run.status is Status.FINISHED and f"{newest.name} was passed over: this program did not" in run.warnings[0]
    assert contents(run_folder(tiny, run.id)) == straight


def test_a_run_that_goes_on_from_another_records_its_own_epochs(tiny: Workspace) -> None:
    parent = train(tiny, create_run(tiny, make_config(TINY)))
    child = train(tiny, continue_run(tiny, parent.id, {"epochs": 2}))
    answers, before = read_training_answers(tiny, child.id), read_training_answers(tiny, parent.id)
    assert answers.epochs == (1, 2) and answers.shown.all() and np.array_equal(answers.ids, before.ids)
    pictures = open_dataset(tiny, "tiny").train
    assert np.array_equal(answers.labels, np.asarray(pictures.labels)[answers.positions])
    assert np.array_equal(answers.ids, np.asarray(pictures.ids)[answers.positions]) and len(answers.ids) == 90
