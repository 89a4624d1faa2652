"""A start or a resume that the disk refuses at any write: no run is left, or the run is as it was."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_core.config import make_config
from cifar_core.errors import StorageError
from cifar_core.jobs import log
from cifar_core.lifecycle import queue, worker
from cifar_core.lifecycle.final_status import end_as
from cifar_core.lifecycle.queue import tickets
from cifar_core.lifecycle.runner import state_now
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import move
from cifar_core.processes import child_environment
from cifar_core.runs import create_run, list_runs, read_run, resume_run, start_run, stop_all
from cifar_core.storage import faults
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.workspace import open_workspace
from tests.lifecycle.conftest import FakeRuns

POINTS = ("write", "fsync", "replace")
EFFECTS = (":eacces", "+:enospc")


def refuse(*_: object) -> None:
    raise StorageError("No process can be started.")


def everywhere(attempt: Callable[[str], bool]) -> int:
    """Try every effect at every call of each point until it does not happen; returns how often it did."""
    count = 0
    for point in POINTS:
        for effect in EFFECTS:
            number = 1
            while attempt(f"{point}:{number}{effect}"):
                number, count = number + 1, count + 1
    return count


@pytest.mark.fault(95)
def test_a_start_that_is_refused_leaves_no_run(
    fake_runs: FakeRuns, arm: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.runs.control.create._code_version", str)  # otherwise it runs git
    kept = fake_runs.make()
    spawned: list[object] = []
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *given: spawned.append(given))

    def attempt(plan: str) -> bool:
        run_id = fake_runs.make()
        arm(plan)
        try:
            start_run(fake_runs.workspace, run_id)
        except StorageError:
            arm("")
            names = [path.name for path in fake_runs.workspace.runs.iterdir() if not path.name.startswith(TEMP_MARK)]
            assert sorted(names) == sorted([".queue", kept]), plan
            assert [run.id for run in list_runs(fake_runs.workspace)] == [kept] and tickets(
                fake_runs.workspace
            ) == {}, plan
            return True
        struck = faults.was_injected()
        arm("")
        assert read_run(fake_runs.workspace, run_id).ticket is not None
        for path in sorted(fake_runs.folder(run_id).path.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        fake_runs.folder(run_id).path.rmdir()
        queue.leave(log_folder(fake_runs, run_id))
        return struck

    queue.join(fake_runs.folder(kept))
    queue.leave(fake_runs.folder(kept))
    assert everywhere(attempt) >= 8 and spawned


def log_folder(fake_runs: FakeRuns, run_id: str) -> queue.LifeFolder:
    return queue.LifeFolder(fake_runs.workspace.runs / run_id)


@pytest.mark.fault(95)
def test_a_resume_that_is_refused_changes_nothing(
    fake_runs: FakeRuns, arm: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where only the log says why the run ended."""
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    log.begin_session(folder.log)
    move(folder, Status.RUNNING)
    log.append_bounded(folder.log, f"{log.end_line('failed', 'The disk is full.')}\n".encode())
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)
    before = folder.status.read_bytes(), folder.log.read_bytes()
    assert read_run(fake_runs.workspace, run_id).error == "The disk is full."

    def attempt(plan: str) -> bool:
        arm(plan)
        try:
            resume_run(fake_runs.workspace, run_id)
        except StorageError:
            arm("")
            run = read_run(fake_runs.workspace, run_id)
            assert (run.status, run.error) in (("failed", "The disk is full."), ("interrupted", "")), plan
            assert tickets(fake_runs.workspace) == {} and folder.log.read_bytes() == before[1], plan
            folder.status.write_bytes(before[0])
            return True
        struck = faults.was_injected()
        arm("")
        assert state_now(folder).status == "queued" and list(tickets(fake_runs.workspace)) == [run_id]
        queue.leave(folder)
        folder.status.write_bytes(before[0])
        folder.log.write_bytes(before[1])
        return struck

    assert everywhere(attempt) > 5
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", refuse)
    with pytest.raises(StorageError, match="No process"):
        resume_run(fake_runs.workspace, run_id)
    assert (folder.status.read_bytes(), folder.log.read_bytes()) == before and tickets(fake_runs.workspace) == {}


