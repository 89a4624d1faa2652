"""Workers that are frozen, as by SIGSTOP or by a machine that pages: nobody waits for them, and a stop ends them."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cifar_core.lifecycle import force_stop, lock_holders, status
from cifar_core.lifecycle.heartbeat import start_heartbeat
from cifar_core.lifecycle.lock_holders import holder_of
from cifar_core.lifecycle.queue import leave, ticket_lock, tickets
from cifar_core.lifecycle.status import expect_worker
from cifar_core.runs import delete_run, list_runs, pause_run, queue_places, read_run, resume_run, stop_all, stop_run
from cifar_core.runs.control import actions
from cifar_core.storage.locks import hold_lock, is_locked
from tests.lifecycle import fake
from tests.lifecycle.conftest import Lives, is_alive, until

QUIET = 1.0  # seconds without a beat, instead of 30

pytestmark = pytest.mark.skipif(
    not lock_holders.can_find_holders(), reason="this system does not tell who holds a lock"
)


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all processes a worker is silent soon."""
    monkeypatch.setenv(fake.QUIET, str(QUIET))
    for module in (status, force_stop):
        monkeypatch.setattr(module, "UNRESPONSIVE_SECONDS", QUIET)


@contextlib.contextmanager
def frozen(*processes: psutil.Process) -> Iterator[None]:
    """Processes that stand still meanwhile."""
    for one in processes:
        one.suspend()
    try:
        yield
    finally:
        for one in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()


def waiting(lives: Lives) -> tuple[str, psutil.Process]:
    """A run whose worker waits for its turn."""
    run_id = lives.begin()
    until(lambda: (p := read_run(lives.workspace, run_id).progress) and p.phase.startswith("waiting"), "it waits")
    (worker,) = lives.processes(run_id, "worker")
    return run_id, worker


def silent(lives: Lives, run_id: str) -> bool:
    return read_run(lives.workspace, run_id).silent_since is not None


@pytest.mark.fault(94)
def test_a_frozen_waiting_worker_is_passed_over_and_queues_anew_when_it_wakes(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)
    (second, worker), (third, _) = waiting(lives), waiting(lives)
    with frozen(worker):
        until(lambda: silent(lives, second), "it is shown as not responding", patience=10)
        run = read_run(lives.workspace, second)
        assert run.status == "queued" and run.waits and time.time() - QUIET - 9 < (run.silent_since or 0) < time.time()
        assert list(queue_places(list_runs(lives.workspace), 1)) == [third]
        lives.order(first, "finish")
        lives.wait_computing(third)
        assert read_run(lives.workspace, second).waits, "passed over, it is not taken for one that trains"
    until(lambda: list(queue_places(list_runs(lives.workspace), 1)) == [second], "it queues anew", patience=10)
    assert not silent(lives, second)
    lives.order(third, "finish")
    lives.wait_computing(second)
    assert not silent(lives, second)


@pytest.mark.fault(94)
@pytest.mark.parametrize(
    "verb", ["stop", *(pytest.param(verb, marks=pytest.mark.slow) for verb in ("pause", "stop all"))]
)
def test_who_does_not_even_respond_is_ended(lives: Lives, verb: str) -> None:
    lives.wait_computing(lives.begin())
    run_id, worker = waiting(lives)
    worker.suspend()
    if verb == "stop all":
        assert run_id in stop_all(lives.workspace)
    else:
        (stop_run if verb == "stop" else pause_run)(lives.workspace, run_id)
    goal = "paused" if verb == "pause" else "stopped"
    run = lives.wait(run_id, goal)
    assert f"did not react to the {verb.removesuffix(' all')}" in run.error
    until(lambda: not is_alive(worker), "it is gone")
    resume_run(lives.workspace, run_id)
    until(lambda: is_locked(lives.folder(run_id).lock), "it has a worker again")


@pytest.mark.fault(94)
@pytest.mark.slow
def test_a_stop_ends_worker_and_computing_process_where_both_are_frozen(lives: Lives) -> None:
    first = lives.begin()
    child = lives.wait_computing(first)
    second, _ = waiting(lives)
    family = [*lives.processes(first, "worker"), child]
    for one in family:
        one.suspend()
    stop_run(lives.workspace, first)
    run = lives.wait(first, "stopped")
    assert "did not react to the stop" in run.error
    until(lambda: not any(is_alive(process) for process in family), "both are gone")
    lives.wait_computing(second)


@pytest.mark.fault(94)
@pytest.mark.slow
@pytest.mark.parametrize("order", ["finish", "killed"])
def test_a_frozen_worker_whose_training_has_ended_keeps_no_slot(lives: Lives, order: str) -> None:
    """Nobody asks it to stop: there is nothing to stop. The next in the queue ends it, for nothing of it computes."""
    first = lives.begin()
    lives.wait_computing(first)
    second, _ = waiting(lives)
    (worker,) = lives.processes(first, "worker")
    worker.suspend()
    lives.order(first, order)
    if order == "finish":
        lives.wait(first, "finished")
    lives.wait_computing(second)
    assert lives.status(first) == ("finished" if order == "finish" else "interrupted")
    until(lambda: not is_alive(worker), "it is gone")


