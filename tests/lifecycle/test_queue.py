"""Places in the queue of runs whose workers failed while they waited."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from cifar_core.errors import StorageError
from cifar_core.lifecycle import worker
from cifar_core.lifecycle.heartbeat import Standstill
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import is_next, join, take_slot, tickets
from cifar_core.lifecycle.status import expect_worker, move
from cifar_core.runs import Status, read_run, resume_run, start_run
from cifar_core.workspace import Workspace
from tests.lifecycle.conftest import FakeRuns
from tests.rights import as_a_user


def test_a_run_that_fails_while_it_waits_leaves_the_queue_and_says_why(
    fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker runs in this process, on a disk that refuses."""
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    expect_worker(folder, here=False)
    join(folder)

    def refuse(*_: object) -> bool:
        raise StorageError("The disk refused while joining the queue.")

    monkeypatch.setattr(worker, "take_slot", refuse)
    monkeypatch.setattr("cifar_core.lifecycle.requests.TerminationSignal", lambda: SimpleNamespace(received=False))
    monkeypatch.setattr(sys, "argv", ["worker", f"--run-dir={folder.path}"])
    with pytest.raises(SystemExit, match="The disk refused"):
        worker.main()
    run = read_run(fake_runs.workspace, run_id)
    assert (run.status, run.error) == (Status.FAILED, "The disk refused while joining the queue.")
    assert tickets(fake_runs.workspace) == {}


def test_a_resumed_run_queues_behind_the_waiting_runs(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker was killed while it waited, so its old ticket is still there."""
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)
    first, second = fake_runs.make(), fake_runs.make()
    for run_id in (first, second):
        expect_worker(fake_runs.folder(run_id), here=True)
        join(fake_runs.folder(run_id))
    assert fake_runs.status(first) == "interrupted"
    resume_run(fake_runs.workspace, first)
    found = tickets(fake_runs.workspace)
    assert found[second] < found[first]


def test_an_unreadable_run_does_not_block_the_queue_and_keeps_its_ticket(fake_runs: FakeRuns) -> None:
    """It belongs to another user with a umask of 077, in a shared workspace."""
    theirs, ours = fake_runs.make(), fake_runs.make()
    for run_id in (theirs, ours):
        expect_worker(fake_runs.folder(run_id), here=True)
        join(fake_runs.folder(run_id))
    fake_runs.folder(theirs).path.chmod(0)

    def ask() -> bool:
        with ExitStack() as held:
            return take_slot(fake_runs.folder(ours), held, Standstill())

    assert as_a_user(ask)
    fake_runs.folder(theirs).path.chmod(0o700)
    assert list(tickets(fake_runs.workspace)) == [theirs]


@pytest.mark.parametrize("begin", [start_run, resume_run])
def test_a_run_whose_ticket_is_removed_while_it_is_queued_takes_a_new_one(
    fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch, begin: Callable[[Workspace, str], None]
) -> None:
    """The run was created, or ended, long ago, so for a moment it looks as if no worker was being started for it."""
    monkeypatch.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)
    # So that no process counts as just started.
    monkeypatch.setattr("cifar_core.lifecycle.heartbeat.MISSED_SECONDS", 0.0)
    run_id, other = fake_runs.make(), fake_runs.make()
    folder = fake_runs.folder(run_id)
    if begin is resume_run:
        move(folder, Status.STOPPED)
    long_ago = time.monotonic() - 1000
    folder.status.write_text(json.dumps(json.loads(folder.status.read_text()) | {"beat": long_ago}))

    def joined(folder: LifeFolder, **options: float) -> None:
        join(folder, **options)
        if other not in tickets(fake_runs.workspace):
            join(fake_runs.folder(other))
            is_next(fake_runs.folder(other), Standstill())  # removes the tickets before it that do not wait
            assert list(tickets(fake_runs.workspace)) == [other]

    monkeypatch.setattr("cifar_core.lifecycle.runner.join", joined)
    begin(fake_runs.workspace, run_id)
    assert set(tickets(fake_runs.workspace)) == {run_id, other}
    assert not is_next(fake_runs.folder(run_id), Standstill()) and is_next(fake_runs.folder(other), Standstill())
