"""The escalation of requests to end, and the sentences for how a computing process died."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifar_core.lifecycle import supervise, worker
from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.requests import EndRequests
from cifar_core.lifecycle.states import EndRequest, Status
from cifar_core.lifecycle.supervise import (
    GONE_SECONDS,
    KILL_SECONDS,
    OBEY_SECONDS,
    STILL_COMPUTING,
    Escalation,
    describe_exit,
    supervise_child,
)
from cifar_core.lifecycle.worker import how_it_ended


@pytest.mark.fault(31)
@pytest.mark.parametrize("end_request", [EndRequest.STOP, EndRequest.PAUSE])
def test_the_escalation_kills_within_25_seconds(end_request: EndRequest) -> None:
    escalation = Escalation()
    steps = {
        second: escalation.next_step(end_request if second >= 100 else None, float(second)) for second in range(200)
    }
    taken = {second: step for second, step in steps.items() if step}
    assert list(taken.items())[:2] == [(100 + OBEY_SECONDS, "terminate"), (100 + OBEY_SECONDS + KILL_SECONDS, "kill")]
    assert list(taken)[1] == 125 and list(taken.values()).count("terminate") == 1


@pytest.mark.fault(28)
def test_a_process_that_has_ended_is_not_signalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process may have its id by now: a child is signalled only while it has not been collected."""
    signals: list[object] = []
    monkeypatch.setattr("os.kill", lambda *to: signals.append(to))
    monkeypatch.setattr("os.killpg", lambda *to: signals.append(to))
    for name in ("OBEY_SECONDS", "KILL_SECONDS"):
        monkeypatch.setattr(supervise, name, -1.0)  # every step is due at once
    folder = LifeFolder(tmp_path)
    folder.stop_file.touch()
    monkeypatch.setattr(worker, "computing_command", lambda _folder: [sys.executable, "-c", ""])
    child = worker.OwnProcess()
    child.start(folder)
    assert child.has_ended(60.0)
    monkeypatch.setattr("cifar_core.lifecycle.requests.TerminationSignal", lambda: SimpleNamespace(received=True))
    escalation = supervise_child(child, folder, EndRequests(folder), Heartbeat(folder))
    assert signals == [] and escalation.request is EndRequest.STOP


@pytest.mark.parametrize("end_request", [EndRequest.TERMINATE, EndRequest.TIME_LIMIT, EndRequest.GONE])
def test_requests_that_are_not_files_begin_with_sigterm(end_request: EndRequest) -> None:
    escalation = Escalation()
    assert [escalation.next_step(end_request, now) for now in (5.0, 6.0, 5.0 + KILL_SECONDS)] == [
        "terminate",
        "",
        "kill",
    ]


def test_a_shutdown_of_the_machine_does_not_wait_for_a_stop() -> None:
    escalation = Escalation()
    assert escalation.next_step(EndRequest.STOP, 0.0) == ""
    assert escalation.next_step(EndRequest.STOP, 1.0, at_once=True) == "terminate"
    assert escalation.next_step(EndRequest.STOP, 1.0 + KILL_SECONDS, at_once=True) == "kill"


def test_a_stop_after_a_pause_counts_and_gets_no_more_time() -> None:
    escalation = Escalation()
    assert escalation.next_step(EndRequest.PAUSE, 0.0) == ""
    assert escalation.next_step(EndRequest.STOP, OBEY_SECONDS) == "terminate"
    assert escalation.next_step(EndRequest.STOP, OBEY_SECONDS + KILL_SECONDS) == "kill"
    assert how_it_ended(escalation, -9, "", out_of_memory=False)[0] is Status.STOPPED


def test_a_training_whose_folder_vanishes_while_it_is_stopped_is_killed_soon() -> None:
    escalation = Escalation()
    assert escalation.next_step(EndRequest.STOP, 0.0) == ""
    assert escalation.next_step(EndRequest.GONE, 1.0) == "terminate"
    assert escalation.next_step(EndRequest.GONE, 1.0 + GONE_SECONDS) == "kill"


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("code", "words", "out_of_memory", "said"),
    [
        (-9, "", True, "memory of this machine ran out"),
        (-9, "", False, "killed from outside"),
        (137, "Killed", False, "killed from outside"),
        (-11, "", False, "crashed inside a native library (signal 11)"),
        (3, "", False, "exit code 3 and gave no reason"),
        (STILL_COMPUTING, "", False, "earlier process of this run is still computing"),
        (-15, "", False, "told to end from outside before it had begun"),
        (1, "ValueError: bad thing", False, "The training failed: ValueError: bad thing"),
    ],
)
def test_every_exit_code_has_a_sentence(code: int, words: str, out_of_memory: bool, said: str) -> None:
    assert said in describe_exit(code, words, out_of_memory=out_of_memory)


@pytest.mark.parametrize(
    ("escalation", "code", "end", "said"),
    [
        (Escalation(EndRequest.STOP, killed=True), -9, Status.STOPPED, "did not react to the stop"),
        (Escalation(EndRequest.PAUSE, terminated=True), -15, Status.PAUSED, "did not react to the pause"),
        (Escalation(EndRequest.TIME_LIMIT, killed=True), -9, Status.STOPPED, "Time limit"),
        (Escalation(EndRequest.TERMINATE, terminated=True), -15, Status.INTERRUPTED, "told to end"),
        # It was requested, but the process died for another reason.
        (Escalation(EndRequest.STOP), -11, Status.FAILED, "signal 11"),
        (Escalation(), -9, Status.FAILED, "killed from outside"),
    ],
)
def test_a_process_that_was_ended_on_request_did_not_fail(
    escalation: Escalation, code: int, end: Status, said: str
) -> None:
    found, words = how_it_ended(escalation, code, "", out_of_memory=False)
    assert found is end and said in words
