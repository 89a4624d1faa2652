"""Finds the worker that holds a lock and kills it: the only module that signals a process which it did not start.

No file contains a process id, which could be out of date, or be written there by somebody else. The system itself says
who holds the lock (`/proc/PID/fdinfo`), and a handle (`pidfd`) pins that process, so that its id cannot pass to another
process between the check and the signal. Systems other than Linux do not say this; there no process is signalled.
"""

import contextlib
import os
import re
import select
import signal
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from cifar_core.lifecycle.life_folder import WORKER_LOCK
from cifar_core.processes import Program

_PROC = Path("/proc")
_OPTION = "--run-dir="  # in the command line of every worker; a server, which may hold a run's lock briefly, has none
_SERVES_MANY = (Program.WARM_WORKER, Program.RAY_SWEEP)  # their runs are told by the locks that they have open
_LOCKED = re.compile(r"^lock:.*\bWRITE\b", re.MULTILINE)  # a check whether a lock is held takes a shared one (READ)
_ROUNDS = 5  # of searching for child processes that were started while the others were being killed


def can_find_holders() -> bool:
    """Whether this system says which process holds a lock."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and (_PROC / "self" / "fdinfo").is_dir()


@dataclass(frozen=True)
class Holder:
    """A worker that held the lock when it was looked for, pinned by a handle."""

    pid: int
    run_id: str  # of the run whose worker it is
    handle: int
    lock: Path

    def has_ended(self, seconds: float) -> bool:
        """Whether it ends within so many seconds."""
        return bool(select.select([self.handle], [], [], seconds)[0])

    def kill(self) -> bool:
        """Kill its child processes, then itself, unless it has released the lock; whether it is dead now."""
        if sys.platform != "linux" or not _holds(self.pid, self.lock):
            return False
        for _ in range(_ROUNDS):
            started = [pid for pid in _processes() if _was_started_by(pid, self.pid)]
            for pid in started:
                with _pinned(pid, lambda pid=pid: _was_started_by(pid, self.pid)) as handle:  # type: ignore[misc]
                    if handle is not None:
                        _kill(handle)
            if not started:
                break
        return _kill(self.handle)


@contextlib.contextmanager
def holder_of(lock: Path, *, of_run: str | None = None) -> Iterator[Holder | None]:
    """The worker that holds a lock; None where there is none, or the system does not say.

    Args:
        lock: its file.
        of_run: only the worker of this run counts; that of another may hold a run's lock briefly, to write its end.
    """
    for pid in _processes() if can_find_holders() else ():
        runs = _runs_of(pid)
        if runs and (of_run is None or of_run in runs) and _holds(pid, lock):
            with _pinned(pid, lambda pid=pid: _holds(pid, lock)) as handle:  # type: ignore[misc]
                if handle is not None:
                    yield Holder(pid, of_run or runs[0], handle, lock)
                    return
    yield None


@contextlib.contextmanager
def _pinned(pid: int, is_it: Callable[[], bool]) -> Iterator[int | None]:
    """A handle of a process; None where `is_it` is false once the handle exists: then another process got the id."""
    handle = None
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            handle = os.pidfd_open(pid)
    try:
        yield handle if handle is not None and is_it() else None
    finally:
        if handle is not None:
            os.close(handle)


def _kill(handle: int) -> bool:
    """Kill a process; False where the system refuses, as of another user's."""
    if sys.platform == "linux":
        try:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        except OSError as error:
            return isinstance(error, ProcessLookupError)  # it has just ended
    return True


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_PROC) if name.isdecimal() and int(name) != os.getpid()]
    except OSError:
        return []


def _runs_of(pid: int) -> list[str]:
    """The runs whose worker or computing process this is: of a warm worker the present one, of an owner several."""
    try:
        arguments = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []
    if any(program.encode() in arguments for program in _SERVES_MANY):
        return _runs_served(pid)
    return [Path(os.fsdecode(item)).name for item in arguments if item.startswith(_OPTION.encode())][:1]


def _runs_served(pid: int) -> list[str]:
    """The runs whose locks a process has open."""
    found = []
    with contextlib.suppress(OSError):
        for handle in (_PROC / str(pid) / "fd").iterdir():
            with contextlib.suppress(OSError):
                target = handle.readlink()
                if target.name == WORKER_LOCK:
                    found.append(target.parent.name)
    return found


def _holds(pid: int, lock: Path) -> bool:
    """Whether a process holds the lock on a file."""
    try:
        file, handles = lock.lstat(), os.listdir(_PROC / str(pid) / "fd")
    except OSError:
        return False
    for name in handles if stat.S_ISREG(file.st_mode) else ():
        with contextlib.suppress(OSError):
            if os.path.samestat((_PROC / str(pid) / "fd" / name).stat(), file):
                locks = (_PROC / str(pid) / "fdinfo" / name).read_text("ascii")
                if _LOCKED.search(locks):
                    return True
    return False


def _was_started_by(pid: int, worker: int) -> bool:
    """Whether a worker started a process: a worker leads a session of its own, so all processes in it are its own."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    state, parent, _group, session = fields[:4]
    return pid != worker and state not in ("Z", "X") and worker in (int(parent), int(session))
