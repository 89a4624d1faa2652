"""The escalation, the reasons, the log: each alone, without a process or with a plain one."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cifar_core import processes
from cifar_core.errors import StorageError
from cifar_core.jobs.log import (
    LEFT_OUT,
    LOG_BYTES,
    LogKeeper,
    append_bounded,
    begin_session,
    end_line,
    log_tail,
    logged_end,
    take_back_session,
)
from cifar_core.lifecycle import supervise
from cifar_core.lifecycle.heartbeat import Heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.states import Verb
from cifar_core.lifecycle.supervise import (
    KILL_SECONDS,
    OBEY_SECONDS,
    STILL_COMPUTING,
    EndRequest,
    Escalation,
    TerminationSignal,
    describe_exit,
    supervise_child,
)
from cifar_core.lifecycle.worker import how_it_ended


@pytest.mark.fault(31)
@pytest.mark.parametrize("request", [EndRequest.STOP, EndRequest.PAUSE])
def test_the_ladder_ends_within_25_seconds(request: EndRequest) -> None:
    escalation = Escalation()
    steps = {second: escalation.next_step(request if second >= 100 else None, float(second)) for second in range(200)}
    taken = {second: step for second, step in steps.items() if step}
    assert list(taken.items())[:2] == [(100 + OBEY_SECONDS, "terminate"), (100 + OBEY_SECONDS + KILL_SECONDS, "kill")]
    assert list(taken)[1] == 125 and list(taken.values()).count("terminate") == 1


@pytest.mark.fault(28)
def test_who_has_ended_is_not_signalled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process id may be another's by now: the escalation reaches for a child only while that has not been collected."""
    signals: list[object] = []
    monkeypatch.setattr("os.kill", lambda *to: signals.append(to))
    monkeypatch.setattr("os.killpg", lambda *to: signals.append(to))
    for name in ("OBEY_SECONDS", "KILL_SECONDS"):
        monkeypatch.setattr(supervise, name, -1.0)  # every step is due at once
    folder = LifeFolder(tmp_path)
    folder.stop_file.touch()
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    flag = TerminationSignal.__new__(TerminationSignal)
    flag.received = True
    escalation = supervise_child(child, folder, flag, Heartbeat(folder))
    assert signals == [] and escalation.request is EndRequest.TERMINATE


@pytest.mark.parametrize("request", [EndRequest.TERMINATE, EndRequest.TIME_LIMIT, EndRequest.GONE])
def test_what_no_file_can_ask_begins_with_the_signal(request: EndRequest) -> None:
    escalation = Escalation()
    assert [escalation.next_step(request, now) for now in (5.0, 6.0, 5.0 + KILL_SECONDS)] == ["terminate", "", "kill"]


def test_a_machine_that_goes_down_does_not_wait_for_a_stop() -> None:
    escalation = Escalation()
    assert escalation.next_step(EndRequest.STOP, 0.0) == ""
    assert escalation.next_step(EndRequest.TERMINATE, 1.0) == "terminate"
    assert escalation.next_step(EndRequest.TERMINATE, 1.0 + KILL_SECONDS) == "kill"


@pytest.mark.fault(26)
@pytest.mark.parametrize(
    ("code", "words", "out_of_memory", "said"),
    [
        (-9, "", True, "memory of this machine ran out"),
        (-9, "", False, "killed from outside"),
        (137, "Killed", False, "killed from outside"),
        (-11, "", False, "crashed inside a native library (signal 11)"),
        (3, "", False, "exit code 3 and no word"),
        (STILL_COMPUTING, "", False, "earlier process of this run is still computing"),
        (-15, "", False, "told to end from outside before it had begun"),
        (1, "ValueError: bad thing", False, "The training failed: ValueError: bad thing"),
    ],
)
def test_every_death_has_a_sentence(code: int, words: str, out_of_memory: bool, said: str) -> None:
    assert said in describe_exit(code, words, out_of_memory=out_of_memory)


@pytest.mark.parametrize(
    ("escalation", "code", "verb", "said"),
    [
        (Escalation(EndRequest.STOP, killed=True), -9, Verb.STOP, "did not react to the stop"),
        (Escalation(EndRequest.PAUSE, terminated=True), -15, Verb.PAUSE, "did not react to the pause"),
        (Escalation(EndRequest.TIME_LIMIT, killed=True), -9, Verb.STOP, "Time limit"),
        (Escalation(EndRequest.TERMINATE, terminated=True), -15, Verb.INTERRUPT, "told to end"),
        (Escalation(EndRequest.STOP), -11, Verb.FAIL, "signal 11"),  # it was asked, but died of something else
        (Escalation(), -9, Verb.FAIL, "killed from outside"),
    ],
)
def test_who_was_led_to_the_end_did_not_fail(escalation: Escalation, code: int, verb: Verb, said: str) -> None:
    found, words = how_it_ended(escalation, code, "", out_of_memory=False)
    assert found is verb and said in words


