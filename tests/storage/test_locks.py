"""The operating system's locks: their holders, several users, and files that are no locks."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from cifar_core.errors import StorageError
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.locks import hold_lock, is_locked
from tests.conftest import ROOT
from tests.rights import as_a_user


@pytest.mark.skipif(os.name != "posix", reason="there are no such permissions")
def test_a_lock_and_a_shared_folder_get_the_permissions_of_the_folder_around_them(tmp_path: Path) -> None:
    """Whatever the umask of their creator, because several users of a workspace wait for the same locks."""
    tmp_path.chmod(0o770)
    before = os.umask(0o077)
    try:
        make_folder(tmp_path / "queue")
        with hold_lock(tmp_path / "queue" / "order.lock") as held:
            assert held
    finally:
        os.umask(before)
    modes = [stat.S_IMODE((tmp_path / place).stat().st_mode) for place in ("queue", "queue/order.lock")]
    assert modes == [0o770, 0o660]


def test_a_lock_that_can_only_be_read_can_be_held(tmp_path: Path) -> None:
    path = tmp_path / "new-run.lock"
    path.touch()
    path.chmod(0o444)

    def hold() -> None:
        with hold_lock(path) as held:
            assert held
            assert is_locked(path)

    as_a_user(hold)


@pytest.mark.parametrize("odd", ["closed", "a loop of links", "below a file"])
def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "worker.lock"
    match odd:
        case "closed":
            path.touch()
            path.chmod(0)
        case "a loop of links":
            path.symlink_to(path.name)
        case "below a file":
            (tmp_path / "file").touch()
            path = tmp_path / "file" / "worker.lock"

    def ask() -> None:
        with pytest.raises(StorageError, match=r"while reading worker\.lock"):
            is_locked(path)

    as_a_user(ask)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_place_of_a_lock_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "worker.lock")
    assert not is_locked(tmp_path / "worker.lock")


HOLDER = (
    "import sys, time; from pathlib import Path; from cifar_core.storage.locks import hold_lock\n"
    "with hold_lock(Path(sys.argv[1])) as held:\n"
    "    print('held' if held else 'refused', flush=True); time.sleep(60)\n"
)


def start_holder(path: Path) -> subprocess.Popen[str]:
    """A process that takes the lock and keeps it; returns once it has answered."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    """End the process and read its output."""
    process.send_signal(number)
    process.communicate(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_lock_is_free_when_its_holder_dies(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "worker.lock"
    assert not is_locked(path)
    holder = start_holder(path)
    try:
        assert is_locked(path)
        with hold_lock(path) as held:
            assert not held
    finally:
        end(holder, number)
    assert not is_locked(path)
    with hold_lock(path) as held:
        assert held
        assert is_locked(path)


def test_asking_about_a_lock_makes_no_file(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "worker.lock")
    assert list(tmp_path.iterdir()) == []


def test_waiting_for_a_lock_gets_it_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    holder = start_holder(path)
    timer = threading.Timer(0.2, holder.kill)
    timer.start()
    try:
        with hold_lock(path, timeout=10) as held:
            assert held
    finally:
        timer.join()
        end(holder, signal.SIGKILL)


def test_a_lock_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone does not exist any more: it was moved or deleted\."):
        hold_lock(tmp_path / "gone" / "worker.lock").__enter__()
    (tmp_path / "worker.lock").mkdir()
    with pytest.raises(StorageError, match=r"while locking worker\.lock"):
        hold_lock(tmp_path / "worker.lock").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["worker.lock"]


@pytest.mark.fault(70)
@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def refuse(_handle: int, _operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(StorageError, match=r"lies on a file system without locks.* \(--workspace or CIFAR_WORKSPACE"):
        hold_lock(tmp_path / "worker.lock").__enter__()


def test_a_folder_that_goes_while_its_lock_is_taken_stays_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process has just deleted the run: the folder must not be created again."""
    folder = tmp_path / "quiet-otter"
    folder.mkdir()
    is_dir = Path.is_dir

    def looked(path: Path) -> bool:
        found = is_dir(path)
        folder.rename(tmp_path / "trash")
        return found

    with monkeypatch.context() as context:
        context.setattr(Path, "is_dir", looked)
        with pytest.raises(StorageError, match=r"while locking worker\.lock"):
            hold_lock(folder / "worker.lock").__enter__()
    assert [path.name for path in tmp_path.iterdir()] == ["trash"]


def test_checking_all_the_time_does_not_block_the_lock(tmp_path: Path) -> None:
    """A page polls `is_locked` while a worker takes the lock: the poll must not make the worker think it is taken."""
    path = tmp_path / "worker.lock"
    path.touch()
    stop = threading.Event()

    def poll() -> None:
        while not stop.wait(0.002):
            is_locked(path)

    pollers = [threading.Thread(target=poll) for _ in range(2)]
    for poller in pollers:
        poller.start()
    try:
        for _ in range(20):
            with hold_lock(path) as held:
                assert held
    finally:
        stop.set()
        for poller in pollers:
            poller.join()


def test_two_checks_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Two pages that poll a dead run at once must both see that it is dead."""
    path = tmp_path / "worker.lock"
    path.touch()
    answers: set[bool] = set()

    def poll() -> None:
        answers.update(is_locked(path) for _ in range(300))

    pollers = [threading.Thread(target=poll) for _ in range(4)]
    for poller in pollers:
        poller.start()
    for poller in pollers:
        poller.join()
    assert answers == {False}


def test_an_error_under_a_lock_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    with pytest.raises(RuntimeError), hold_lock(path):
        raise RuntimeError
    assert not is_locked(path)
