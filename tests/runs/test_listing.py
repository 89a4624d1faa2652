"""Runs as folders: ids, names, and that a broken or damaged run hides no other. Only one shared run is trained."""

import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cifar_core.config import make_config
from cifar_core.data import list_datasets
from cifar_core.errors import DataError, RunError, StorageError
from cifar_core.lifecycle.status import WORKER_START_SECONDS, move
from cifar_core.runs import (
    Run,
    Status,
    create_run,
    delete_run,
    export_run,
    list_runs,
    list_trash,
    listing,
    note_run,
    read_metrics,
    read_predictions,
    read_run,
    rename_run,
    resume_run,
    verify_run,
)
from cifar_core.runs.control.ids import new_run_id
from cifar_core.runs.run import MAX_RUN_NAME
from cifar_core.runs.run_folder import RunFolder, checkpoint_files, is_run_id, run_folder
from cifar_core.workspace import Workspace
from tests.conftest import make_perfect, save_tiny
from tests.runs.conftest import BAD_IDS, ended_run

CREATION = {"schema_version": 1, "id": "x", "created": "2026-11-22T14:46:13Z"}
_read = listing.read_run_or_problem


def npy(shape: str) -> bytes:
    """The header of a .npy file of this shape, without data."""
    head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head


def safetensors(header: dict[str, object]) -> bytes:
    """A file of tensors without a hash, as schema 1 wrote it, with two bytes of data."""
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"\0\0"


@pytest.fixture
def copy(shared: Workspace, finished: Run, workspace: Workspace) -> Workspace:
    """A workspace of one test with a copy of the finished run."""
    shutil.copytree(shared.runs / finished.id, workspace.runs / finished.id)
    return workspace


@pytest.mark.fault(44)
@pytest.mark.parametrize("run_id", BAD_IDS)
def test_bad_ids_are_no_run(workspace: Workspace, run_id: str) -> None:
    with pytest.raises(RunError, match="There is no run"):
        read_run(workspace, run_id)
    with pytest.raises(RunError, match="There is no run"):
        delete_run(workspace, run_id)


@pytest.mark.fault(44)
def test_folders_that_cannot_be_runs_are_none(workspace: Workspace) -> None:
    """A folder in `runs/` with a name that no run can have is neither listed nor read nor deleted."""
    names = [item for item in BAD_IDS if item not in ("", ".", "../x", "a/b", "a\0") and len(item) < 255]
    for name in names:
        (workspace.runs / name).mkdir()
        (workspace.runs / name / "config.json").write_text("{}")
    assert list_runs(workspace) == []
    for name in names:
        for action in (read_run, delete_run, export_run, verify_run):
            with pytest.raises(RunError, match="There is no run"):
                action(workspace, name)
    assert len(list(workspace.runs.iterdir())) == len(names)


@pytest.mark.fault(45)
def test_linked_checkpoints_are_none(workspace: Workspace, tmp_path: Path) -> None:
    """A file outside the run's folder is never used as a checkpoint."""
    folder = RunFolder(tmp_path / "run")
    outside = tmp_path / "outside"
    outside.mkdir()
    for path in (outside / "0001-0000000.safetensors", outside / "checkpoint.pt"):
        path.write_bytes(b"x")
    folder.checkpoints.mkdir(parents=True)
    folder.checkpoint(2, 0).symlink_to(outside / "0001-0000000.safetensors")
    folder.old_checkpoint.symlink_to(outside / "checkpoint.pt")
    assert checkpoint_files(folder) == []
    folder.checkpoint(1, 0).write_bytes(b"x")
    assert checkpoint_files(folder) == [folder.checkpoint(1, 0)]
    shutil.rmtree(folder.checkpoints)
    folder.checkpoints.symlink_to(outside)
    assert checkpoint_files(folder) == []


