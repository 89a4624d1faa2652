"""Runs from start to end with real workers: the queue, stop and pause, every kind of death. The training is a fake."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cifar_core.config import make_config
from cifar_core.errors import RunError, StorageError
from cifar_core.jobs.log import LOG_BYTES
from cifar_core.lifecycle.supervise import KILL_SECONDS, OBEY_SECONDS
from cifar_core.processes import child_environment
from cifar_core.runs import (
    create_run,
    delete_run,
    list_runs,
    pause_run,
    queue_places,
    read_run,
    resume_run,
    start_run,
    stop_all,
    stop_run,
    verify_run,
    worker_log_tail,
)
from cifar_core.storage.locks import is_locked
from tests.conftest import save_tiny
from tests.lifecycle import fake
from tests.lifecycle.conftest import FakeRuns, active, is_alive, until
from tests.runs.conftest import TINY


def running(fake_runs: FakeRuns) -> list[str]:
    return [run.id for run in list_runs(fake_runs.workspace) if run.status == "running"]


def in_line(fake_runs: FakeRuns) -> list[str]:
    """The waiting runs, the next one first."""
    return list(queue_places(list_runs(fake_runs.workspace), 1))


def test_a_run_from_start_to_end(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin()
    fake_runs.wait_computing(run_id)
    assert fake_runs.status(run_id) == "running" and read_run(fake_runs.workspace, run_id).ticket is None
    pause_run(fake_runs.workspace, run_id)
    fake_runs.wait(run_id, "paused")
    resume_run(fake_runs.workspace, run_id)
    fake_runs.wait_computing(run_id)
    fake_runs.instruct(run_id, "finish")
    fake_runs.wait(run_id, "finished")
    with pytest.raises(
        RunError,
        match="has the status finished: only a run that was paused, stopped, interrupted or failed can be resumed",
    ):
        resume_run(fake_runs.workspace, run_id)
    until(lambda: not fake_runs.processes(run_id, "worker"), "its worker ends")


@pytest.mark.fault(21)
def test_ten_runs_that_start_at_once_train_one_after_the_other(fake_runs: FakeRuns) -> None:
    ids = [fake_runs.make() for _ in range(10)]
    barrier = threading.Barrier(10)

    def press_start(run_id: str) -> None:
        barrier.wait()
        start_run(fake_runs.workspace, run_id)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(press_start, ids))
    until(lambda: len(running(fake_runs)) == 1 and len(in_line(fake_runs)) == 9, "one trains and nine wait")
    trained, order = running(fake_runs), in_line(fake_runs)
    assert sorted(trained + order) == sorted(ids)
    until(lambda: all(is_locked(fake_runs.folder(run_id).lock) for run_id in ids), "all ten have a worker")
    for run_id in order[:3]:
        fake_runs.instruct(trained[-1], "finish")
        until(lambda run_id=run_id: running(fake_runs) == [run_id], "the next one trains, and it alone")
        trained.append(run_id)
    assert in_line(fake_runs) == order[3:]
    assert sorted(stop_all(fake_runs.workspace)) == sorted(set(ids) - set(trained[:3]))
    assert [fake_runs.status(run_id) for run_id in order[3:]] == ["stopped"] * 6
    assert [fake_runs.status(run_id) for run_id in trained[:3]] == ["finished"] * 3


def test_the_run_that_starts_first_trains_first(fake_runs: FakeRuns) -> None:
    """Also where the worker of a later run starts up faster."""
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    ids = [fake_runs.begin() for _ in range(4)]
    assert in_line(fake_runs) == ids
    until(lambda: all(is_locked(fake_runs.folder(run_id).lock) for run_id in ids), "all have a worker")
    assert in_line(fake_runs) == ids


def test_more_slots_train_more_at_once(fake_runs: FakeRuns) -> None:
    (fake_runs.workspace.root / "settings.json").write_text('{"slots": 2}')
    ids = [fake_runs.begin() for _ in range(4)]
    until(lambda: sorted(running(fake_runs)) == sorted(ids[:2]), "two train")
    fake_runs.wait_computing(ids[0])
    fake_runs.wait_computing(ids[1])
    assert in_line(fake_runs) == ids[2:]
    (fake_runs.workspace.root / "settings.json").write_text('{"slots": 3}')
    fake_runs.wait_computing(ids[2])
    (fake_runs.workspace.root / "settings.json").write_text("nonsense")  # counts as one slot; the training runs go on
    assert sorted(running(fake_runs)) == sorted(ids[:3])


def test_a_waiting_run_stops_and_pauses_at_once(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second, third = fake_runs.begin(), fake_runs.begin()
    until(lambda: is_locked(fake_runs.folder(third).lock), "it waits")
    stop_run(fake_runs.workspace, second)
    pause_run(fake_runs.workspace, third)
    fake_runs.wait(second, "stopped")
    fake_runs.wait(third, "paused")
    assert in_line(fake_runs) == [] and running(fake_runs) == [first]
    resume_run(fake_runs.workspace, third)
    assert in_line(fake_runs) == [third]


def test_a_run_that_was_never_started_stops_too(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.make()
    stop_run(fake_runs.workspace, run_id)
    assert fake_runs.status(run_id) == "stopped"
    with pytest.raises(RunError, match="has the status stopped: only a waiting run can start"):
        start_run(fake_runs.workspace, run_id)


def test_a_dead_run_at_the_head_does_not_block_the_queue(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second, third = fake_runs.begin(), fake_runs.begin()
    until(lambda: all(is_locked(fake_runs.folder(run_id).lock) for run_id in (second, third)), "both wait")
    fake_runs.kill(second, "worker")
    until(lambda: fake_runs.status(second) == "interrupted", "its death is seen", timeout=5)
    assert "while it waited for its turn" in read_run(fake_runs.workspace, second).error
    fake_runs.instruct(first, "finish")
    fake_runs.wait_computing(third)
    resume_run(fake_runs.workspace, second)
    assert in_line(fake_runs) == [second]


def test_a_queue_that_was_emptied_by_hand_goes_on(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second = fake_runs.begin()
    until(lambda: is_locked(fake_runs.folder(second).lock), "it waits")
    for ticket in (fake_runs.workspace.runs / ".queue").glob("0*"):
        ticket.unlink()
    until(lambda: in_line(fake_runs) == [second], "it has a ticket again")
    fake_runs.instruct(first, "finish")
    fake_runs.wait_computing(second)


@pytest.mark.fault(95)
def test_a_new_run_that_cannot_be_started_is_gone(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = fake_runs.make()
    fake_runs.folder(run_id).log.mkdir()  # in the place of the log
    monkeypatch.undo()
    with pytest.raises(StorageError, match="The disk refused while starting"):
        start_run(fake_runs.workspace, run_id)
    assert not (fake_runs.workspace.runs / run_id).exists()
    assert list_runs(fake_runs.workspace) == [] and in_line(fake_runs) == []


@pytest.mark.fault(20)
def test_a_double_click_is_one_run_with_one_process(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)

    def click(_: int) -> str:
        run_id = create_run(fake_runs.workspace, make_config(), nonce="one click")
        start_run(fake_runs.workspace, run_id)
        return run_id

    with ThreadPoolExecutor(4) as pool:
        (run_id,) = set(pool.map(click, range(4)))
    assert {run.id for run in list_runs(fake_runs.workspace)} == {first, run_id} and in_line(fake_runs) == [run_id]
    until(lambda: is_locked(fake_runs.folder(run_id).lock), "it waits")
    until(lambda: len(fake_runs.processes(run_id, "worker")) == 1, "the superfluous workers end")
    fake_runs.instruct(first, "finish")
    fake_runs.wait_computing(run_id)  # asserts that one process computes


@pytest.mark.fault(36)
def test_resume_pressed_twice_is_one_worker(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin()
    fake_runs.wait_computing(run_id)
    stop_run(fake_runs.workspace, run_id)
    fake_runs.wait(run_id, "stopped")
    refused: list[str] = []

    def press(_: int) -> None:
        try:
            resume_run(fake_runs.workspace, run_id)
        except RunError as error:
            refused.append(str(error))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(press, range(4)))
    assert len(refused) == 3
    assert all("is already being resumed" in text or "only a run that was paused, stopped" in text for text in refused)
    fake_runs.wait_computing(run_id)
    assert len(fake_runs.processes(run_id, "worker")) == 1


def serve(fake_runs: FakeRuns, count: int) -> "subprocess.Popen[str]":
    """A server in a process of its own that has started runs in this workspace when this returns."""
    command = [sys.executable, fake.__file__, "server", str(fake_runs.workspace.root), str(count)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=child_environment(), start_new_session=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


@pytest.mark.fault(22, 25)
def test_two_servers_share_one_queue_and_trainings_outlive_them(fake_runs: FakeRuns) -> None:
    one, other = serve(fake_runs, 2), serve(fake_runs, 2)
    until(lambda: len(running(fake_runs)) == 1 and len(in_line(fake_runs)) == 3, "one of four trains")
    (first,) = running(fake_runs)
    order = in_line(fake_runs)
    fake_runs.wait_computing(first)
    one.terminate()
    one.wait()
    os.killpg(other.pid, signal.SIGKILL)
    other.wait()
    assert running(fake_runs) == [first] and in_line(fake_runs) == order
    fake_runs.instruct(first, "finish")
    fake_runs.wait_computing(order[0])  # the queue goes on with no server at all
    assert fake_runs.status(first) == "finished"


@pytest.mark.fault(19)
def test_a_training_or_waiting_run_is_not_deleted(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second = fake_runs.begin()
    for run_id in (first, second):
        with pytest.raises(RunError, match="stop it first"):
            delete_run(fake_runs.workspace, run_id)
    stop_all(fake_runs.workspace)
    delete_run(fake_runs.workspace, first)
    with pytest.raises(RunError, match=f"There is no run '{first}'"):
        read_run(fake_runs.workspace, first)


@pytest.mark.fault(18)
@pytest.mark.parametrize("at", ["work", "hang", "waiting"])
def test_a_run_deleted_by_hand_ends_and_is_not_created_again(fake_runs: FakeRuns, at: str) -> None:
    if at == "waiting":
        fake_runs.wait_computing(fake_runs.begin())
    run_id = fake_runs.begin()
    if at != "waiting":
        fake_runs.wait_computing(run_id)
        fake_runs.instruct(run_id, at)
    until(lambda: is_locked(fake_runs.folder(run_id).lock), "its worker lives")
    workers = fake_runs.processes(run_id, "worker")
    fake_runs.folder(run_id).path.rename(fake_runs.workspace.root.parent / "gone")
    shutil.rmtree(fake_runs.workspace.root.parent / "gone")
    until(lambda: not any(is_alive(worker) for worker in workers), "its worker ends")
    until(lambda: not fake_runs.processes(run_id, "compute"), "its computing process ends too")
    assert not (fake_runs.workspace.runs / run_id).exists()
    assert run_id not in [run.id for run in list_runs(fake_runs.workspace)]


DEATHS = {  # instruction -> part of the sentence
    "segfault": "crashed inside a native library (signal 11)",
    "killed": "killed from outside, most often because memory ran out",
    "exit 3": "ended with exit code 3",
    "raise": "The training failed: ZeroDivisionError: as instructed",
    "no torch": "The training failed: ModuleNotFoundError: import of torch halted",
    "no python": "could not be started",
}


@pytest.mark.fault(26, 27)
def test_every_kind_of_death_has_its_own_sentence(fake_runs: FakeRuns) -> None:
    (fake_runs.workspace.root / "settings.json").write_text('{"slots": 6}')
    ids = {fake_runs.begin(death): sentence for death, sentence in DEATHS.items()}
    for run_id, sentence in ids.items():
        run = fake_runs.wait(run_id, "failed", "interrupted")
        assert run.status == "failed" and sentence in run.error
        assert "Traceback" not in run.error
    assert len({read_run(fake_runs.workspace, run_id).error for run_id in ids}) == len(DEATHS)
    no_torch = next(run_id for run_id, sentence in ids.items() if "torch" in sentence)
    assert "Traceback" in worker_log_tail(fake_runs.workspace, no_torch)


@pytest.mark.fault(25)
def test_a_dead_worker_is_seen_at_once_and_its_run_goes_on_when_resumed(fake_runs: FakeRuns) -> None:
    run_id = fake_runs.begin()
    child = fake_runs.wait_computing(run_id)
    fake_runs.kill(run_id, "worker")
    until(lambda: fake_runs.status(run_id) == "interrupted", "its death is seen", timeout=5)
    until(lambda: not is_alive(child), "its computing process ends too")
    resume_run(fake_runs.workspace, run_id)
    fake_runs.wait_computing(run_id)


def test_an_orphan_is_waited_for(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The computing process of a killed worker still writes, so no other process may."""
    run_id = fake_runs.begin()
    child = fake_runs.wait_computing(run_id)
    fake_runs.instruct(run_id, "deaf")
    fake_runs.kill(run_id, "worker")
    until(lambda: fake_runs.status(run_id) == "interrupted", "its death is seen", timeout=5)
    monkeypatch.setattr("cifar_core.runs.control.actions.EXIT_SECONDS", 0.2)
    with pytest.raises(RunError, match="has not quite ended: resume it in a moment"):
        resume_run(fake_runs.workspace, run_id)
    fake_runs.instruct(run_id, "work")
    until(lambda: not is_alive(child), "it has ended")
    resume_run(fake_runs.workspace, run_id)
    fake_runs.wait_computing(run_id)


