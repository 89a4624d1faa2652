"""Frozen workers, as by SIGSTOP or a machine that swaps: no other run waits for them, and a stop kills them."""

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

from cifar_core.lifecycle import force_stop, lock_holders, runner, status
from cifar_core.lifecycle.heartbeat import start_heartbeat
from cifar_core.lifecycle.lock_holders import holder_of
from cifar_core.lifecycle.queue import leave, ticket_lock, tickets
from cifar_core.lifecycle.status import expect_worker
from cifar_core.processes import Program
from cifar_core.runs import delete_run, list_runs, pause_run, queue_places, read_run, resume_run, stop_all, stop_run
from cifar_core.storage.locks import hold_lock, is_locked
from tests.lifecycle import fake
from tests.lifecycle.conftest import FakeRuns, is_alive, until

SILENCE = 1.0  # seconds without a beat, instead of 30

pytestmark = pytest.mark.skipif(not lock_holders.can_find_holders(), reason="this system does not say who holds a lock")


@pytest.fixture(autouse=True)
def short_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all processes a worker counts as not responding soon."""
    monkeypatch.setenv(fake.SILENCE, str(SILENCE))
    for module in (status, force_stop):
        monkeypatch.setattr(module, "UNRESPONSIVE_SECONDS", SILENCE)


@contextlib.contextmanager
def frozen(*processes: psutil.Process) -> Iterator[None]:
    """Suspend processes in the block."""
    for one in processes:
        one.suspend()
    try:
        yield
    finally:
        for one in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()


def waiting(fake_runs: FakeRuns) -> tuple[str, psutil.Process]:
    """A run whose worker waits for its turn."""
    run_id = fake_runs.begin()
    until(lambda: (p := read_run(fake_runs.workspace, run_id).progress) and p.phase.startswith("waiting"), "it waits")
    (worker,) = fake_runs.processes(run_id, "worker")
    return run_id, worker


def silent(fake_runs: FakeRuns, run_id: str) -> bool:
    return read_run(fake_runs.workspace, run_id).silent_since is not None


@pytest.mark.fault(94)
def test_a_frozen_waiting_worker_is_passed_over_and_queues_again_when_it_wakes(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    (second, worker), (third, _) = waiting(fake_runs), waiting(fake_runs)
    with frozen(worker):
        until(lambda: silent(fake_runs, second), "it is shown as not responding", timeout=10)
        run = read_run(fake_runs.workspace, second)
        assert (
            run.status == "queued" and run.waits and time.time() - SILENCE - 9 < (run.silent_since or 0) < time.time()
        )
        assert list(queue_places(list_runs(fake_runs.workspace), 1)) == [third]
        fake_runs.instruct(first, "finish")
        fake_runs.wait_computing(third)
        assert read_run(fake_runs.workspace, second).waits, "a run that is passed over does not count as training"
    until(lambda: list(queue_places(list_runs(fake_runs.workspace), 1)) == [second], "it queues again", timeout=10)
    assert not silent(fake_runs, second)
    fake_runs.instruct(third, "finish")
    fake_runs.wait_computing(second)
    assert not silent(fake_runs, second)


@pytest.mark.fault(94)
@pytest.mark.parametrize(
    "verb", ["stop", *(pytest.param(verb, marks=pytest.mark.slow) for verb in ("pause", "stop all"))]
)
def test_who_does_not_even_respond_is_ended(fake_runs: FakeRuns, verb: str) -> None:
    fake_runs.wait_computing(fake_runs.begin())
    run_id, worker = waiting(fake_runs)
    worker.suspend()
    if verb == "stop all":
        assert run_id in stop_all(fake_runs.workspace)
    else:
        (stop_run if verb == "stop" else pause_run)(fake_runs.workspace, run_id)
    goal = "paused" if verb == "pause" else "stopped"
    run = fake_runs.wait(run_id, goal)
    assert f"did not react to the {verb.removesuffix(' all')}" in run.error
    until(lambda: not is_alive(worker), "it is gone")
    resume_run(fake_runs.workspace, run_id)
    until(lambda: is_locked(fake_runs.folder(run_id).lock), "it has a worker again")


@pytest.mark.fault(94)
@pytest.mark.slow
def test_a_stop_ends_worker_and_computing_process_where_both_are_frozen(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    child = fake_runs.wait_computing(first)
    second, _ = waiting(fake_runs)
    family = [*fake_runs.processes(first, "worker"), child]
    for one in family:
        one.suspend()
    stop_run(fake_runs.workspace, first)
    run = fake_runs.wait(first, "stopped")
    assert "did not react to the stop" in run.error
    until(lambda: not any(is_alive(process) for process in family), "both are gone")
    fake_runs.wait_computing(second)


@pytest.mark.fault(94)
@pytest.mark.slow
@pytest.mark.parametrize("instruction", ["finish", "killed"])
def test_a_frozen_worker_whose_training_has_ended_keeps_no_slot(fake_runs: FakeRuns, instruction: str) -> None:
    """Without a request to stop, the next run in the queue kills it, because it has no computing process."""
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second, _ = waiting(fake_runs)
    (worker,) = fake_runs.processes(first, "worker")
    worker.suspend()
    fake_runs.instruct(first, instruction)
    if instruction == "finish":
        fake_runs.wait(first, "finished")
    fake_runs.wait_computing(second)
    assert fake_runs.status(first) == ("finished" if instruction == "finish" else "interrupted")
    until(lambda: not is_alive(worker), "it is gone")


@pytest.mark.fault(94)
@pytest.mark.slow
@pytest.mark.parametrize("what", [resume_run, delete_run])
def test_a_frozen_worker_does_not_block_actions_on_its_ended_run(fake_runs: FakeRuns, what: object) -> None:
    run_id = fake_runs.begin()
    fake_runs.wait_computing(run_id)
    (worker,) = fake_runs.processes(run_id, "worker")
    worker.suspend()
    fake_runs.instruct(run_id, "fail")
    fake_runs.wait(run_id, "failed")
    silent_at = time.monotonic() + SILENCE
    until(lambda: time.monotonic() > silent_at, "it has been silent for long enough")
    what(fake_runs.workspace, run_id)  # type: ignore[operator]
    assert not is_alive(worker)


@pytest.mark.fault(94)
def test_a_run_that_was_resumed_meanwhile_is_not_killed(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that enforces an earlier stop meets a new worker, of which nothing is requested."""
    monkeypatch.setattr(force_stop, "_LOOK_SECONDS", 0.05)
    monkeypatch.setattr(force_stop, "OBEY_SECONDS", -100.0)
    fake_runs.wait_computing(fake_runs.begin())
    run_id, worker = waiting(fake_runs)
    force_stop.end_unresponsive(fake_runs.folder(run_id))
    assert is_alive(worker) and fake_runs.status(run_id) == "queued"


