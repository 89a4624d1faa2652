"""Places in the queue of runs whose workers came to grief while they waited."""

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
from cifar_core.lifecycle.states import Verb
from cifar_core.lifecycle.status import expect_worker, move
from cifar_core.runs import Status, read_run, resume_run, start_run
from cifar_core.workspace import Workspace
from tests.lifecycle.conftest import FakeRuns
from tests.rights import as_a_user


def test_a_run_that_fails_while_it_waits_leaves_the_queue_and_says_why(
    fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In this process, whose worker finds a disk that refuses."""
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    expect_worker(folder, here=False)
    join(folder)

    def refuse(*_: object) -> bool:
        raise StorageError("The disk refused while joining the queue.")

    monkeypatch.setattr(worker, "take_slot", refuse)
    monkeypatch.setattr(worker, "TerminationSignal", lambda: SimpleNamespace(received=False))
    monkeypatch.setattr(sys, "argv", ["worker", f"--run-dir={folder.path}"])
    with pytest.raises(StorageError, match="The disk refused"):
        worker.main()
    run = read_run(fake_runs.workspace, run_id)
    assert (run.status, run.error) == (Status.FAILED, "The disk refused while joining the queue.")
    assert tickets(fake_runs.workspace) == {}


def test_a_resumed_run_queues_behind_those_who_wait(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its worker was killed as it waited, so nobody gave its ticket back."""
    monkeypatch.setattr("cifar_core.runs.control.actions.spawn", lambda *_: None)
    first, second = fake_runs.make(), fake_runs.make()
    for run_id in (first, second):
        expect_worker(fake_runs.folder(run_id), here=True)
        join(fake_runs.folder(run_id))
    assert fake_runs.status(first) == "interrupted"
    resume_run(fake_runs.workspace, first)
    found = tickets(fake_runs.workspace)
    assert found[second] < found[first]


def test_a_run_that_nobody_may_read_holds_no_other_up_and_keeps_its_ticket(fake_runs: FakeRuns) -> None:
    """That of another user with a umask of 077, in a workspace of both."""
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
def test_a_ticket_that_is_thrown_away_while_its_run_is_just_being_queued_is_given_anew(
    fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch, begin: Callable[[Workspace, str], None]
) -> None:
    """The run was made, or ended, long ago, so for an instant it looks like one that nobody will ever bring a worker."""
    monkeypatch.setattr("cifar_core.runs.control.actions.spawn", lambda *_: None)
    monkeypatch.setattr(
        "cifar_core.lifecycle.heartbeat.MISSED_SECONDS", 0.0
    )  # whoever looks has looked for long enough
    run_id, other = fake_runs.make(), fake_runs.make()
    folder = fake_runs.folder(run_id)
    if begin is resume_run:
        move(folder, Verb.STOP)
    long_ago = time.monotonic() - 1000
    folder.status.write_text(json.dumps(json.loads(folder.status.read_text()) | {"beat": long_ago}))

    def joined(folder: LifeFolder, **patience: float) -> None:
        join(folder, **patience)
        if other not in tickets(fake_runs.workspace):
            join(fake_runs.folder(other))
            is_next(fake_runs.folder(other), Standstill())  # throws away what is before it and does not wait
            assert list(tickets(fake_runs.workspace)) == [other]

    monkeypatch.setattr("cifar_core.runs.control.actions.join", joined)
    begin(fake_runs.workspace, run_id)
    assert set(tickets(fake_runs.workspace)) == {run_id, other}
    assert not is_next(fake_runs.folder(run_id), Standstill()) and is_next(fake_runs.folder(other), Standstill())
