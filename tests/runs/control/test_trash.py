"""Deleting and restoring runs, and removing them for good. Nothing is trained here."""

import datetime
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError, StorageError
from cifar_core.lifecycle import runner
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import tickets
from cifar_core.lifecycle.status import WORKER_START_SECONDS, move
from cifar_core.limits import LIMITS_FILE
from cifar_core.runs import (
    Status,
    create_run,
    delete_run,
    empty_trash,
    list_runs,
    list_trash,
    read_run,
    rename_run,
    restore_run,
    resume_run,
    start_run,
)
from cifar_core.runs.control import admission, trash
from cifar_core.runs.run_folder import run_folder
from cifar_core.storage import atomic
from cifar_core.storage import trash as stored
from cifar_core.storage.locks import hold_lock
from cifar_core.sweeps.trash import empty_old_trash
from cifar_core.workspace import Workspace, open_workspace
from tests.runs.conftest import ended_run, snapshot


def age(workspace: Workspace, *, days: float) -> None:
    """Rename the folders in the trash as if the runs had been deleted so many days earlier."""
    for item in list_trash(workspace):
        earlier = item.deleted - datetime.timedelta(days=days)
        item.path.rename(workspace.trash / f"{earlier:%Y%m%d-%H%M%S}-{earlier.microsecond // 1000:03d}-{item.id}")


def test_a_deleted_run_comes_back_as_it_was(workspace: Workspace) -> None:
    run_id, other = ended_run(workspace), ended_run(workspace)
    rename_run(workspace, run_id, "my best")
    before, run = snapshot(workspace.runs), read_run(workspace, run_id)
    delete_run(workspace, run_id)
    assert [item.id for item in list_runs(workspace)] == [other]
    (deleted,) = list_trash(workspace)
    assert (deleted.id, deleted.name) == (run_id, "my best")
    assert abs(datetime.datetime.now(datetime.UTC) - deleted.deleted) < datetime.timedelta(minutes=1)
    restore_run(workspace, run_id)
    assert snapshot(workspace.runs, but=("worker.lock", "training.lock")) == before
    assert read_run(workspace, run_id) == run
    assert list_trash(workspace) == []


def test_a_run_whose_id_is_taken_stays_in_the_trash(workspace: Workspace) -> None:
    run_id = ended_run(workspace)
    shutil.copytree(workspace.runs / run_id, workspace.root / "copy")
    delete_run(workspace, run_id)
    (workspace.root / "copy").rename(workspace.runs / run_id)
    before = snapshot(workspace.root)
    with pytest.raises(RunError, match=f"There is a run {run_id} here already"):
        restore_run(workspace, run_id)
    assert snapshot(workspace.root) == before


