"""A job is started once, is never "running" when dead, obeys a cancel in every state, and says how it ended."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from cifar_core.errors import StorageError
from cifar_core.jobs import start
from cifar_core.jobs.job import (
    JobFolder,
    JobState,
    cancel_job,
    dismiss_job,
    is_alive,
    read_job,
    write_request,
    write_state,
)
from cifar_core.jobs.process import do_job
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.storage.faults import EXIT_CODE, FAULT_VARIABLE
from cifar_core.storage.locks import hold_lock
from tests.conftest import ROOT
from tests.jobs.fake_job import FakeRequest, work
from tests.jobs.support import TIMEOUT, wait_for_end

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / ".jobs" / "fake")


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Start the job of the tests whatever program is asked for; lists the processes and ends them at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def spawn(_program: Program, arguments: list[str], log: Path) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.jobs.fake_job", *arguments]
        with open(log, "ab") as output:
            child = subprocess.Popen(command, stdout=output, stderr=output, env=ENVIRONMENT, start_new_session=True)
        started.append(child)
        return child

    monkeypatch.setattr(start, "spawn", spawn)
    yield started
    for child in started:
        child.kill()
        child.wait()


def begin(job: JobFolder, way: str) -> bool:
    return start_job(job, Program.RECOMPUTE, FakeRequest("fake", way))


def wait_until_it_works(job: JobFolder) -> None:
    end = time.monotonic() + TIMEOUT
    while (state := read_job(job)) is None or state.phase != "Working":
        assert time.monotonic() < end, state
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("way", "expected"),
    [
        ("quick", JobState("fake", "done", "Working")),
        ("refused", JobState("fake", "failed", "Working", error="The file is no picture.", report=["One line more."])),
        ("crash", "Its process ended early (it said: ValueError: nobody expected this). Start it again."),
    ],
)
def test_how_it_ends(
    job: JobFolder, children: list["subprocess.Popen[bytes]"], way: str, expected: JobState | str
) -> None:
    assert read_job(job) is None
    assert begin(job, way)
    state = wait_for_end(job)
    assert expected in (state, state.error)
    assert (job.path / "result").exists() == (way == "quick")
    children[0].wait(TIMEOUT)
    dismiss_job(job)
    assert read_job(job) is None


@pytest.mark.fault(97)
def test_starting_does_not_wait_and_the_second_finds_the_first(
    job: JobFolder, children: list["subprocess.Popen[bytes]"]
) -> None:
    """Also in the second before the process holds its lock, and of several who ask at once."""
    barrier, answers = threading.Barrier(4), []

    def session() -> None:
        barrier.wait()
        answers.append(begin(job, "obedient"))
        answers.append(is_alive(job))

    sessions = [threading.Thread(target=session) for _ in range(4)]
    for thread in sessions:
        thread.start()
    for thread in sessions:
        thread.join()
    assert sorted(answers) == [False] * 3 + [True] * 5 and len(children) == 1
    wait_until_it_works(job)
    assert not begin(job, "quick") and len(children) == 1
    dismiss_job(job)
    assert read_job(job) is not None, "a running job cannot be dismissed"
    cancel_job(job)
    assert wait_for_end(job) == JobState("fake", "cancelled", "Working")


@pytest.mark.fault(97)
@pytest.mark.parametrize("way", ["deaf", "stuck"])
def test_a_job_that_does_not_obey_a_cancel_is_ended(
    job: JobFolder, children: list["subprocess.Popen[bytes]"], way: str
) -> None:
    """By a SIGTERM, or where that does not help by a kill, with all that it has started."""
    begin(job, way)
    wait_until_it_works(job)
    group = [psutil.Process(children[0].pid), *psutil.Process(children[0].pid).children()]
    cancel_job(job)
    state = read_job(job)
    assert state is None or not state.active or state.sentence == "Cancelling…"
    assert wait_for_end(job).state == "cancelled"
    assert children[0].wait(TIMEOUT) == (-signal.SIGKILL if way == "stuck" else 0)
    assert psutil.wait_procs(group, timeout=TIMEOUT)[1] == []


@pytest.mark.fault(97)
@pytest.mark.parametrize("stage", ["before the first byte", "while it works"])
def test_a_killed_job_has_failed_and_can_be_started_again(
    job: JobFolder, children: list["subprocess.Popen[bytes]"], stage: str
) -> None:
    begin(job, "obedient")
    if stage == "while it works":
        wait_until_it_works(job)
    children[0].kill()
    assert "killed, or memory ran out" in wait_for_end(job).error
    assert begin(job, "quick")
    assert wait_for_end(job).state == "done"


@pytest.mark.fault(97)
def test_a_job_that_is_cancelled_while_it_waits_changes_nothing(
    job: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process was started and does not hold its lock yet."""
    monkeypatch.setattr(start, "spawn", lambda *_: None)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
    begin(job, "quick")
    with hold_lock(job.start_lock):
        assert read_job(job) == JobState("fake", "waiting", "Starting")
        cancel_job(job)
        assert read_job(job) == JobState("fake", "waiting", "Cancelling")
    assert read_job(job) == JobState("fake", "cancelled", "Starting"), "no process came to its last words"
    assert do_job(job, FakeRequest, work) == 0
    state = read_job(job)
    assert state is not None and state.state == "cancelled" and not (job.path / "result").exists()