@given(nonce=st.text(max_size=40))
def test_ids_are_speakable_and_follow_the_nonce(nonce: str) -> None:
    assert is_run_id(new_run_id(nonce))
    if nonce:
        assert new_run_id(nonce) == new_run_id(nonce)
    else:
        assert new_run_id() != new_run_id()


def test_the_id_of_a_nonce_never_changes() -> None:
    """An imported run gets the same id in every workspace and version, because it is made from the run's origin."""
    assert [new_run_id(nonce) for nonce in ("a click", "57")] == ["silent-lion-7wtn7", "cosy-seal-msom4"]


@pytest.mark.fault(45)
def test_symlinked_run_is_ignored(copy: Workspace, finished: Run) -> None:
    (copy.runs / "linked").symlink_to(copy.runs / finished.id)
    assert [run.id for run in list_runs(copy)] == [finished.id]
    with pytest.raises(RunError, match="There is no run 'linked'"):
        read_run(copy, "linked")


@pytest.mark.fault(29, 91)
def test_a_run_of_the_future_is_listed_last_and_is_not_the_latest(workspace: Workspace) -> None:
    """As after a clock was set back, or of an imported run; dates of different time zones are compared correctly."""
    dates = {
        "late": "2026-11-22T01:00:00+00:00",
        "early": "2026-11-22T09:00:00+14:00",
        "future": "2998-01-01T00:00:00+00:00",
    }
    for name, created in dates.items():
        (workspace.runs / name).mkdir()
        config = {"schema_version": 2, "id": name, "created": created, "settings": {}}
        (workspace.runs / name / "config.json").write_text(json.dumps(config), "utf-8")
        (workspace.runs / name / "status.json").write_text('{"status": "finished"}', "utf-8")
    assert [run.id for run in list_runs(workspace)] == ["late", "early", "future"]
    assert read_run(workspace, "latest").id == "late"
    new = create_run(workspace, make_config())
    assert read_run(workspace, "latest").id == new


def test_unknown_dataset_makes_no_run(workspace: Workspace) -> None:
    with pytest.raises(DataError, match="no dataset named nothing"):
        create_run(workspace, make_config({"dataset": "nothing"}))
    assert list(workspace.runs.iterdir()) == []


def test_queued_run_that_never_started_is_interrupted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(workspace, make_config())
    assert read_run(workspace, run_id).status is Status.QUEUED
    later = time.monotonic() + WORKER_START_SECONDS + 1
    monkeypatch.setattr("time.monotonic", lambda: later)
    run = read_run(workspace, run_id)
    assert run.status is Status.INTERRUPTED and "never started" in run.error


def test_running_with_a_free_lock_is_interrupted(workspace: Workspace) -> None:
    run_id = create_run(workspace, make_config())
    move(run_folder(workspace, run_id), Status.RUNNING)
    assert read_run(workspace, run_id).status is Status.INTERRUPTED


