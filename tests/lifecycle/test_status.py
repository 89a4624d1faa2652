"""The table of moves, the status file, and what it means when its process is dead. No process is started."""

import itertools
import json
import time
from datetime import timedelta
from pathlib import Path

import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError
from cifar_core.jobs.log import end_line
from cifar_core.lifecycle import status as status_file
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.runner import state_now
from cifar_core.lifecycle.states import ACTIVE, MOVES, RESUMABLE, Status, TrainingProgress, require_move
from cifar_core.lifecycle.status import (
    SILENT_SECONDS,
    WORKER_START_SECONDS,
    expect_worker,
    move,
    read_state,
    silent_since,
    state_by_liveness,
    write_first_status,
    write_progress,
)
from cifar_core.runs import create_run, list_runs, read_run, resume_run, start_run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.storage.locks import hold_lock
from cifar_core.workspace import Workspace

LEGAL = {  # status -> the statuses that may follow it, written apart from the table in the library
    "queued": {"running", "stopped", "paused", "interrupted", "failed"},
    "running": {"finished", "paused", "stopped", "failed", "interrupted"},
    "paused": {"queued"},
    "stopped": {"queued"},
    "failed": {"queued"},
    "interrupted": {"queued"},
    "finished": set(),
}
PATHS = {  # status -> the moves that lead to it
    "queued": [],
    "running": ["running"],
    "paused": ["running", "paused"],
    "stopped": ["stopped"],
    "failed": ["running", "failed"],
    "interrupted": ["running", "interrupted"],
    "finished": ["running", "finished"],
}


@pytest.fixture
def folder(workspace: Workspace) -> RunFolder:
    """The folder of a new run."""
    return run_folder(workspace, create_run(workspace, make_config()))


def bring(folder: RunFolder, status: str) -> None:
    for goal in PATHS[status]:
        move(folder, Status(goal))


def test_the_table_of_moves_is_complete() -> None:
    assert {status.value: {goal.value for goal in goals} for status, goals in MOVES.items()} == LEGAL
    assert {status for status in Status if "queued" in LEGAL[status]} == set(RESUMABLE)
    assert set(ACTIVE).isdisjoint(RESUMABLE)


@pytest.mark.parametrize(("status", "goal"), list(itertools.product(Status, Status)))
def test_an_illegal_move_is_refused_and_changes_nothing(folder: RunFolder, status: Status, goal: Status) -> None:
    bring(folder, status.value)
    before = folder.status.read_bytes()
    if goal in MOVES[status]:
        move(folder, goal, error="why")
        assert read_state(folder).status is goal and read_state(folder).error == "why"
        return
    with pytest.raises(RunError, match=f"Run {folder.run_id} has the status {status}: "):
        move(folder, goal)
    assert folder.status.read_bytes() == before


@pytest.mark.fault(40)
@pytest.mark.parametrize("place", ["status", "log"])
def test_a_run_of_an_earlier_version_that_diverged_is_known_by_its_error(folder: RunFolder, place: str) -> None:
    """And one whose end is only in its log, because the disk refused the status."""
    why = "Training diverged in epoch 3: the loss is no longer a number. Lower the learning rate."
    move(folder, Status.RUNNING)
    if place == "log":
        folder.log.write_text(f"{end_line('failed', why)}\n")
    else:
        move(folder, Status.FAILED, error=why)
        content = json.loads(folder.status.read_text())
        folder.status.write_text(json.dumps({name: value for name, value in content.items() if name != "diverged"}))
    run = read_run(folder.workspace, folder.run_id)
    assert run.diverged and run.error == why and not run.resumable


def test_only_a_running_run_makes_progress(folder: RunFolder) -> None:
    with pytest.raises(RunError, match="has the status queued: only a running one makes progress"):
        write_progress(folder, TrainingProgress("training", 1, 2, 3, 4))
    move(folder, Status.RUNNING)
    write_progress(folder, TrainingProgress("training", 1, 2, 3, 4, elapsed=5.0))
    assert read_state(folder).progress == TrainingProgress("training", 1, 2, 3, 4, elapsed=5.0)
    move(folder, Status.STOPPED)
    assert read_state(folder).progress == TrainingProgress("training", 1, 2, 3, 4, elapsed=5.0), "the progress is kept"
    move(folder, Status.QUEUED)
    assert read_state(folder).progress == TrainingProgress("starting", epochs=2, elapsed=5.0)


def test_a_dead_run_is_interrupted_for_every_reader(folder: RunFolder, workspace: Workspace) -> None:
    move(folder, Status.RUNNING)
    written = folder.status.read_bytes()
    assert read_run(workspace, folder.run_id).status is Status.INTERRUPTED
    assert "ended without giving a reason" in read_run(workspace, folder.run_id).error
    assert folder.status.read_bytes() == written, "reading writes nothing"
    with hold_lock(folder.lock) as held:
        assert held and state_now(folder).status is Status.RUNNING