@pytest.mark.fault(97)
@pytest.mark.parametrize("point", ["write", "fsync", "replace"])
def test_a_job_killed_at_any_write_is_never_running(job: JobFolder, point: str) -> None:
    """And the next one works as the first; a lock file that it left is free."""
    command = [sys.executable, "-m", "tests.jobs.fake_job", f"--job={job.path}"]
    job.make()
    for number in range(1, 20):
        job.state.unlink(missing_ok=True)
        job.request.write_text(json.dumps({"kind": "fake", "way": "quick"}))
        code = subprocess.run(
            command, cwd=ROOT, env={**ENVIRONMENT, FAULT_VARIABLE: f"{point}:{number}:die"}
        ).returncode
        state = read_job(job)
        assert state is not None and state.state in ("done", "failed") and (state.state == "done" or code)
        if code == 0:
            break
        assert code == EXIT_CODE
    assert number > 1 and not list(job.path.glob(".tmp-*"))


@pytest.mark.fault(97)
@pytest.mark.parametrize("content", ["", "{", "[]", '{"kind": 1}', '{"schema_version": 1}'])
def test_a_request_that_cannot_be_read(job: JobFolder, content: str) -> None:
    job.make()
    job.request.write_text(content)
    state = read_job(job)
    assert state is not None and state.state == "failed" and str(job.request) in state.error
    with pytest.raises(StorageError, match="cannot be read"):
        do_job(job, FakeRequest, work)
    dismiss_job(job)
    assert read_job(job) is None


@pytest.mark.fault(95)
def test_a_job_that_is_started_while_it_is_read_has_not_failed(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look at its lock and that at its state another process may have started it."""
    job.make()
    write_request(job, FakeRequest("fake", "quick"))
    write_state(job, JobState("fake"))
    answers = iter([False, True])
    monkeypatch.setattr("cifar_core.jobs.job.is_alive", lambda _job: next(answers))
    assert read_job(job) == JobState("fake")


def test_a_job_that_could_not_be_started_is_none(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise StorageError("No process can be started.")

    monkeypatch.setattr(start, "spawn", refuse)
    with pytest.raises(StorageError, match="No process"):
        begin(job, "quick")
    assert read_job(job) is None and not is_alive(job)


@pytest.mark.parametrize(
    ("state", "share", "sentence"),
    [
        (JobState("get", "running", "Downloading", 85_000_000, 170_000_000, "bytes", 61), 0.5,
         "Downloading · 81.1 MB of 162.1 MB · 1:01 left"),
        (JobState("get", "running", "Reading", 3, 2, "pictures"), 1.0, "Reading · 3 of 2 pictures"),
        (JobState("get"), 0.0, "Starting…"),
    ],
)  # fmt: skip
def test_the_progress_for_people(state: JobState, share: float, sentence: str) -> None:
    assert (state.share, state.sentence) == (share, sentence)
