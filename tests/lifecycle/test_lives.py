"""Whole lives by real worker processes: the queue, stop and pause, deaths of every kind. The training itself is a fake."""

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
from tests.lifecycle.conftest import Lives, active, is_alive, until
from tests.runs.conftest import TINY


def running(lives: Lives) -> list[str]:
    return [run.id for run in list_runs(lives.workspace) if run.status == "running"]


def in_line(lives: Lives) -> list[str]:
    """The waiting runs, the next one first."""
    return list(queue_places(list_runs(lives.workspace), 1))


def test_a_life(lives: Lives) -> None:
    run_id = lives.begin()
    lives.wait_computing(run_id)
    assert lives.status(run_id) == "running" and read_run(lives.workspace, run_id).ticket is None
    pause_run(lives.workspace, run_id)
    lives.wait(run_id, "paused")
    resume_run(lives.workspace, run_id)
    lives.wait_computing(run_id)
    lives.order(run_id, "finish")
    lives.wait(run_id, "finished")
    with pytest.raises(RunError, match="is finished: only a run that was cut short can be resumed"):
        resume_run(lives.workspace, run_id)
    until(lambda: not lives.processes(run_id, "worker"), "its worker ends")


@pytest.mark.fault(21)
def test_ten_that_start_at_once_train_one_after_the_other(lives: Lives) -> None:
    ids = [lives.make() for _ in range(10)]
    barrier = threading.Barrier(10)

    def press_start(run_id: str) -> None:
        barrier.wait()
        start_run(lives.workspace, run_id)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(press_start, ids))
    until(lambda: len(running(lives)) == 1 and len(in_line(lives)) == 9, "one trains and nine wait")
    trained, order = running(lives), in_line(lives)
    assert sorted(trained + order) == sorted(ids)
    until(lambda: all(is_locked(lives.folder(run_id).lock) for run_id in ids), "all ten have a worker")
    for run_id in order[:3]:
        lives.order(trained[-1], "finish")
        until(lambda run_id=run_id: running(lives) == [run_id], "the next one trains, and it alone")
        trained.append(run_id)
    assert in_line(lives) == order[3:]
    assert sorted(stop_all(lives.workspace)) == sorted(set(ids) - set(trained[:3]))
    assert [lives.status(run_id) for run_id in order[3:]] == ["stopped"] * 6
    assert [lives.status(run_id) for run_id in trained[:3]] == ["finished"] * 3


def test_who_starts_first_is_served_first(lives: Lives) -> None:
    """Also where the worker of a later one is quicker to come up."""
    first = lives.begin()
    lives.wait_computing(first)
    ids = [lives.begin() for _ in range(4)]
    assert in_line(lives) == ids
    until(lambda: all(is_locked(lives.folder(run_id).lock) for run_id in ids), "all have a worker")
    assert in_line(lives) == ids


def test_more_slots_train_more_at_once(lives: Lives) -> None:
    (lives.workspace.root / "settings.json").write_text('{"slots": 2}')
    ids = [lives.begin() for _ in range(4)]
    until(lambda: sorted(running(lives)) == sorted(ids[:2]), "two train")
    lives.wait_computing(ids[0])
    lives.wait_computing(ids[1])
    assert in_line(lives) == ids[2:]
    (lives.workspace.root / "settings.json").write_text('{"slots": 3}')
    lives.wait_computing(ids[2])
    (lives.workspace.root / "settings.json").write_text("nonsense")  # as one slot: those that train go on
    assert sorted(running(lives)) == sorted(ids[:3])


def test_a_waiting_run_stops_and_pauses_at_once(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)
    second, third = lives.begin(), lives.begin()
    until(lambda: is_locked(lives.folder(third).lock), "it waits")
    stop_run(lives.workspace, second)
    pause_run(lives.workspace, third)
    lives.wait(second, "stopped")
    lives.wait(third, "paused")
    assert in_line(lives) == [] and running(lives) == [first]
    resume_run(lives.workspace, third)
    assert in_line(lives) == [third]


def test_a_run_that_was_never_started_stops_too(lives: Lives) -> None:
    run_id = lives.make()
    stop_run(lives.workspace, run_id)
    assert lives.status(run_id) == "stopped"
    with pytest.raises(RunError, match="is stopped: only a run that waits can start"):
        start_run(lives.workspace, run_id)


def test_a_dead_one_at_the_head_holds_nobody_up(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)
    second, third = lives.begin(), lives.begin()
    until(lambda: all(is_locked(lives.folder(run_id).lock) for run_id in (second, third)), "both wait")
    lives.kill(second, "worker")
    until(lambda: lives.status(second) == "interrupted", "its death is seen", patience=5)
    assert "while it waited for its turn" in read_run(lives.workspace, second).error
    lives.order(first, "finish")
    lives.wait_computing(third)
    resume_run(lives.workspace, second)
    assert in_line(lives) == [second]