@pytest.mark.fault(26)
def test_kills_for_want_of_memory_are_counted_where_the_system_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "/proc/self/cgroup": "4:memory:/box\n0::/box\n",
        "/sys/fs/cgroup/box/memory.events": "low 1\noom 3\noom_kill 2\n",
    }

    def read_text(path: Path, *_: object) -> str:
        if str(path) not in texts:
            raise FileNotFoundError(path)
        return texts[str(path)]

    monkeypatch.setattr(Path, "read_text", read_text)
    assert processes.oom_kills() == 2
    del texts["/sys/fs/cgroup/box/memory.events"]
    assert processes.oom_kills() == 0
    texts["/sys/fs/cgroup/memory/box/memory.oom_control"] = "under_oom 0\noom_kill 5\n"
    assert processes.oom_kills() == 5
    texts.clear()
    assert processes.oom_kills() == 0


@pytest.mark.fault(39)
def test_a_log_keeps_its_end_and_says_that_it_was_cut(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(b"")
    for number in range(30_000):
        append_bounded(log, b"%08d %s\n" % (number, b"x" * 40))
        assert number % 1000 or log.stat().st_size <= LOG_BYTES
    assert log.read_bytes().startswith(LEFT_OUT)
    assert log_tail(log, 1)[0].startswith("00029999")
    assert LOG_BYTES / 8 < log.stat().st_size <= LOG_BYTES


def test_a_log_that_somebody_deleted_is_made_anew_for_the_last_words(tmp_path: Path) -> None:
    append_bounded(tmp_path / "worker.log", b"the last words\n")
    assert log_tail(tmp_path / "worker.log") == ["the last words"]


@pytest.mark.fault(95)
def test_a_session_that_cannot_begin_leaves_the_log_as_it_was(tmp_path: Path, arm: Callable[[str], None]) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(b"before\n")
    arm("write:1:half")
    with pytest.raises(StorageError):
        begin_session(log)
    assert log.read_bytes() == b"before\n"


@pytest.mark.fault(39)
def test_a_disk_that_refuses_the_log_does_not_hold_up_what_prints(tmp_path: Path) -> None:
    """The log's folder is gone: the words are lost, the process ends, nothing is made anew."""
    child = subprocess.Popen([sys.executable, "-c", "print('x' * 3_000_000)"], stdout=subprocess.PIPE)
    assert child.stdout is not None
    keeper = LogKeeper(child.stdout, tmp_path / "gone" / "worker.log")
    assert child.wait(timeout=60) == 0
    keeper.finish(10.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(39)
@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (b"\x1b[1;31mred\x1b[0m and \x1b]0;title\x07plain\n", ["red and plain"]),
        (b"ten\r20 %\r30 %\n", ["ten", "20 %", "30 %"]),
        (b"\xff\xfe\x00\x01binary\n", ["\ufffd\ufffd\ufffd\ufffdbinary"]),
        ("right \u202eto left\n".encode(), ["right \ufffdto left"]),
        (
            b"<script>alert(1)</script> $x$ :red[y]\n",
            ["<script>alert(1)</script> $x$ :red[y]"],
        ),  # shown literally by st.code
        (b"z" * 1_000_000, ["z" * 500 + "…"]),
        (b"", []),
    ],
)
def test_the_tail_can_be_shown(tmp_path: Path, written: bytes, shown: list[str]) -> None:
    log = tmp_path / "worker.log"
    log.write_bytes(written)
    assert log_tail(log) == shown


def test_a_grandchild_that_holds_the_pipe_open_holds_nobody_up(tmp_path: Path) -> None:
    read, write = os.pipe()
    (tmp_path / "log").touch()
    keeper = LogKeeper(io.FileIO(read), tmp_path / "log")  # type: ignore[arg-type]
    keeper.finish(0.01)
    os.write(write, b"last words\n")
    os.close(write)
    keeper.finish(10.0)
    assert log_tail(tmp_path / "log") == ["last words"]


@pytest.mark.fault(95)
@pytest.mark.parametrize("disk", ["roomy", "full"])
@pytest.mark.parametrize("before", [0, 100, 3000, 5000])
def test_last_words_are_kept_on_a_full_disk(tmp_path: Path, arm: Callable[[str], None], disk: str, before: int) -> None:
    """A log that cannot grow gives up its end; it holds room enough from the moment on that its session begins."""
    log = tmp_path / "worker.log"
    log.write_bytes(b"x" * before + b"\n")
    begin_session(log)
    if disk == "full":
        log.write_bytes(log.read_bytes() + b"y" * 900)  # as much as is in a block beside the mark
        arm("write:1:enospc")
    append_bounded(log, f"chatter\n{end_line('failed', 'The disk is full.')}\n".encode())
    assert logged_end(log) == ("failed", "The disk is full.")
    assert log.stat().st_size < before + 1200


@pytest.mark.fault(95)
def test_only_our_own_words_of_this_session_tell_the_end(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    assert logged_end(log) is None
    begin_session(log)
    append_bounded(log, f"{end_line('failed', 'Of an earlier process.')}\n".encode())
    size = begin_session(log)
    append_bounded(log, b"The disk is full, says a library.\nit ended as failed: so it prints\n")
    assert logged_end(log) is None
    take_back_session(log, size)
    assert logged_end(log) == ("failed", "Of an earlier process.")
    log.unlink()
    os.mkfifo(log)
    assert logged_end(log) is None, "nobody waits for the words of a pipe"