@pytest.mark.fault(31)
@pytest.mark.parametrize("verb", ["stop", pytest.param("pause", marks=pytest.mark.slow)])
def test_a_process_that_ignores_requests_is_killed_with_its_children(fake_runs: FakeRuns, verb: str) -> None:
    assert OBEY_SECONDS + KILL_SECONDS <= 25  # here both are 0.3 s
    run_id = fake_runs.begin()
    child = fake_runs.wait_computing(run_id)
    fake_runs.instruct(run_id, "grandchild")
    until(child.children, "it has a child of its own")
    processes = [child, *child.children()]
    (stop_run if verb == "stop" else pause_run)(fake_runs.workspace, run_id)
    run = fake_runs.wait(run_id, "stopped", "paused", "failed", "interrupted")
    assert run.status == ("stopped" if verb == "stop" else "paused")
    assert f"did not react to the {verb}" in run.error
    until(lambda: not any(is_alive(process) for process in processes), "all of them have ended")
    fake_runs.instruct(run_id, "work")
    resume_run(fake_runs.workspace, run_id)
    fake_runs.wait_computing(run_id)


@pytest.mark.slow
@pytest.mark.fault(31)
def test_a_training_killed_by_the_escalation_goes_on_from_its_checkpoint(fake_runs: FakeRuns) -> None:
    save_tiny(fake_runs.workspace)
    run_id = fake_runs.begin("deaf training", **{**TINY, "epochs": 500})
    until(lambda: (last := read_run(fake_runs.workspace, run_id).last) and last.epoch >= 2, "it trains")
    stop_run(fake_runs.workspace, run_id)
    run = fake_runs.wait(run_id, "stopped", "failed", "interrupted")
    assert run.status == "stopped" and "did not react to the stop" in run.error
    assert run.last is not None and verify_run(fake_runs.workspace, run_id) == []
    fake_runs.instruct(run_id, "training")
    resume_run(fake_runs.workspace, run_id)
    goal = run.last.epoch + 2
    until(lambda: (last := read_run(fake_runs.workspace, run_id).last) and last.epoch >= goal, "it goes on")
    stop_run(fake_runs.workspace, run_id)
    assert fake_runs.wait(run_id, "stopped", "failed", "interrupted").error == ""
    assert verify_run(fake_runs.workspace, run_id) == []