@pytest.mark.fault(5, 41)
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "not JSON"),
        ("[]", "cannot be read"),
        ("{}", "cannot be read"),
        ('{"schema_version": 99}', "newer version"),
        (json.dumps({**CREATION, "settings": {"epochs": -1}}), "epochs is -1"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_broken_run_hides_no_other(copy: Workspace, finished: Run, content: str, reason: str) -> None:
    broken = create_run(copy, make_config())
    path = copy.runs / broken / "config.json"
    path.write_text(content)
    runs = {run.id: run for run in list_runs(copy)}
    assert reason in runs[broken].problem
    assert not runs[finished.id].problem and runs[finished.id].best == finished.best
    with pytest.raises(RunError, match=f"{broken}.*{reason}"):
        read_run(copy, broken)
    assert read_run(copy, "latest").id == finished.id
    assert path.read_text() == content


def test_half_made_run_is_not_listed(workspace: Workspace) -> None:
    (workspace.runs / ".tmp-quiet-otter-1").mkdir()
    assert list_runs(workspace) == []


def test_name_and_note(copy: Workspace, finished: Run) -> None:
    rename_run(copy, finished.id, "  My best <b>run</b>  ")
    note_run(copy, finished.id, "two\nlines")
    run = read_run(copy, finished.id)
    assert (run.name, run.note) == ("My best <b>run</b>", "two\nlines")
    rename_run(copy, finished.id, "")
    run = read_run(copy, finished.id)
    assert (run.name, run.note) == (finished.id, "two\nlines")
    for bad in ("a" * 81, "two\nlines", "bell\a"):
        with pytest.raises(RunError, match="The name"):
            rename_run(copy, finished.id, bad)
    assert read_run(copy, finished.id).name == finished.id


@pytest.mark.fault(2, 3)
def test_torn_and_corrupt_metrics(copy: Workspace, finished: Run) -> None:
    path = copy.runs / finished.id / "metrics.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"epoch": 3, "train_lo')
    assert list(read_metrics(copy, finished.id)["epoch"]) == [1, 2]
    assert verify_run(copy, finished.id) == []
    lines = whole.splitlines()
    path.write_text("\n".join([lines[0], "garbage", lines[1]]) + "\n")
    assert list(read_metrics(copy, finished.id)["epoch"]) == [1, 2]
    assert any("Line 2 of metrics.jsonl" in problem for problem in verify_run(copy, finished.id))


@pytest.mark.fault(7)
@pytest.mark.parametrize("damage", ["truncated", "pickle", "short", "missing"])
def test_damaged_predictions_say_so(copy: Workspace, finished: Run, damage: str) -> None:
    path = copy.runs / finished.id / "predictions" / "test.npz"
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif damage == "pickle":
        np.savez(path, labels=np.array([object()]), ids=np.array(["x"]))
    elif damage == "short":
        with np.load(path) as stored:
            content = dict(stored)
        np.savez(path, **{**content, "labels": content["labels"][:-1]})
    else:
        path.unlink()
    with pytest.raises(RunError, match="predictions"):
        read_predictions(copy, finished.id)
    assert verify_run(copy, finished.id)
    assert len(read_metrics(copy, finished.id)) == 2


def test_epoch_that_was_never_finished(copy: Workspace, finished: Run) -> None:
    with pytest.raises(RunError, match="no predictions of epoch 9"):
        read_predictions(copy, finished.id, 9)


def test_swapped_predictions_are_found(copy: Workspace, finished: Run) -> None:
    make_perfect(run_folder(copy, finished.id), finished.best.epoch)
    assert any("test accuracy" in problem for problem in verify_run(copy, finished.id))


@pytest.mark.fault(68)  # there is no index but the memory of a process, rebuilt from the folders
def test_only_runs_that_changed_are_read_again(copy: Workspace, finished: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list agrees with the folders, whichever process changed them."""
    folder = run_folder(copy, finished.id)
    read: list[str] = []
    monkeypatch.setattr(listing, "read_run_or_problem", lambda item: (read.append(item.path.name), _read(item))[1])
    list_runs(copy)
    read.clear()
    assert list_runs(copy) == [_read(folder)] and read == []
    (folder.about).write_text('{"name": "first try"}', "utf-8")  # as another process would
    assert list_runs(copy)[0].name == "first try" and read == [finished.id]
    with open(folder.metrics, "ab") as lines:
        lines.write(folder.metrics.read_bytes().splitlines(keepends=True)[-1])
    list_runs(copy)
    assert read == [finished.id] * 2
    folder.status.write_text(folder.status.read_text("utf-8").replace("finished", "paused"), "utf-8")
    assert list_runs(copy)[0].status is Status.PAUSED
    shutil.rmtree(folder.path)
    assert list_runs(copy) == [] and folder.path not in listing._CACHE


def test_a_run_that_may_change_without_a_file_is_always_read(workspace: Workspace) -> None:
    """A queued run whose process never starts becomes interrupted as time passes."""
    create_run(workspace, make_config({"epochs": 2}))
    assert list_runs(workspace)[0].active
    assert listing._CACHE.keys().isdisjoint(workspace.runs.iterdir())


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("best/{best:04d}.safetensors", b"", "safetensors cannot be used"),
        (
            "best/{best:04d}.safetensors",
            safetensors({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}),
            "safetensors cannot be used",
        ),
        ("predictions/test-0001.npy", b"abc", "predictions/test-0001.npy"),
        ("predictions/test-0001.npy", npy("(1000000000000, 10)"), "predictions/test-0001.npy"),  # 36 TB
        ("predictions/test-0001.npy", npy("(99999999999999999999999, 10)"), "predictions/test-0001.npy"),
        ("predictions/test-0001.npy", b"\x93NUMPY\x01\x00\x04\x00((((", "predictions/test-0001.npy"),
        ("predictions/test-0001.npy", b"PK\x03\x04", "predictions/test-0001.npy"),
        ("checkpoint.pt", b"x" * 100, "checkpoint.pt is damaged: its SHA-256 does not match"),
    ],
)
def test_damage_is_found(copy: Workspace, finished: Run, file: str, content: bytes, message: str) -> None:
    assert finished.best is not None
    (copy.runs / finished.id / file.format(best=finished.best.epoch)).write_bytes(content)
    assert any(message in problem for problem in verify_run(copy, finished.id))


def test_parts_that_would_be_empty_make_no_run(workspace: Workspace) -> None:
    save_tiny(workspace, train=20)
    with pytest.raises(DataError, match="too small for a validation part"):
        create_run(workspace, make_config({"dataset": "tiny", "validation_share": 0.02}))
    assert list(workspace.runs.iterdir()) == []


@pytest.mark.parametrize("content", ["{", "[]", "folder"])
def test_a_name_that_cannot_be_read_is_not_written_over(workspace: Workspace, content: str) -> None:
    folder = run_folder(workspace, create_run(workspace, make_config()))
    if content == "folder":
        folder.about.mkdir()
    else:
        folder.about.write_text(content)
    for change in (rename_run, note_run):
        with pytest.raises(RunError, match=r"cannot be read .*: remove its about.json"):
            change(workspace, folder.run_id, "new")
    assert content == "folder" or folder.about.read_text() == content


def test_a_workspace_that_was_deleted_has_no_runs(workspace: Workspace) -> None:
    """A page that is open meanwhile reads it again; the next page makes the workspace again."""
    shutil.rmtree(workspace.root)
    assert list_runs(workspace) == [] and list_trash(workspace) == []
    assert [item.state for item in list_datasets(workspace)] == ["absent", "absent"]
    with pytest.raises(DataError, match="There is no dataset named pictures"):
        create_run(workspace, make_config({"dataset": "pictures"}))
    with pytest.raises(StorageError):
        create_run(workspace, make_config())
    assert not workspace.root.exists()


def test_several_threads_can_list_while_runs_are_added_and_deleted(workspace: Workspace) -> None:
    """The pages of a server are threads that share the cache."""
    folders = [workspace.runs / ended_run(workspace) for _ in range(4)]

    class Shared(type(folders[0])):  # type: ignore[misc] # a Path, of the system
        """A path during whose use another thread clears the cache."""

        @property
        def parent(self) -> Path:
            listing._CACHE.clear()
            return Path(super().parent)

    list_runs(workspace)
    listing._CACHE[Shared(folders[0])] = listing._CACHE.pop(folders[0])
    assert len(list_runs(workspace)) == len(folders)


@pytest.mark.fault(69)
def test_the_first_list_of_a_thousand_runs_takes_half_a_second(copy: Workspace, finished: Run) -> None:
    """The test allows twice as long, because the machine may be busy; `bench growth` measures more runs."""
    whole = copy.runs / finished.id
    texts = [whole / name for name in ("config.json", "status.json", "facts.json", "metrics.jsonl")]
    for number in range(1, 1000):
        folder = copy.runs / f"{finished.id}-{number}"
        folder.mkdir()
        for text in texts:
            (folder / text.name).write_bytes(text.read_bytes())
    started = time.process_time()
    runs = list_runs(copy)
    assert time.process_time() - started < 1
    assert len(runs) == 1000 and all(run.best == finished.best and not run.problem for run in runs)


@pytest.mark.fault(69)
def test_a_file_of_a_million_lines_costs_no_more_than_the_longest_run(copy: Workspace, finished: Run) -> None:
    path = copy.runs / finished.id / "metrics.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + whole.splitlines(keepends=True)[0] * 1_000_000)
    started = time.process_time()
    run = read_run(copy, finished.id)
    assert time.process_time() - started < 2
    assert run.warnings == ("metrics.jsonl has more than 500 lines: the rest is not read.",)
    assert len(read_metrics(copy, finished.id)) == 500


@pytest.mark.fault(5)
@pytest.mark.parametrize("name", ["config.json", "status.json", "facts.json", "metrics.jsonl", "about.json"])
def test_a_pipe_in_the_place_of_a_file_blocks_no_reader(copy: Workspace, finished: Run, name: str) -> None:
    path = copy.runs / finished.id / name
    path.unlink(missing_ok=True)
    os.mkfifo(path)
    (run,) = list_runs(copy)
    assert "It is not a file" in run.problem + "".join(run.warnings)


@pytest.mark.fault(6)
def test_a_run_of_a_newer_version_is_only_read(copy: Workspace, finished: Run) -> None:
    path = copy.runs / finished.id / "config.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "schema_version": 99, "program": "7.1"}))
    before = {item: item.read_bytes() for item in path.parent.rglob("*") if item.is_file()}
    (run,) = list_runs(copy)
    assert "was made by version 7.1 of this program (schema 99)" in run.problem
    actions: list[Callable[[], None]] = [
        lambda: rename_run(copy, finished.id, "x"),
        lambda: note_run(copy, finished.id, "x"),
        lambda: resume_run(copy, finished.id),
    ]
    for action in actions:
        with pytest.raises(RunError, match=r"was made by version 7\.1"):
            action()
    assert before == {item: item.read_bytes() for item in path.parent.rglob("*") if item.is_file()}


def test_a_run_is_made_with_its_name_and_a_bad_one_makes_none(workspace: Workspace) -> None:
    save_tiny(workspace)
    config = make_config({"dataset": "tiny"})
    for name in ("x" * (MAX_RUN_NAME + 1), "two\nlines"):
        with pytest.raises(RunError, match="The name "):
            create_run(workspace, config, name=name)
    assert list_runs(workspace) == []
    named, unnamed = create_run(workspace, config, name="  my run "), create_run(workspace, config)
    assert (read_run(workspace, named).name, read_run(workspace, unnamed).name) == ("my run", unnamed)
    assert read_run(workspace, named).config == read_run(workspace, unnamed).config
    rename_run(workspace, named, "")
    assert read_run(workspace, named).name == named


@pytest.mark.parametrize(
    ("validation", "settings", "own"),
    [(0, {}, 0), (10, {}, 0), (12, {}, 0), (40, {}, 40), (5, {}, 5), (10, {"validation_share": 0.2}, 1)],
)
def test_a_run_knows_whether_its_validation_pictures_were_the_datasets_own(
    finished: Run, validation: int, settings: dict[str, float], own: int
) -> None:
    """A tenth of 100 pictures, or one more of each class, is a share; other numbers can only be the dataset's own."""
    assert finished.dataset is not None
    facts = replace(finished.dataset, class_names=("a", "b"), train=100 - validation, validation=validation)
    config = make_config({"validation_share": 0.0 if not validation else 0.1, "own_validation": True})
    run = replace(finished, dataset=facts, config=make_config(settings) if settings else config)
    assert run.own_validation == own
    assert ("validation_share" in run.settings_in_effect) == (own == 0 or bool(settings))