@pytest.mark.fault(94)
@pytest.mark.slow
@pytest.mark.parametrize("what", [resume_run, delete_run])
def test_a_frozen_worker_does_not_keep_an_ended_run_to_itself(lives: Lives, what: object) -> None:
    run_id = lives.begin()
    lives.wait_computing(run_id)
    (worker,) = lives.processes(run_id, "worker")
    worker.suspend()
    lives.order(run_id, "fail")
    lives.wait(run_id, "failed")
    time_of_death = time.monotonic() + QUIET
    until(lambda: time.monotonic() > time_of_death, "it has been silent for long enough")
    what(lives.workspace, run_id)  # type: ignore[operator]
    assert not is_alive(worker)


@pytest.mark.fault(94)
def test_who_was_resumed_meanwhile_is_not_ended(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    """The escalation of an earlier stop sees another worker, to which nobody said a word."""
    monkeypatch.setattr(force_stop, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(force_stop, "OBEY_SECONDS", -100.0)
    lives.wait_computing(lives.begin())
    run_id, worker = waiting(lives)
    force_stop.end_unresponsive(lives.folder(run_id))
    assert is_alive(worker) and lives.status(run_id) == "queued"


@pytest.mark.fault(28, 94)
def test_only_who_holds_the_lock_is_ended(lives: Lives, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a server that holds it for a moment, nor one that is called like a worker, nor where the system does not tell."""
    run_id = lives.make()
    folder = lives.folder(run_id)
    command = [sys.executable, "-c", "import time; time.sleep(600)", f"--run-dir={folder.path}"]
    with subprocess.Popen(command) as stranger:
        try:
            with hold_lock(folder.lock), holder_of(folder.lock) as found:
                assert found is None, "this process holds it, and is no worker"
            with holder_of(folder.lock) as found:
                assert found is None, "nobody holds it"
            with holder_of(tmp_path / "absent") as found:
                assert found is None
        finally:
            stranger.kill()
    first = lives.begin()
    lives.wait_computing(first)
    (worker,) = lives.processes(first, "worker")
    with holder_of(lives.folder(first).lock) as found:
        assert found is not None and (found.pid, found.run_id) == (worker.pid, first)
        worker.kill()
        until(lambda: found.has_ended(0), "it has ended")
        signals: list[object] = []
        monkeypatch.setattr(signal, "pidfd_send_signal", lambda *to: signals.append(to))
        assert not found.kill() and signals == []
    link = tmp_path / "link"
    link.symlink_to(lives.folder(first).lock)
    with monkeypatch.context() as context:
        context.setattr(sys, "platform", "darwin")
        assert not lock_holders.can_find_holders()


@contextlib.contextmanager
def holding(run_dir: Path, *locks: Path, how: str = "LOCK_EX") -> Iterator[None]:
    """A process called as a worker that holds locks and does nothing else."""
    code = f"import fcntl, sys, time; files = [open(path, 'ab') for path in sys.argv[2:]]; how = fcntl.{how}"
    code += "; [fcntl.flock(file, how) for file in files]; print(flush=True); time.sleep(600)"
    command = [sys.executable, "-c", code, f"--run-dir={run_dir}", *map(str, locks)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline()
            yield
        finally:
            holder.kill()


@pytest.mark.fault(94)
def test_who_only_asks_or_writes_the_end_of_another_run_is_not_its_worker(lives: Lives) -> None:
    folder, other = lives.folder(lives.make()), lives.folder(lives.make())
    with holding(folder.path, folder.lock, how="LOCK_SH"), holder_of(folder.lock) as found:
        assert found is None, "it asks whether the lock is held"
    with holding(other.path, folder.lock):
        with holder_of(folder.lock, of_run=folder.run_id) as found:
            assert found is None, "it writes the end of a run that is not its own"
        with holder_of(folder.lock) as found:
            assert found is not None and found.run_id == other.run_id


@pytest.mark.fault(94)
def test_a_kill_that_the_system_refuses_is_none(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker is another user's."""
    folder = lives.folder(lives.make())

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
    with holding(folder.path, folder.lock), holder_of(folder.lock) as found:
        assert found is not None and not found.kill()


@pytest.mark.fault(94)
def test_a_worker_that_is_frozen_as_it_takes_a_ticket_keeps_no_other_from_one(lives: Lives) -> None:
    """Also where nobody else has a ticket yet."""
    lives.wait_computing(lives.begin())
    other, _ = waiting(lives)
    folder, order = lives.folder(lives.make()), ticket_lock(lives.workspace)
    expect_worker(folder, here=True)
    with start_heartbeat(folder):  # once
        pass
    with holding(folder.path, folder.lock, folder.heartbeat, order):
        leave(lives.folder(other))
        until(lambda: not is_locked(order), "its process was ended", patience=20)
        until(lambda: other in tickets(lives.workspace), "others take a ticket", patience=20)
    assert "held up the queue" in lives.wait(folder.run_id, "interrupted").error


@pytest.mark.fault(94)
def test_what_an_escalation_prints_is_not_taken_for_the_last_words_of_a_run(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs: list[Path] = []
    folder = lives.folder(lives.make())
    monkeypatch.setattr(actions, "spawn", lambda _module, _options, log: logs.append(log))
    with hold_lock(folder.lock):
        actions.watch_over([folder])
    assert logs == [Path(os.devnull)]
