"""Which worker holds a lock, and its end by force: the one place that signals a process which is not a child of ours.

No process id is kept in any file, where it could go stale, or be planted by whoever may write there. The system itself is
asked who holds the lock (`/proc/PID/fdinfo`), of a process that a handle (`pidfd`) pins, so that its id cannot pass to a
stranger between the question and the signal. Where the system does not tell (all but Linux), nobody is signalled.
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

_PROC = Path("/proc")
_OPTION = "--run-dir="  # of every worker's command line, and of no server's, which hold a run's lock for an instant
_LOCKED = re.compile(r"^lock:.*\bWRITE\b", re.MULTILINE)  # who asks whether a lock is held takes a shared one (READ)
_ROUNDS = 5  # looks for processes that were started while the others were being killed


def can_find_holders() -> bool:
    """Whether this system tells who holds a lock."""
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
        """Kill what it started, then itself, unless it has let go of the lock; whether it was killed, or had just ended."""
        if sys.platform != "linux" or not _holds(self.pid, self.lock):
            return False
        for _ in range(_ROUNDS):
            started = [pid for pid in _processes() if _belongs(pid, self.pid)]
            for pid in started:
                with _pinned(pid, lambda pid=pid: _belongs(pid, self.pid)) as handle:  # type: ignore[misc]
                    if handle is not None:
                        _kill(handle)
            if not started:
                break
        return _kill(self.handle)


@contextlib.contextmanager
def holder_of(lock: Path, *, of_run: str | None = None) -> Iterator[Holder | None]:
    """The worker that holds a lock; None where there is none, or the system does not tell.

    Args:
        lock: its file.
        of_run: the run whose worker alone is looked for; another's may hold a run's lock for a moment, to write its end.
    """
    for pid in _processes() if can_find_holders() else ():
        run_id = _run_of(pid)
        if run_id and of_run in (None, run_id) and _holds(pid, lock):
            with _pinned(pid, lambda pid=pid: _holds(pid, lock)) as handle:  # type: ignore[misc]
                if handle is not None:
                    yield Holder(pid, run_id, handle, lock)
                    return
    yield None


@contextlib.contextmanager
def _pinned(pid: int, is_it: Callable[[], bool]) -> Iterator[int | None]:
    """A handle of a process that was the one meant both before and after the handle was made; None where it was not."""
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


def _run_of(pid: int) -> str:
    """The run whose worker or computing process this is; empty for any other process."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return ""
    return next((Path(os.fsdecode(word)).name for word in words if word.startswith(_OPTION.encode())), "")


def _holds(pid: int, lock: Path) -> bool:
    """Whether a process of ours holds the lock on a file."""
    try:
        file, handles = lock.lstat(), os.listdir(_PROC / str(pid) / "fd")
    except OSError:
        return False
    for name in handles if stat.S_ISREG(file.st_mode) else ():
        with contextlib.suppress(OSError):
            if os.path.samestat((_PROC / str(pid) / "fd" / name).stat(), file):
                told = (_PROC / str(pid) / "fdinfo" / name).read_text("ascii")
                if _LOCKED.search(told):
                    return True
    return False


def _belongs(pid: int, worker: int) -> bool:
    """Whether a process was started by a worker: each leads a session of its own, and so owns all that is in it."""
    try:
        fields = (_PROC / str(pid) / "stat").read_text("ascii", "replace").rpartition(")")[2].split()
    except OSError:
        return False
    state, parent, _group, session = fields[:4]
    return pid != worker and state not in ("Z", "X") and worker in (int(parent), int(session))
