"""The heartbeat of a worker, and when it must not be used to call a worker silent."""

import contextlib
import os
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from cifar_core.lifecycle import force_stop
from cifar_core.lifecycle.heartbeat import MISSED_SECONDS, Heartbeat, Standstill, seconds_since_beat, start_heartbeat
from cifar_core.lifecycle.life_folder import LifeFolder
from cifar_core.lifecycle.queue import is_next, join, tickets
from cifar_core.lifecycle.states import Status
from cifar_core.lifecycle.status import expect_worker, move
from cifar_core.storage.locks import hold_lock
from tests.lifecycle.conftest import FakeRuns
from tests.rights import as_a_user

OTHER = 12345  # a user's id


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock, which `ahead` puts forward (seconds), as if the machine had stood still."""
    real, clock = time.monotonic, SimpleNamespace(ahead=0.0)
    monkeypatch.setattr("time.monotonic", lambda: real() + clock.ahead)
    return clock


@contextlib.contextmanager
def waiting(folder: LifeFolder) -> Iterator[Heartbeat]:
    """A waiting run, with its worker in this process."""
    with hold_lock(folder.lock) as held, start_heartbeat(folder) as heartbeat:
        assert held
        expect_worker(folder, here=True)
        join(folder)
        yield heartbeat


def silence(folder: LifeFolder) -> float:
    return seconds_since_beat(folder, None, taken=True)


@pytest.mark.fault(29, 94)
def test_a_heartbeat_uses_the_monotonic_clock(
    fake_runs: FakeRuns, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real = fake_runs.folder(fake_runs.make()), time.time
    with waiting(folder) as heartbeat:
        monkeypatch.setattr("time.time", lambda: real() + 86_400)
        assert silence(folder) < 5
        clock.ahead = 1000.0
        assert 999 < silence(folder) < 1005
        heartbeat.beat()
        assert silence(folder) < 5


@pytest.mark.fault(94)
def test_a_worker_without_a_heartbeat_counts_as_responding(fake_runs: FakeRuns) -> None:
    """A worker of an earlier version, or on a full disk; also beside a heartbeat that an earlier worker left."""
    folder = fake_runs.folder(fake_runs.make())
    with hold_lock(folder.lock):
        expect_worker(folder, here=True)
        long_ago = time.monotonic() - 100.0
        assert 100 <= seconds_since_beat(folder, long_ago, taken=False) < 110, "it never wrote that it holds the lock"
        assert seconds_since_beat(folder, long_ago, taken=True) == 0.0
        with start_heartbeat(folder):
            pass
        os.utime(folder.heartbeat, (1e9, 1e9))
        assert seconds_since_beat(folder, long_ago, taken=True) == 0.0
        with hold_lock(folder.heartbeat):
            folder.heartbeat.touch()
            assert seconds_since_beat(folder, long_ago, taken=True) == 0.0, "the time of its creation is not a beat"


@pytest.mark.fault(94)
@pytest.mark.parametrize("odd", ["folder", "loop", "closed"])
def test_a_file_that_is_not_a_heartbeat_stops_no_worker(fake_runs: FakeRuns, odd: str) -> None:
    folder = fake_runs.folder(fake_runs.make())
    if odd == "folder":
        folder.heartbeat.mkdir()
    elif odd == "loop":
        folder.heartbeat.symlink_to(folder.heartbeat.name)
    with hold_lock(folder.lock), start_heartbeat(folder):
        if odd == "closed":
            folder.heartbeat.chmod(0)
        assert as_a_user(lambda: silence(folder)) < 5


@pytest.mark.fault(94)
@pytest.mark.parametrize("sticky", [False, True])
def test_a_worker_beats_in_a_run_of_another_user(fake_runs: FakeRuns, clock: SimpleNamespace, sticky: bool) -> None:
    """It may write and remove that user's files, but not set their time; in a sticky folder it may not remove them."""
    if os.geteuid() != 0:
        pytest.skip("only root gives files to another user")
    folder = fake_runs.folder(fake_runs.make())
    with hold_lock(folder.lock), start_heartbeat(folder):
        pass
    for path in (folder.path, folder.lock, folder.heartbeat):
        os.chown(path, OTHER, OTHER)
        path.chmod(0o1777 if sticky and path.is_dir() else 0o777)

    def work() -> tuple[float, float]:
        with hold_lock(folder.lock), start_heartbeat(folder) as heartbeat:
            clock.ahead = 50.0
            before = silence(folder)
            heartbeat.beat()
            return before, silence(folder)

    before, after = as_a_user(work)
    assert after < 5 and (before == 0.0 if sticky else 49 < before < 55)