@pytest.mark.fault(95)
def test_the_log_says_why_a_run_ended_where_its_status_cannot_be_written(
    fake_runs: FakeRuns, arm: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cifar_core.lifecycle.final_status.RETRY_SECONDS", 0.2)
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    log.begin_session(folder.log)
    arm("replace:1+:enospc")
    end_as(folder, Status.FAILED, "The disk is full while writing facts.json.")
    arm("")
    run = read_run(fake_runs.workspace, run_id)
    assert (run.status, run.error) == ("failed", "The disk is full while writing facts.json.")
    arm("replace:1:enospc")  # once: the second try writes it
    end_as(folder, Status.FAILED, "Another.")
    arm("")
    assert '"Another."' in folder.status.read_text()


START = """
import sys
from pathlib import Path
from cifar_core.config import make_config
from cifar_core.errors import CifarCoreError
from cifar_core.runs import create_run, start_run
from cifar_core.workspace import Workspace
workspace = Workspace(Path(sys.argv[1]))
try:
    start_run(workspace, sys.argv[2] if len(sys.argv) > 2 else create_run(workspace, make_config()))
except CifarCoreError as error:
    print("refused:", error)
"""


@pytest.mark.fault(95)
def test_a_start_never_removes_a_run_that_has_begun_before(fake_runs: FakeRuns) -> None:
    """An imported run has no log, as a new one has none; here its lock cannot be created."""
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    move(folder, Status.RUNNING)
    move(folder, Status.FINISHED)
    folder.lock.mkdir()
    with pytest.raises(StorageError):
        start_run(fake_runs.workspace, run_id)
    assert folder.config.is_file()


def test_a_worker_waits_for_longer_than_its_starter_may_need() -> None:
    """The starting process holds its lock, and may wait for the queue before the run is queued."""
    assert worker._LOCK_SECONDS >= 2 * queue._TICKET_SECONDS


@pytest.mark.slow
@pytest.mark.fault(95)
@pytest.mark.parametrize("short_of", ["inodes", "blocks"])
def test_refused_starts_on_a_real_small_disk(tmp_path: Path, short_of: str) -> None:
    """With 0, 1, 2 ... of what a start needs; only root may mount a disk."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,nr_inodes=200", "none", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no tmpfs can be mounted here")
    try:
        workspace = open_workspace(place / "workspace")
        kept, refused = create_run(workspace, make_config()), 0
        for free in range(16):
            make_room(place)
            new = [create_run(workspace, make_config())] if short_of == "blocks" else []
            fill(place, short_of, free)
            command = [sys.executable, "-c", START, str(workspace.root), *new]
            answer = subprocess.run(command, env=child_environment(), capture_output=True, text=True, check=True)
            if "refused" not in answer.stdout:
                break
            refused += 1
            assert [run.id for run in list_runs(workspace)] == [kept], f"{free} {short_of}: {answer.stdout}"
            assert {path.name for path in workspace.runs.iterdir()} <= {kept, ".queue"} and not tickets(workspace)
        assert 1 < refused < 15
    finally:
        make_room(place)
        stop_all(workspace)
        subprocess.run(["umount", "-l", place], check=False)


def make_room(place: Path) -> None:
    for path in place.glob("fill*"):
        path.unlink()


def fill(place: Path, what: str, free: int) -> None:
    """Fill a small disk up to so many free inodes or blocks of 4 KiB."""
    if what == "blocks":
        with open(place / "fill", "wb", buffering=0) as handle, contextlib.suppress(OSError):
            while True:
                handle.write(b"x" * 4096)
        os.truncate(place / "fill", (place / "fill").stat().st_size - 4096 * free)
        return
    made: list[Path] = []
    with contextlib.suppress(OSError):
        while True:
            (place / f"fill-{len(made)}").touch()
            made.append(place / f"fill-{len(made)}")
    for path in made[len(made) - free :]:
        path.unlink()


@pytest.mark.fault(95)
def test_an_end_in_the_log_alone_is_seen_after_the_run_was_listed(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    move(folder, Status.RUNNING)
    log.begin_session(folder.log)
    assert [run.status for run in list_runs(fake_runs.workspace)] == ["interrupted"]
    log.append_bounded(folder.log, f"{log.end_line('stopped', 'As requested.')}\n".encode())
    assert [run.error for run in list_runs(fake_runs.workspace)] == ["As requested."]