def test_a_worker_that_starts_between_two_reads_is_not_called_dead(folder: RunFolder) -> None:
    """Status and worker cannot be read at the same moment: here the worker begins just after it was seen dead."""
    checks: list[object] = []

    def seen_dead(folder: LifeFolder) -> bool:
        checks.append(folder)
        if len(checks) == 1:
            expect_worker(folder, here=True)  # it holds the lock by now
            return False
        return True

    assert state_by_liveness(folder, seen_dead).status is Status.QUEUED
    assert len(checks) == 2


@pytest.mark.fault(30)
def test_after_a_restart_of_the_machine_all_are_interrupted(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    running, queued = (run_folder(workspace, create_run(workspace, make_config())) for _ in range(2))
    move(running, Status.RUNNING)
    assert read_run(workspace, queued.run_id).status is Status.QUEUED
    monkeypatch.setattr(status_file, "boot_id", lambda: "another start of the machine")
    for folder in (running, queued):
        run = read_run(workspace, folder.run_id)
        assert run.status is Status.INTERRUPTED and "machine was restarted" in run.error


@pytest.mark.fault(29)
@pytest.mark.parametrize("jump", [timedelta(days=1), timedelta(days=-1), timedelta(hours=1), timedelta(hours=-1)])
def test_a_clock_that_jumps_kills_nobody(
    folder: RunFolder, workspace: Workspace, jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a day or an hour, as in summer time, in both directions: runs that start, wait and train go on."""
    real = time.time
    monkeypatch.setattr("time.time", lambda: real() + jump.total_seconds())
    assert read_run(workspace, folder.run_id).status is Status.QUEUED, "its process is being started"
    with hold_lock(folder.lock):
        expect_worker(folder, here=True)
        assert read_run(workspace, folder.run_id).status is Status.QUEUED
        move(folder, Status.RUNNING)
        write_progress(folder, TrainingProgress("training", 1, 2, 3, 4, 100.0, 5.0, 1.0))
        run = read_run(workspace, folder.run_id)
        assert run.status is Status.RUNNING and run.silent_since is None
        assert run.seconds == 1.0


def test_a_run_whose_process_never_started_is_interrupted(folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.monotonic()
    for later, status in ((WORKER_START_SECONDS - 1, Status.QUEUED), (WORKER_START_SECONDS + 1, Status.INTERRUPTED)):
        monkeypatch.setattr("time.monotonic", lambda later=later: now + later)
        assert state_now(folder).status is status
    assert "never started" in state_now(folder).error


@pytest.mark.fault(37)
@pytest.mark.parametrize(("step", "limit"), [(0.01, SILENT_SECONDS), (30.0, 300.0)])
def test_longer_steps_allow_a_longer_silence(
    folder: RunFolder, step: float, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    move(folder, Status.RUNNING)
    state, written = read_state(folder), folder.status.stat().st_mtime
    assert state.beat is not None
    for silence, since in ((limit - 1, None), (limit + 1, written)):
        monkeypatch.setattr("time.monotonic", lambda silence=silence: state.beat + silence)
        assert silent_since(folder, state, step) == since


@pytest.mark.parametrize("status", [status for status in Status if status not in ACTIVE])
def test_an_ended_run_is_not_silent(folder: RunFolder, status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(folder, status.value)
    monkeypatch.setattr("time.monotonic", lambda: 1e9)
    assert silent_since(folder, read_state(folder), 0.0) is None


@pytest.mark.parametrize("status", list(Status))
def test_a_status_of_an_earlier_version_is_read(folder: RunFolder, status: Status) -> None:
    old = {"status": status.value, "error": "", "progress": {"phase": "training", "epoch": 1, "epochs": 3}}
    folder.status.write_text(json.dumps(old))
    expected = Status.INTERRUPTED if status in ACTIVE else status
    assert state_now(folder).status is expected and state_now(folder).progress == TrainingProgress("training", 1, 3)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"status": "dancing"}', '{"status": "queued", "beat": "x"}', "[" * 99_999]
)
def test_an_unreadable_status_is_reported_and_not_changed(
    folder: RunFolder, workspace: Workspace, content: str
) -> None:
    folder.status.write_text(content)
    for action in (start_run, resume_run, read_run):
        with pytest.raises(RunError, match="cannot be read"):
            action(workspace, folder.run_id)
    assert folder.status.read_text() == content
    assert [run.id for run in list_runs(workspace)] == [folder.run_id]


def test_refusals_say_what_to_do() -> None:
    with pytest.raises(RunError, match="resume it, or make a new one"):
        require_move("x", Status.PAUSED, Status.RUNNING)
    with pytest.raises(RunError, match="Run x has the status finished: there is nothing to pause"):
        require_move("x", Status.FINISHED, Status.PAUSED)


def test_the_first_status(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write_first_status(folder, 7)
    state = read_state(folder)
    assert (state.status, state.taken, state.progress) == (Status.QUEUED, False, TrainingProgress("starting", epochs=7))