@pytest.mark.fault(28, 94)
def test_only_the_worker_that_holds_the_lock_is_killed(
    fake_runs: FakeRuns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a server that holds it briefly, nor a process with a worker's arguments; none where the system cannot say."""
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    command = [sys.executable, "-c", "import time; time.sleep(600)", f"--run-dir={folder.path}"]
    with subprocess.Popen(command) as stranger:
        try:
            with hold_lock(folder.lock), holder_of(folder.lock) as found:
                assert found is None, "this process holds it, and is not a worker"
            with holder_of(folder.lock) as found:
                assert found is None, "nobody holds it"
            with holder_of(tmp_path / "absent") as found:
                assert found is None
        finally:
            stranger.kill()
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    (worker,) = fake_runs.processes(first, "worker")
    with holder_of(fake_runs.folder(first).lock) as found:
        assert found is not None and (found.pid, found.run_id) == (worker.pid, first)
        worker.kill()
        until(lambda: found.has_ended(0), "it has ended")
        signals: list[object] = []
        monkeypatch.setattr(signal, "pidfd_send_signal", lambda *to: signals.append(to))
        assert not found.kill() and signals == []
    link = tmp_path / "link"
    link.symlink_to(fake_runs.folder(first).lock)
    with monkeypatch.context() as context:
        context.setattr(sys, "platform", "darwin")
        assert not lock_holders.can_find_holders()


@contextlib.contextmanager
def holding(run_dir: Path, *locks: Path, how: str = "LOCK_EX") -> Iterator[None]:
    """A process with the arguments of a worker that holds locks and does nothing else."""
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
def test_a_process_that_checks_a_lock_or_ends_another_run_is_not_its_worker(fake_runs: FakeRuns) -> None:
    folder, other = fake_runs.folder(fake_runs.make()), fake_runs.folder(fake_runs.make())
    with holding(folder.path, folder.lock, how="LOCK_SH"), holder_of(folder.lock) as found:
        assert found is None, "it checks whether the lock is held"
    with holding(other.path, folder.lock):
        with holder_of(folder.lock, of_run=folder.run_id) as found:
            assert found is None, "it writes the end of a run that is not its own"
        with holder_of(folder.lock) as found:
            assert found is not None and found.run_id == other.run_id


@pytest.mark.fault(94)
def test_a_kill_that_the_system_refuses_is_reported(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker belongs to another user."""
    folder = fake_runs.folder(fake_runs.make())

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(signal, "pidfd_send_signal", refuse)
    with holding(folder.path, folder.lock), holder_of(folder.lock) as found:
        assert found is not None and not found.kill()


@pytest.mark.fault(94)
def test_a_worker_that_is_frozen_while_it_takes_a_ticket_does_not_block_others(fake_runs: FakeRuns) -> None:
    """Also where no other run has a ticket yet."""
    fake_runs.wait_computing(fake_runs.begin())
    other, _ = waiting(fake_runs)
    folder, lock = fake_runs.folder(fake_runs.make()), ticket_lock(fake_runs.workspace)
    expect_worker(folder, here=True)
    with start_heartbeat(folder):  # once
        pass
    with holding(folder.path, folder.lock, folder.heartbeat, lock):
        leave(fake_runs.folder(other))
        until(lambda: not is_locked(lock), "its process was ended", timeout=20)
        until(lambda: other in tickets(fake_runs.workspace), "others take a ticket", timeout=20)
    assert "held up the queue" in fake_runs.wait(folder.run_id, "interrupted").error


@pytest.mark.fault(94)
def test_the_output_of_force_stop_does_not_reach_the_log_of_a_run(
    fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs: list[Path] = []
    folder = fake_runs.folder(fake_runs.make())
    monkeypatch.setattr(runner, "spawn", lambda _module, _options, log: logs.append(log))
    with hold_lock(folder.lock):
        runner.runner_of(folder).enforce([folder])
    assert logs == [Path(os.devnull)]


def test_a_process_that_follows_several_runs_is_found_by_the_lock_of_each(fake_runs: FakeRuns) -> None:
    """As the owner of a sweep on a cluster does, whose command line names none of them."""
    runs = [fake_runs.folder(fake_runs.make()) for _ in range(2)]
    code = (
        "import sys; from pathlib import Path; from contextlib import ExitStack\n"
        "from cifar_core.storage.locks import hold_lock\n"
        "with ExitStack() as held:\n"
        "    print(all([held.enter_context(hold_lock(Path(lock))) for lock in sys.argv[2:]]), flush=True)\n"
        "    sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, Program.RAY_SWEEP, *(str(folder.lock) for folder in runs)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None and owner.stdout.readline() == "True\n"
        for folder in runs:
            with holder_of(folder.lock, of_run=folder.run_id) as found:
                assert found is not None and (found.pid, found.run_id) == (owner.pid, folder.run_id)
        with holder_of(runs[0].lock, of_run="another-run") as found:
            assert found is None
        owner.communicate("")
