"""Runs in warm workers from start to end: one after the other, every kind of death between. The training is a fake."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from cifar_core.errors import StorageError
from cifar_core.lifecycle.warm.pool import WarmPool
from cifar_core.limits import LIMITS_FILE
from cifar_core.processes import child_environment
from cifar_core.runs import list_runs, pause_run, queue_places, read_run, resume_run, start_run, stop_run
from cifar_core.storage.locks import is_locked
from cifar_core.workspace import Workspace
from tests.lifecycle import fake
from tests.lifecycle.conftest import TIMEOUT, FakeRuns, fakes, is_alive, until


class Pool:
    """A pool in the workspace of a test, and its processes."""

    def __init__(self, fake_runs: FakeRuns, size: int = 1) -> None:
        self.runs = fake_runs
        self.workspace = fake_runs.workspace
        self.pool = WarmPool(self.workspace, size, self.workspace.root / "pool.log")

    def begin(self, what: str = "work") -> str:
        run_id = self.runs.make()
        self.runs.instruct(run_id, what)
        start_run(self.workspace, run_id, self.pool)
        return run_id

    def wait_computing(self, run_id: str) -> None:
        until(lambda: (p := read_run(self.workspace, run_id).progress) and p.batch > 0, f"{run_id} computes")

    def wait_free(self) -> None:
        """Wait, by what the pool tells alone, until no worker has a run."""
        while self.pool.busy():
            self.pool.wait(TIMEOUT)

    def processes(self, kind: str) -> list[psutil.Process]:
        return [process for process in fakes() if {kind, str(self.workspace.root)} <= set(process.info["cmdline"])]

    def finishes(self, what: str = "speak and finish") -> str:
        """Train a further run, which must not be harmed by what was before; returns its id."""
        run_id = self.begin(what)
        self.wait_free()
        assert self.runs.status(run_id) == "finished", read_run(self.workspace, run_id).error
        assert own_lines(self, run_id) == [f"I am {run_id}"]
        return run_id


def own_lines(pool: Pool, run_id: str) -> list[str]:
    """What is in the log of a run, but for the marks of its sessions."""
    lines = pool.runs.folder(run_id).log.read_text().splitlines()
    return [line for line in lines if not line.startswith("-- a process of this run begins")]


@pytest.fixture
def pool(fake_runs: FakeRuns) -> Iterator[Pool]:
    """A pool of one worker."""
    made = Pool(fake_runs)
    yield made
    made.pool.close()


def test_runs_follow_each_other_in_one_process_and_each_log_has_its_own_output(pool: Pool) -> None:
    assert (pool.pool.free(), pool.pool.pids) == (1, [])  # nothing is started before it is needed
    pool.finishes()
    before = pool.processes("warm_worker") + pool.processes("warm_compute")
    for _ in range(3):
        pool.finishes()
    assert pool.processes("warm_worker") + pool.processes("warm_compute") == before and len(before) == 2
    assert pool.pool.pids == [before[0].pid]


def test_a_pool_has_no_more_runs_than_workers(pool: Pool) -> None:
    run_id = pool.begin()
    assert (pool.pool.free(), pool.pool.busy()) == (0, 1)
    with pytest.raises(StorageError, match="No worker of this pool is free"):
        pool.begin()
    assert [run.id for run in list_runs(pool.workspace)] == [run_id]  # the new run that could not start is gone
    pool.wait_computing(run_id)
    assert list(queue_places(list_runs(pool.workspace), 1)) == []  # no ticket of the other is left


def test_a_pool_follows_the_slots(pool: Pool) -> None:
    limits = pool.workspace.root / LIMITS_FILE
    pool.pool = WarmPool(pool.workspace, None, pool.workspace.root / "pool.log")
    limits.write_text(json.dumps({"slots": 2}))
    both = [pool.begin(), pool.begin()]
    for run_id in both:
        pool.wait_computing(run_id)
    limits.write_text(json.dumps({"slots": 1}))
    assert (pool.pool.free(), pool.pool.busy()) == (0, 2)
    for run_id in both:
        pool.runs.instruct(run_id, "finish")
    pool.wait_free()
    pool.finishes()
    until(lambda: len(pool.processes("warm_worker")) == 1, "the worker that is too many ends")


def test_a_closed_pool_finishes_the_run_that_it_has(pool: Pool) -> None:
    run_id = pool.begin()
    pool.wait_computing(run_id)
    pool.pool.close()
    assert pool.pool.free() == 0
    pool.runs.instruct(run_id, "finish")
    pool.runs.wait(run_id, "finished")
    until(lambda: not pool.processes("warm_worker") and not pool.processes("warm_compute"), "both processes end")


@pytest.mark.parametrize(("verb", "status"), [(stop_run, "stopped"), (pause_run, "paused")])
def test_a_run_stops_and_pauses_and_goes_on_in_the_same_process(
    pool: Pool, verb: Callable[[Workspace, str], None], status: str
) -> None:
    run_id = pool.begin()
    pool.wait_computing(run_id)
    before = pool.processes("warm_compute")
    verb(pool.workspace, run_id)
    pool.wait_free()
    assert pool.runs.status(run_id) == status
    pool.finishes()
    resume_run(pool.workspace, run_id, pool.pool)
    pool.wait_computing(run_id)
    pool.runs.instruct(run_id, "finish")
    pool.wait_free()
    assert pool.runs.status(run_id) == "finished" and pool.processes("warm_compute") == before


@pytest.mark.slow
def test_others_get_their_turn_between_two_runs_of_a_pool(pool: Pool) -> None:
    first = pool.begin()
    pool.wait_computing(first)
    other = pool.runs.begin()
    pool.runs.instruct(first, "finish")
    pool.wait_free()
    second = pool.begin()
    pool.runs.wait_computing(other)
    until(lambda: is_locked(pool.runs.folder(second).lock), "its worker waits")
    assert list(queue_places(list_runs(pool.workspace), 1)) == [second]
    stop_run(pool.workspace, second)
    pool.wait_free()
    assert pool.runs.status(second) == "stopped"


DEATHS = {  # instruction -> part of the sentence
    "segfault": "crashed inside a native library (signal 11)",
    "killed": "killed from outside, most often because memory ran out",
    "exit 3": "ended with exit code 3",
    "raise": "The training failed: ZeroDivisionError: as instructed",
    "fail": "As instructed.",
}


@pytest.mark.slow
@pytest.mark.fault(26)
def test_a_run_whose_process_dies_does_not_harm_the_next(pool: Pool) -> None:
    for death, sentence in DEATHS.items():
        run_id = pool.begin(death)
        pool.wait_free()
        run = read_run(pool.workspace, run_id)
        assert run.status == "failed" and sentence in run.error, death
        worker = pool.processes("warm_worker")
        pool.finishes()
        assert pool.processes("warm_worker") == worker


@pytest.mark.slow
@pytest.mark.fault(25)
def test_a_killed_worker_is_replaced_and_its_run_goes_on_when_resumed(pool: Pool) -> None:
    run_id = pool.begin()
    pool.wait_computing(run_id)
    (worker,), (child,) = pool.processes("warm_worker"), pool.processes("warm_compute")
    worker.kill()
    pool.wait_free()
    until(lambda: pool.runs.status(run_id) == "interrupted", "its death is seen", timeout=5)
    until(lambda: not is_alive(child), "its computing process ends too")
    pool.finishes()
    resume_run(pool.workspace, run_id, pool.pool)
    pool.wait_computing(run_id)
    assert pool.processes("warm_worker") not in ([], [worker])


@pytest.mark.slow
def test_a_worker_that_dies_without_a_run_is_replaced(pool: Pool) -> None:
    pool.finishes()
    (worker,) = pool.processes("warm_worker")
    worker.kill()
    until(lambda: not is_alive(worker), "it is dead")
    pool.finishes()


@pytest.mark.slow
def test_a_computing_process_that_dies_without_a_run_is_replaced(pool: Pool) -> None:
    pool.finishes()
    (child,) = pool.processes("warm_compute")
    child.kill()
    until(lambda: not is_alive(child), "it is dead")
    pool.finishes()


@pytest.mark.slow
@pytest.mark.fault(31)
def test_a_run_that_ignores_requests_is_killed_with_its_children(pool: Pool) -> None:
    run_id = pool.begin("grandchild")
    pool.wait_computing(run_id)
    (child,) = pool.processes("warm_compute")
    until(child.children, "it has a child of its own")
    processes = [child, *child.children()]
    stop_run(pool.workspace, run_id)
    pool.wait_free()
    run = read_run(pool.workspace, run_id)
    assert run.status == "stopped" and "did not react to the stop" in run.error
    until(lambda: not any(is_alive(process) for process in processes), "all of them have ended")
    pool.finishes()


@pytest.mark.slow
@pytest.mark.fault(31)
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says who holds a lock")
def test_a_frozen_worker_is_killed_and_replaced(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(fake.SILENCE, "0.5")
    run_id = pool.begin()
    pool.wait_computing(run_id)
    (worker,), (child,) = pool.processes("warm_worker"), pool.processes("warm_compute")
    pool.runs.instruct(run_id, "deaf")
    worker.suspend()
    stop_run(pool.workspace, run_id)
    run = pool.runs.wait(run_id, "stopped")
    assert "did not react to the stop" in run.error
    until(lambda: not is_alive(worker) and not is_alive(child), "both are dead")
    pool.wait_free()
    pool.finishes()


@pytest.mark.fault(18)
def test_a_run_deleted_by_hand_does_not_harm_the_next(pool: Pool) -> None:
    run_id = pool.begin()
    pool.wait_computing(run_id)
    pool.runs.folder(run_id).path.rename(pool.workspace.root.parent / "gone")
    shutil.rmtree(pool.workspace.root.parent / "gone")
    pool.wait_free()
    assert not (pool.workspace.runs / run_id).exists()
    pool.finishes()


@pytest.mark.fault(39)
def test_a_flood_of_output_stays_in_the_log_of_its_run(pool: Pool) -> None:
    run_id = pool.begin("flood")
    until(lambda: "the end" in pool.runs.folder(run_id).log.read_text("utf-8", "replace"), "all has been printed")
    pool.runs.instruct(run_id, "finish")
    pool.wait_free()
    pool.finishes()


@pytest.mark.slow
@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM])
def test_runs_outlive_the_process_with_the_pool_and_their_workers_end_after_them(
    fake_runs: FakeRuns, death: signal.Signals
) -> None:
    (fake_runs.workspace.root / "settings.json").write_text('{"slots": 2}')
    command = [sys.executable, fake.__file__, "owner", str(fake_runs.workspace.root), "2"]
    owner = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=child_environment(), start_new_session=True
    )
    assert owner.stdout is not None and owner.stdout.readline() == "ready\n"
    pool = Pool(fake_runs)
    ids = [run.id for run in list_runs(fake_runs.workspace)]
    for run_id in ids:
        pool.wait_computing(run_id)
    os.killpg(owner.pid, death)
    owner.wait()
    owner.stdout.close()
    for run_id in ids:
        progress = read_run(fake_runs.workspace, run_id).progress
        until(lambda: read_run(fake_runs.workspace, run_id).progress != progress, "it goes on")  # noqa: B023
        fake_runs.instruct(run_id, "finish")
        fake_runs.wait(run_id, "finished")
    until(lambda: not pool.processes("warm_worker") and not pool.processes("warm_compute"), "all of them end")