def test_of_two_deleted_runs_of_one_id_the_last_deleted_comes_back(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when both were deleted at the same moment."""

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime(2026, 11, 25, 15, 29, 31, 999_500, tzinfo=tz)

    run_id = ended_run(workspace)
    monkeypatch.setattr(stored.datetime, "datetime", Clock)
    for name in ("first", "second"):
        rename_run(workspace, run_id, name)
        shutil.copytree(workspace.runs / run_id, workspace.root / "copy")
        delete_run(workspace, run_id)
        (workspace.root / "copy").rename(workspace.runs / run_id)
    assert [item.name for item in list_trash(workspace)] == ["second", "first"]
    shutil.rmtree(workspace.runs / run_id)
    restore_run(workspace, run_id)
    assert read_run(workspace, run_id).name == "second"


@pytest.mark.parametrize("run_id", ["quiet-otter-7f3a", "../x", "", "a" * 300, "a\0"])
def test_what_is_not_in_the_trash_cannot_come_back(workspace: Workspace, run_id: str) -> None:
    with pytest.raises(RunError, match=r"There is no run .* in the trash") as caught:
        restore_run(workspace, run_id)
    assert len(str(caught.value)) < 200


def test_foreign_things_in_the_trash_are_left_alone(workspace: Workspace) -> None:
    ended = ended_run(workspace)
    names = [
        "notes.txt",
        "20261301-000000-000-bad-month",
        f"20201125-152931-123-{'CON'}",
        f"20201125-152931-123-{ended}x/",
    ]
    for name in names:
        (workspace.trash / name).mkdir() if name.endswith("/") else (workspace.trash / name).touch()
    (workspace.trash / "20201125-152931-123-linked-otter-7f3a").symlink_to(workspace.runs / ended)
    assert [item.id for item in list_trash(workspace)] == [f"{ended}x"]
    assert list_trash(workspace)[0].name == f"{ended}x"
    assert empty_trash(workspace) == 1
    assert len(list(workspace.trash.iterdir())) == 4
    assert read_run(workspace, ended).status is Status.FINISHED


def test_the_trash_keeps_for_as_long_as_the_server_says(workspace: Workspace) -> None:
    run_id = ended_run(workspace)
    delete_run(workspace, run_id)
    age(workspace, days=29.9)
    empty_old_trash(workspace)
    assert len(list_trash(workspace)) == 1
    (workspace.root / LIMITS_FILE).write_text('{"trash_days": "often"}')
    age(workspace, days=100)
    empty_old_trash(workspace)
    assert len(list_trash(workspace)) == 1, "while the limits cannot be read, nothing is removed"
    (workspace.root / LIMITS_FILE).write_text('{"trash_days": 150}')
    empty_old_trash(workspace)
    assert len(list_trash(workspace)) == 1
    (workspace.root / LIMITS_FILE).unlink()
    empty_old_trash(workspace)
    assert list(workspace.trash.iterdir()) == []


def test_an_interrupted_removal_leaves_no_half_run(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = ended_run(workspace)
    delete_run(workspace, run_id)

    def half(path: Path) -> None:
        (path / "config.json").unlink()
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", half)
        with pytest.raises(StorageError, match=f"removing the deleted run {run_id}"):
            empty_trash(workspace)
        empty_old_trash(workspace)  # raises nothing: the next call tries again
    assert list_trash(workspace) == []
    (left,) = workspace.trash.iterdir()
    os.utime(left, (0, 0))
    open_workspace(workspace.root)
    assert list(workspace.trash.iterdir()) == []


def test_a_full_disk_leaves_the_run(workspace: Workspace, arm: Callable[[str], None]) -> None:
    run_id = ended_run(workspace)
    arm("replace:1:enospc")
    with pytest.raises(StorageError, match=f"disk is full while deleting run {run_id}"):
        delete_run(workspace, run_id)
    assert read_run(workspace, run_id).id == run_id
    assert list_trash(workspace) == []


@pytest.mark.fault(19)
def test_a_running_or_orphaned_run_is_not_deleted(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "EXIT_SECONDS", 0.0)
    living = create_run(workspace, make_config())
    with pytest.raises(RunError, match="is running: stop it first"):
        delete_run(workspace, living)
    orphan = ended_run(workspace)
    with hold_lock(run_folder(workspace, orphan).training_lock) as acquired:
        assert acquired
        with pytest.raises(RunError, match="A process still works with run"):  # it may also be one that recomputes
            delete_run(workspace, orphan)
    assert list_trash(workspace) == []


def test_a_run_that_cannot_be_read_is_deleted_and_comes_back(workspace: Workspace) -> None:
    run_id = ended_run(workspace)
    for name in ("status.json", "about.json"):
        (workspace.runs / run_id / name).write_text("{")
    delete_run(workspace, run_id)
    assert list_runs(workspace) == []
    assert list_trash(workspace)[0].name == run_id
    restore_run(workspace, run_id)
    assert list_runs(workspace)[0].problem


def test_a_name_in_the_trash_is_one_line_that_can_be_seen(workspace: Workspace) -> None:
    """It may come from an imported run or be edited by hand, and is printed to a terminal."""
    run_id = ended_run(workspace)
    (workspace.runs / run_id / "about.json").write_text(json.dumps({"name": "\x1b]0;mine\x07\n" + "x" * 100}))
    delete_run(workspace, run_id)
    name = list_trash(workspace)[0].name
    assert name.isprintable() and name.startswith("]0;mine x") and len(name) == 80


@pytest.mark.fault(45)
@pytest.mark.parametrize("target", ["folder", "run", "nothing"])
def test_of_a_linked_run_only_the_link_is_deleted(workspace: Workspace, tmp_path: Path, target: str) -> None:
    """The link is not listed or read as a run. Its target is not changed and gets no lock files."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    run_id = ended_run(workspace)
    goal = {"folder": outside, "run": workspace.runs / run_id, "nothing": tmp_path / "nowhere"}[target]
    link = workspace.runs / "linked-otter-7f3a"
    before = snapshot(tmp_path)
    link.symlink_to(goal)
    assert [run.id for run in list_runs(workspace)] == [run_id]
    for action in (read_run, run_folder, restore_run):
        with pytest.raises(RunError, match="There is no run 'linked-otter-7f3a'"):
            action(workspace, link.name)
    delete_run(workspace, link.name)
    assert not os.path.lexists(link)
    assert snapshot(tmp_path) == before


@pytest.mark.fault(45)
def test_a_link_inside_a_run_is_removed_for_good_without_what_it_points_to(
    workspace: Workspace, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    run_id = ended_run(workspace)
    (workspace.runs / run_id / "checkpoint.pt").symlink_to(outside / "precious")
    (workspace.runs / run_id / "more").symlink_to(outside)
    delete_run(workspace, run_id)
    empty_trash(workspace)
    assert list(workspace.trash.iterdir()) == []
    assert (outside / "precious").read_text() == "x"


def test_renames_reach_the_disk_in_both_folders(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """So a power cut after the deletion does not undo it."""
    run_id = ended_run(workspace)
    synced: list[Path] = []
    monkeypatch.setattr(stored, "sync_folder", lambda folder: (synced.append(folder), atomic.sync_folder(folder)))
    delete_run(workspace, run_id)
    assert set(synced) == {workspace.runs, workspace.trash}
    synced.clear()
    restore_run(workspace, run_id)
    assert set(synced) == {workspace.runs, workspace.trash}


def test_a_run_that_ended_just_now_can_be_deleted(workspace: Workspace) -> None:
    run_id = create_run(workspace, make_config())
    move(run_folder(workspace, run_id), Status.STOPPED)
    delete_run(workspace, run_id)
    assert [item.id for item in list_trash(workspace)] == [run_id]


@pytest.fixture
def spawned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The arguments of the workers that would have been started."""
    started: list[str] = []
    monkeypatch.setattr(runner, "spawn", lambda _module, arguments, _log: started.extend(arguments))
    monkeypatch.setattr("cifar_core.runs.control.actions.start_get", lambda *_arguments: None)
    return started


@pytest.mark.fault(19, 36)
@pytest.mark.parametrize("begin", [resume_run, start_run])
def test_a_run_that_is_being_deleted_cannot_start(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, spawned: list[str], begin: Callable[[Workspace, str], None]
) -> None:
    """Another process starts it during the deletion, after the check that the run is idle."""
    run_id = ended_run(workspace, Status.STOPPED) if begin is resume_run else never_started(workspace, monkeypatch)
    monkeypatch.setattr(admission, "_LOCK_SECONDS", 0.0)
    free_name, calls = stored.Trash._free_name, []

    def concurrently(place: stored.Trash, run_id: str) -> Path:
        with pytest.raises(StorageError, match="started or deleted, and that takes too long"):
            begin(workspace, run_id)
        calls.append(run_id)
        return free_name(place, run_id)

    monkeypatch.setattr(stored.Trash, "_free_name", concurrently)
    delete_run(workspace, run_id)
    assert calls == [run_id] and [item.id for item in list_trash(workspace)] == [run_id]
    with pytest.raises(RunError, match="There is no run"):  # the other process gets this after waiting for the lock
        begin(workspace, run_id)
    assert spawned == [] and list_runs(workspace) == [] and tickets(workspace) == {}


@pytest.mark.fault(19, 36)
@pytest.mark.parametrize("begin", [resume_run, start_run])
def test_a_run_that_is_being_started_cannot_be_deleted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, spawned: list[str], begin: Callable[[Workspace, str], None]
) -> None:
    """Another process deletes it during the start, before its status is `queued`, and again afterwards."""
    run_id = ended_run(workspace, Status.STOPPED) if begin is resume_run else never_started(workspace, monkeypatch)
    monkeypatch.setattr(admission, "_LOCK_SECONDS", 0.0)
    write_queued, calls = runner.write_queued, []

    def concurrently(folder: LifeFolder) -> None:
        with pytest.raises(StorageError, match="started or deleted, and that takes too long"):
            delete_run(workspace, run_id)
        calls.append(run_id)
        write_queued(folder)

    monkeypatch.setattr(runner, "write_queued", concurrently)
    begin(workspace, run_id)
    with pytest.raises(RunError, match="is running: stop it first"):
        delete_run(workspace, run_id)
    assert calls == [run_id] and len(spawned) == 1 and list_trash(workspace) == []
    assert read_run(workspace, run_id).status is Status.QUEUED and tickets(workspace) == {run_id: 1}


@pytest.mark.skipif(os.name != "posix", reason="Windows moves no folder in which a file is open")
def test_a_late_worker_does_not_train_a_run_that_is_being_deleted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run counts as interrupted by then; the deletion holds the lock that the worker needs."""
    run_id = never_started(workspace, monkeypatch)
    free_name, calls = stored.Trash._free_name, []

    def concurrently(place: stored.Trash, run_id: str) -> Path:
        folder = run_folder(workspace, run_id)
        with hold_lock(folder.lock) as acquired, hold_lock(folder.training_lock) as idle:
            calls.append((acquired, idle))
        return free_name(place, run_id)

    monkeypatch.setattr(stored.Trash, "_free_name", concurrently)
    delete_run(workspace, run_id)
    assert calls == [(False, False)] and len(list_trash(workspace)) == 1


def never_started(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run that was made so long ago that its worker, which never started, counts as dead."""
    run_id = create_run(workspace, make_config())
    monotonic = time.monotonic
    monkeypatch.setattr("time.monotonic", lambda: monotonic() + WORKER_START_SECONDS + 1)
    return run_id