@pytest.mark.fault(94)
def test_no_file_has_a_time_that_other_programs_cannot_store(fake_runs: FakeRuns, tmp_path: Path) -> None:
    folder = fake_runs.folder(fake_runs.make())
    with waiting(folder), zipfile.ZipFile(tmp_path / "backup.zip", "w") as backup:
        assert silence(folder) < 5
        for path in (folder.lock, folder.heartbeat):
            backup.write(path)
        assert time.time() - folder.lock.stat().st_mtime < 60, "no clean-up takes a lock in use for an old file"


@pytest.mark.fault(94)
def test_the_first_worker_to_wake_after_a_common_freeze_removes_no_ticket(
    fake_runs: FakeRuns, clock: SimpleNamespace
) -> None:
    with ExitStack() as held:
        folders = [fake_runs.folder(fake_runs.make()) for _ in range(3)]
        heartbeats = [held.enter_context(waiting(folder)) for folder in folders]
        first, last, heartbeat = folders[0], folders[2], heartbeats[2]
        for _ in range(40):  # they wait for a while
            clock.ahead += 1
            for each in heartbeats:
                each.beat()
        clock.ahead += 40
        assert not is_next(last, heartbeat.standstill)
        heartbeat.beat()
        assert not is_next(last, heartbeat.standstill)
        assert len(tickets(fake_runs.workspace)) == 3
        for _ in range(int(MISSED_SECONDS) + 1):
            clock.ahead += 1
            for each in heartbeats[1:]:
                each.beat()
        assert not is_next(last, heartbeat.standstill) and is_next(folders[1], heartbeats[1].standstill)
        assert first.run_id not in tickets(fake_runs.workspace), "only this worker has not woken"


@pytest.mark.fault(94)
def test_a_process_that_stood_still_itself_kills_no_worker(
    fake_runs: FakeRuns, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[str] = []

    @contextlib.contextmanager
    def found(_lock: Path, *, of_run: str | None = None) -> Iterator[SimpleNamespace]:
        def look(seconds: float) -> bool:
            clock.ahead += seconds
            return False

        yield SimpleNamespace(run_id=first.run_id, kill=lambda: killed.append(str(of_run)), has_ended=look)

    monkeypatch.setattr(force_stop, "holder_of", found)
    monkeypatch.setattr(force_stop, "is_locked", lambda lock: lock.name != "training.lock")
    first, second = (fake_runs.folder(fake_runs.make()) for _ in range(2))
    with waiting(first), waiting(second) as heartbeat:
        move(first, Status.RUNNING)
        clock.ahead += 200
        force_stop.free_queue(second, heartbeat.standstill)
        assert killed == []
        for _ in range(int(MISSED_SECONDS) + 1):
            clock.ahead += 1
            heartbeat.beat()
        force_stop.free_queue(second, heartbeat.standstill)
        assert killed == ["None"] * 2, "the holders of the ticket lock and of a slot"
        first.stop_file.touch()
        before = time.monotonic()
        force_stop.end_unresponsive(first)
        assert killed[2:] == [first.run_id] and 24 <= time.monotonic() - before < 26
        monkeypatch.setattr(force_stop, "_LOOK_SECONDS", 40.0)  # this process is frozen at each check
        force_stop.end_unresponsive(first)
        assert len(killed) == 3


@pytest.mark.fault(94)
def test_a_process_that_has_just_started_calls_no_worker_silent(clock: SimpleNamespace) -> None:
    standstill = Standstill()
    assert standstill.is_recent()
    for _ in range(int(MISSED_SECONDS)):
        clock.ahead += 1
        standstill.is_recent()
    assert not standstill.is_recent()