def test_a_queue_that_was_emptied_by_hand_goes_on(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)
    second = lives.begin()
    until(lambda: is_locked(lives.folder(second).lock), "it waits")
    for ticket in (lives.workspace.runs / ".queue").glob("0*"):
        ticket.unlink()
    until(lambda: in_line(lives) == [second], "it has a ticket again")
    lives.order(first, "finish")
    lives.wait_computing(second)


@pytest.mark.fault(95)
def test_a_new_run_that_cannot_be_started_is_gone(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = lives.make()
    lives.folder(run_id).log.mkdir()  # where the log belongs
    monkeypatch.undo()
    with pytest.raises(StorageError, match="The disk refused while starting"):
        start_run(lives.workspace, run_id)
    assert not (lives.workspace.runs / run_id).exists()
    assert list_runs(lives.workspace) == [] and in_line(lives) == []


@pytest.mark.fault(20)
def test_a_double_click_is_one_run_with_one_process(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)

    def click(_: int) -> str:
        run_id = create_run(lives.workspace, make_config(), nonce="one click")
        start_run(lives.workspace, run_id)
        return run_id

    with ThreadPoolExecutor(4) as pool:
        (run_id,) = set(pool.map(click, range(4)))
    assert {run.id for run in list_runs(lives.workspace)} == {first, run_id} and in_line(lives) == [run_id]
    until(lambda: is_locked(lives.folder(run_id).lock), "it waits")
    until(lambda: len(lives.processes(run_id, "worker")) == 1, "the workers that came in vain end")
    lives.order(first, "finish")
    lives.wait_computing(run_id)  # asserts that one process computes


@pytest.mark.fault(36)
def test_resume_pressed_twice_is_one_worker(lives: Lives) -> None:
    run_id = lives.begin()
    lives.wait_computing(run_id)
    stop_run(lives.workspace, run_id)
    lives.wait(run_id, "stopped")
    refused: list[str] = []

    def press(_: int) -> None:
        try:
            resume_run(lives.workspace, run_id)
        except RunError as error:
            refused.append(str(error))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(press, range(4)))
    assert len(refused) == 3
    assert all("being resumed by someone else" in text or "only a run that was cut short" in text for text in refused)
    lives.wait_computing(run_id)
    assert len(lives.processes(run_id, "worker")) == 1