@pytest.mark.fault(37)
def test_a_training_that_hangs_is_shown_as_silent_and_can_be_stopped(
    fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = fake_runs.begin()
    fake_runs.wait_computing(run_id)
    assert read_run(fake_runs.workspace, run_id).silent_since is None
    fake_runs.instruct(run_id, "hang")
    before = None
    while before != (before := fake_runs.folder(run_id).status.stat().st_mtime):
        time.sleep(0.1)
    later = time.monotonic() + 61
    with monkeypatch.context() as context:
        context.setattr("time.monotonic", lambda: later)
        run = read_run(fake_runs.workspace, run_id)
    assert run.status == "running" and run.silent_since == before
    stop_run(fake_runs.workspace, run_id)
    assert fake_runs.wait(run_id, "stopped", "failed", "interrupted").status == "stopped"


@pytest.mark.fault(38)
def test_a_hung_run_ends_at_its_time_limit(fake_runs: FakeRuns) -> None:
    """The worker enforces the limit; a training that does not hang keeps to it by itself."""
    run_id = fake_runs.begin(max_seconds=1)
    fake_runs.wait_computing(run_id)
    fake_runs.instruct(run_id, "hang")
    run = fake_runs.wait(run_id, "stopped", "failed", "interrupted")
    assert run.status == "stopped" and "Time limit" in run.error


@pytest.mark.fault(39)
@pytest.mark.parametrize("what", ["flood", pytest.param("flood of a gigabyte", marks=pytest.mark.slow)])
def test_a_gigabyte_of_output_stays_a_small_log(fake_runs: FakeRuns, what: str) -> None:
    """Lines of a megabyte each, with colours and bytes that are not text."""
    run_id = fake_runs.begin(what)
    sizes = []

    def printed() -> bool:
        sizes.append(fake_runs.folder(run_id).log.stat().st_size)
        return worker_log_tail(fake_runs.workspace, run_id).endswith("the end")

    until(printed, "all has been printed")
    assert max(sizes) <= LOG_BYTES
    tail = worker_log_tail(fake_runs.workspace, run_id)
    assert "\x1b" not in tail and "\x00" not in tail and max(map(len, tail.splitlines())) <= 501
    fake_runs.wait_computing(run_id)  # it goes on


def test_a_terminated_worker_ends_its_training(fake_runs: FakeRuns) -> None:
    first = fake_runs.begin()
    fake_runs.wait_computing(first)
    second = fake_runs.begin()
    until(lambda: is_locked(fake_runs.folder(second).lock), "it waits")
    for run_id in (second, first):
        for process in fake_runs.processes(run_id, "worker"):
            process.terminate()
        fake_runs.wait(run_id, "interrupted")
    assert "told to end while it waited" in read_run(fake_runs.workspace, second).error
    until(lambda: not fake_runs.processes(first, "compute"), "it has ended")


@pytest.mark.fault(28)
def test_another_process_with_the_id_of_a_dead_worker_is_not_signalled(fake_runs: FakeRuns) -> None:
    """No file contains a process id; a stop of a dead run is refused and sends no signal."""
    run_id = fake_runs.begin()
    child = fake_runs.wait_computing(run_id)
    (worker,) = fake_runs.processes(run_id, "worker")
    fake_runs.kill(run_id, "worker")
    until(lambda: not is_alive(child), "its computing process ends too")
    for file in fake_runs.folder(run_id).path.iterdir():
        if file.is_file() and file.suffix in (".json", ".lock"):
            assert f'"{worker.pid}"' not in file.read_text() and f": {worker.pid}" not in file.read_text(), file.name
    with pytest.raises(RunError, match="has the status interrupted: there is nothing to stop"):
        stop_run(fake_runs.workspace, run_id)


def test_stop_all_without_active_runs(fake_runs: FakeRuns) -> None:
    assert stop_all(fake_runs.workspace) == []
    assert active(fake_runs.workspace) == []


def test_old_and_new_settings_of_a_stored_run(fake_runs: FakeRuns) -> None:
    """A run of an earlier version has no time limit among its settings, and its status no boot."""
    run_id = fake_runs.make()
    folder = fake_runs.folder(run_id)
    content = json.loads(folder.config.read_text())
    del content["settings"]["max_seconds"]
    folder.config.write_text(json.dumps(content))
    folder.status.write_text(json.dumps({"status": "paused", "error": "", "progress": None}))
    assert read_run(fake_runs.workspace, run_id).config.machine.max_seconds == 0
    resume_run(fake_runs.workspace, run_id)
    fake_runs.wait_computing(run_id)


@pytest.mark.fault(20, 95)
def test_a_second_click_changes_nothing(fake_runs: FakeRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while the worker of the first click is starting, nor later; the second click starts no process."""

    def refuse(*_: object) -> None:
        raise StorageError("No process can be started.")

    with monkeypatch.context() as context:
        context.setattr("cifar_core.lifecycle.runner.spawn", lambda *_: None)  # the worker takes long to start
        run_id = fake_runs.begin("work")
        context.setattr("cifar_core.lifecycle.runner.spawn", refuse)
        before = fake_runs.folder(run_id).status.read_bytes()
        start_run(fake_runs.workspace, run_id)
        assert fake_runs.folder(run_id).status.read_bytes() == before and in_line(fake_runs) == [run_id]
    fake.spawn_fake(
        "cifar_core.lifecycle.worker", [f"--run-dir={fake_runs.folder(run_id).path}"], fake_runs.folder(run_id).log
    )
    fake_runs.wait_computing(run_id)
    start_run(fake_runs.workspace, run_id)
    assert fake_runs.status(run_id) == "running"
