"""The signs of life of a rank: heard while it lives, missed while it is frozen, excused after a standstill of ours."""

import os
import subprocess
import sys

import pytest

from cifar_core.lifecycle.ranks import pulse
from cifar_core.lifecycle.ranks.pulse import Pulse, start_with_pulse

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows hands no pipes on")


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the clock shows, to be set."""
    found = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: found[0])
    return found


@pytest.fixture
def felt(now: list[float]) -> tuple[Pulse, int]:
    """A pulse, and the handle that beats."""
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    return Pulse(ours), theirs


def look(pulse: Pulse, now: list[float], seconds: int) -> str:
    """Look once a second, for so long."""
    for _ in range(seconds):
        now[0] += 1.0
        last = pulse.complaint()
    return last


def test_a_rank_is_frozen_after_twenty_seconds_of_silence(felt: tuple[Pulse, int], now: list[float]) -> None:
    rank, handle = felt
    assert not look(rank, now, 20)
    os.write(handle, b"..")
    assert not look(rank, now, 21), "the beats count when they are read"
    assert look(rank, now, 1) == "It gave no sign of life for 20 seconds"


def test_a_standstill_of_ours_excuses_it(felt: tuple[Pulse, int], now: list[float]) -> None:
    rank, _ = felt
    assert not look(rank, now, 19)
    now[0] += 600.0
    assert not rank.complaint() and not look(rank, now, 20)
    assert look(rank, now, 1)


def test_a_rank_that_has_died_gives_no_sign(felt: tuple[Pulse, int], now: list[float]) -> None:
    rank, handle = felt
    os.close(handle)
    assert look(rank, now, 21)
    rank.close()


def test_a_process_inherits_the_handle_and_none_of_ours_is_left() -> None:
    def start(handle: int) -> "subprocess.Popen[bytes]":
        beats = f"import os; os.write({handle}, b'.'); print('beat', flush=True); input()"
        command = [sys.executable, "-c", beats]
        return subprocess.Popen(command, pass_fds=(handle,), stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    child, felt = start_with_pulse(start)
    assert child.stdout is not None and child.stdout.readline() == b"beat\n"
    assert os.read(felt._handle, 10) == b"."
    child.communicate(b"\n")
    assert os.read(felt._handle, 10) == b"", "only the child could still write"
    felt.close()


@pytest.mark.parametrize("error", [OSError("no room"), ValueError("pass_fds is not supported on Windows")])
def test_what_cannot_be_started_leaves_no_pipe(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    monkeypatch.setattr(pulse.os, "close", lambda handle, close=os.close: (closed.append(handle), close(handle)))

    def start(_handle: int) -> "subprocess.Popen[bytes]":
        raise error

    with pytest.raises(type(error)):
        start_with_pulse(start)
    assert len(set(closed)) == 2