def serve(lives: Lives, count: int) -> "subprocess.Popen[str]":
    """A server that starts runs in this workspace, in a process of its own; it stands when this comes back."""
    command = [sys.executable, fake.__file__, "server", str(lives.workspace.root), str(count)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=child_environment(), start_new_session=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.stdout.close()
    return process


@pytest.mark.fault(22, 25)
def test_two_servers_share_one_queue_and_trainings_outlive_them(lives: Lives) -> None:
    one, other = serve(lives, 2), serve(lives, 2)
    until(lambda: len(running(lives)) == 1 and len(in_line(lives)) == 3, "one of four trains")
    (first,) = running(lives)
    order = in_line(lives)
    lives.wait_computing(first)
    one.terminate()
    one.wait()
    os.killpg(other.pid, signal.SIGKILL)
    other.wait()
    assert running(lives) == [first] and in_line(lives) == order
    lives.order(first, "finish")
    lives.wait_computing(order[0])  # the queue goes on with no server at all
    assert lives.status(first) == "finished"


@pytest.mark.fault(19)
def test_what_trains_or_waits_is_not_deleted(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)
    second = lives.begin()
    for run_id in (first, second):
        with pytest.raises(RunError, match="stop it first"):
            delete_run(lives.workspace, run_id)
    stop_all(lives.workspace)
    delete_run(lives.workspace, first)
    with pytest.raises(RunError, match=f"There is no run '{first}'"):
        read_run(lives.workspace, first)


@pytest.mark.fault(18)
@pytest.mark.parametrize("at", ["work", "hang", "waiting"])
def test_a_run_deleted_by_hand_ends_and_is_not_made_anew(lives: Lives, at: str) -> None:
    if at == "waiting":
        lives.wait_computing(lives.begin())
    run_id = lives.begin()
    if at != "waiting":
        lives.wait_computing(run_id)
        lives.order(run_id, at)
    until(lambda: is_locked(lives.folder(run_id).lock), "its worker lives")
    workers = lives.processes(run_id, "worker")
    lives.folder(run_id).path.rename(lives.workspace.root.parent / "gone")
    shutil.rmtree(lives.workspace.root.parent / "gone")
    until(lambda: not any(is_alive(worker) for worker in workers), "its worker ends")
    until(lambda: not lives.processes(run_id, "compute"), "what computed ends too")
    assert not (lives.workspace.runs / run_id).exists()
    assert run_id not in [run.id for run in list_runs(lives.workspace)]


DEATHS = {
    "segfault": "crashed inside a native library (signal 11)",
    "killed": "killed from outside, most often because memory ran out",
    "exit 3": "ended with exit code 3",
    "raise": "The training failed: ZeroDivisionError: as ordered",
    "no torch": "The training failed: ModuleNotFoundError: import of torch halted",
    "no python": "could not be started",
}


@pytest.mark.fault(26, 27)
def test_every_death_has_its_own_words(lives: Lives) -> None:
    (lives.workspace.root / "settings.json").write_text('{"slots": 6}')
    ids = {lives.begin(death): words for death, words in DEATHS.items()}
    for run_id, words in ids.items():
        run = lives.wait(run_id, "failed", "interrupted")
        assert run.status == "failed" and words in run.error
        assert "Traceback" not in run.error
    assert len({read_run(lives.workspace, run_id).error for run_id in ids}) == len(DEATHS)
    no_torch = next(run_id for run_id, words in ids.items() if "torch" in words)
    assert "Traceback" in worker_log_tail(lives.workspace, no_torch)


@pytest.mark.fault(25)
def test_a_dead_worker_is_seen_at_once_and_its_run_goes_on_when_resumed(lives: Lives) -> None:
    run_id = lives.begin()
    child = lives.wait_computing(run_id)
    lives.kill(run_id, "worker")
    until(lambda: lives.status(run_id) == "interrupted", "its death is seen", patience=5)
    until(lambda: not is_alive(child), "what computed for it ends too")
    resume_run(lives.workspace, run_id)
    lives.wait_computing(run_id)


def test_an_orphan_is_waited_for(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that computed for a killed worker still writes: nobody else may."""
    run_id = lives.begin()
    child = lives.wait_computing(run_id)
    lives.order(run_id, "deaf")
    lives.kill(run_id, "worker")
    until(lambda: lives.status(run_id) == "interrupted", "its death is seen", patience=5)
    monkeypatch.setattr("cifar_core.runs.control.actions.ENDING_SECONDS", 0.2)
    with pytest.raises(RunError, match="is just ending: resume it in a moment"):
        resume_run(lives.workspace, run_id)
    lives.order(run_id, "work")
    until(lambda: not is_alive(child), "it has ended")
    resume_run(lives.workspace, run_id)
    lives.wait_computing(run_id)


@pytest.mark.fault(31)
@pytest.mark.parametrize("verb", ["stop", pytest.param("pause", marks=pytest.mark.slow)])
def test_who_ignores_everything_is_killed_with_all_that_it_started(lives: Lives, verb: str) -> None:
    assert OBEY_SECONDS + KILL_SECONDS <= 25  # here both are 0.3 s
    run_id = lives.begin()
    child = lives.wait_computing(run_id)
    lives.order(run_id, "grandchild")
    until(child.children, "it has a child of its own")
    family = [child, *child.children()]
    (stop_run if verb == "stop" else pause_run)(lives.workspace, run_id)
    run = lives.wait(run_id, "stopped", "paused", "failed", "interrupted")
    assert run.status == ("stopped" if verb == "stop" else "paused")
    assert f"did not react to the {verb}" in run.error
    until(lambda: not any(is_alive(process) for process in family), "the whole family is gone")
    lives.order(run_id, "work")
    resume_run(lives.workspace, run_id)
    lives.wait_computing(run_id)


@pytest.mark.slow
@pytest.mark.fault(31)
def test_a_training_killed_by_the_ladder_goes_on_from_its_checkpoint(lives: Lives) -> None:
    save_tiny(lives.workspace)
    run_id = lives.begin("deaf training", **{**TINY, "epochs": 500})
    until(lambda: (last := read_run(lives.workspace, run_id).last) and last.epoch >= 2, "it trains")
    stop_run(lives.workspace, run_id)
    run = lives.wait(run_id, "stopped", "failed", "interrupted")
    assert run.status == "stopped" and "did not react to the stop" in run.error
    assert run.last is not None and verify_run(lives.workspace, run_id) == []
    lives.order(run_id, "training")
    resume_run(lives.workspace, run_id)
    goal = run.last.epoch + 2
    until(lambda: (last := read_run(lives.workspace, run_id).last) and last.epoch >= goal, "it goes on")
    stop_run(lives.workspace, run_id)
    assert lives.wait(run_id, "stopped", "failed", "interrupted").error == ""
    assert verify_run(lives.workspace, run_id) == []


@pytest.mark.fault(37)
def test_a_loop_that_hangs_is_said_to_and_can_be_stopped(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = lives.begin()
    lives.wait_computing(run_id)
    assert read_run(lives.workspace, run_id).silent_since is None
    lives.order(run_id, "hang")
    before = None
    while before != (before := lives.folder(run_id).status.stat().st_mtime):
        time.sleep(0.1)
    later = time.monotonic() + 61
    with monkeypatch.context() as context:
        context.setattr("time.monotonic", lambda: later)
        run = read_run(lives.workspace, run_id)
    assert run.status == "running" and run.silent_since == before
    stop_run(lives.workspace, run_id)
    assert lives.wait(run_id, "stopped", "failed", "interrupted").status == "stopped"


@pytest.mark.fault(38)
def test_a_hung_run_ends_at_its_time_limit(lives: Lives) -> None:
    """The back-stop; a loop that does not hang keeps to its limit by itself."""
    run_id = lives.begin(max_seconds=1)
    lives.wait_computing(run_id)
    lives.order(run_id, "hang")
    run = lives.wait(run_id, "stopped", "failed", "interrupted")
    assert run.status == "stopped" and "Time limit" in run.error


@pytest.mark.fault(39)
@pytest.mark.parametrize("what", ["flood", pytest.param("flood of a gigabyte", marks=pytest.mark.slow)])
def test_a_gigabyte_of_rubbish_stays_a_small_log(lives: Lives, what: str) -> None:
    """Lines of a megabyte each with colours and bytes that are no text."""
    run_id = lives.begin(what)
    sizes = []

    def printed() -> bool:
        sizes.append(lives.folder(run_id).log.stat().st_size)
        return worker_log_tail(lives.workspace, run_id).endswith("the end")

    until(printed, "all has been printed")
    assert max(sizes) <= LOG_BYTES
    tail = worker_log_tail(lives.workspace, run_id)
    assert "\x1b" not in tail and "\x00" not in tail and max(map(len, tail.splitlines())) <= 501
    lives.wait_computing(run_id)  # it goes on


def test_a_worker_told_to_end_takes_its_training_with_it(lives: Lives) -> None:
    first = lives.begin()
    lives.wait_computing(first)
    second = lives.begin()
    until(lambda: is_locked(lives.folder(second).lock), "it waits")
    for run_id in (second, first):
        for process in lives.processes(run_id, "worker"):
            process.terminate()
        lives.wait(run_id, "interrupted")
    assert "told to end while it waited" in read_run(lives.workspace, second).error
    until(lambda: not lives.processes(first, "compute"), "it has ended")


@pytest.mark.fault(28)
def test_a_stranger_with_the_process_id_of_a_dead_one_is_left_alone(lives: Lives) -> None:
    """No file holds a process id to be misled by; a stop of a dead run is refused and signals nobody."""
    run_id = lives.begin()
    child = lives.wait_computing(run_id)
    (worker,) = lives.processes(run_id, "worker")
    lives.kill(run_id, "worker")
    until(lambda: not is_alive(child), "what computed for it ends too")
    for file in lives.folder(run_id).path.iterdir():
        if file.is_file() and file.suffix in (".json", ".lock"):
            assert f'"{worker.pid}"' not in file.read_text() and f": {worker.pid}" not in file.read_text(), file.name
    with pytest.raises(RunError, match="is interrupted: there is nothing to stop"):
        stop_run(lives.workspace, run_id)


def test_stop_all_on_a_quiet_workspace(lives: Lives) -> None:
    assert stop_all(lives.workspace) == []
    assert active(lives.workspace) == []


def test_old_and_new_settings_of_a_stored_run(lives: Lives) -> None:
    """A run of an earlier version has no time limit among its settings, and its status no boot."""
    run_id = lives.make()
    folder = lives.folder(run_id)
    content = json.loads(folder.config.read_text())
    del content["settings"]["max_seconds"]
    folder.config.write_text(json.dumps(content))
    folder.status.write_text(json.dumps({"status": "paused", "error": "", "progress": None}))
    assert read_run(lives.workspace, run_id).config.machine.max_seconds == 0
    resume_run(lives.workspace, run_id)
    lives.wait_computing(run_id)


@pytest.mark.fault(20, 95)
def test_a_second_click_changes_nothing(lives: Lives, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither while the worker that the first click brought is on its way, nor later; it could not even fail."""

    def refuse(*_: object) -> None:
        raise StorageError("No process can be started.")

    with monkeypatch.context() as context:
        context.setattr("cifar_core.runs.control.actions.spawn", lambda *_: None)  # it takes its time
        run_id = lives.begin("work")
        context.setattr("cifar_core.runs.control.actions.spawn", refuse)
        before = lives.folder(run_id).status.read_bytes()
        start_run(lives.workspace, run_id)
        assert lives.folder(run_id).status.read_bytes() == before and in_line(lives) == [run_id]
    fake.spawn_fake("cifar_core.lifecycle.worker", [f"--run-dir={lives.folder(run_id).path}"], lives.folder(run_id).log)
    lives.wait_computing(run_id)
    start_run(lives.workspace, run_id)
    assert lives.status(run_id) == "running"
