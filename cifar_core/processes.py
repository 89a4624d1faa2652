"""Starting work in a process of its own, which outlives whoever started it. Writes the log file it is given."""

import contextlib
import ctypes
import functools
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

from cifar_core.files import storage_errors

_CODE = Path(__file__).resolve().parents[1]
SPINS = "20000"  # turns of a waiting thread before it sleeps
_NICENESS = 10  # of 19
_AUTOGROUP = Path("/proc/self/autogroup")  # the niceness of this process's session, see sched(7)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h
_LOG_TAIL = 65_536  # bytes
_LOG_LINE = 500  # characters shown of a line
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])"
)  # of a terminal: colours, titles


def spawn(module: str, arguments: list[str], log: Path) -> subprocess.Popen[bytes]:
    """Start `python -m module` detached from this process, in the folder of `log`, to which its words go.

    Raises:
        StorageError: the log or the process could not be made.
    """
    flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "CREATE_NO_WINDOW", 0)
    with storage_errors(f"starting {module}"), open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=log.parent,
            env=child_environment(),
            start_new_session=True,
            creationflags=flags,
        )
    # Collected as soon as it ends, so that a long-lived server gathers no zombies.
    with contextlib.suppress(RuntimeError):  # no thread is to be had: it is collected when this process ends
        threading.Thread(target=process.wait, name=f"wait for {module}", daemon=True).start()
    return process


def step_back() -> None:
    """Let this process have the processor time that others leave: who clicks meanwhile does not wait for a training.

    One that is alone is as fast as ever. Windows has no such call; there a training is started so. Linux desktops share the
    processor out by session before they look at the niceness of a process, and a worker is a session of its own
    (`start_new_session`): there its session steps back too.
    """
    if os.name == "posix":
        os.nice(_NICENESS)
        with contextlib.suppress(OSError):  # no such system, or it has no such groups
            _AUTOGROUP.write_text(str(_NICENESS), "ascii")


def keep_memory() -> None:
    """Let this process keep the memory it frees in pieces of up to 32 MiB (the most that glibc allows): the next step of a
    training needs as much again.

    Else much of it goes back to the system, which clears it page by page when it is next asked for: on a virtual machine a
    tenth of a wide network's step. Other C libraries have no such call.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl's
            library = ctypes.CDLL(None)
            library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
            library.mallopt(_MMAP_THRESHOLD, 32 * 2**20)


def child_environment() -> dict[str, str]:
    """The environment of every process of ours: this code is found from any folder, and words come out at once.

    Threads of torch that wait spin for a moment only, then sleep. Sleeping at once made small steps take 1.7 times as long
    here; spinning for ever made a training several times slower as soon as anything else was busy on the machine. A
    person's own OMP_WAIT_POLICY and GOMP_SPINCOUNT win.
    """
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "GOMP_SPINCOUNT": SPINS,
        **os.environ,
        "PYTHONPATH": str(_CODE),
        "PYTHONUNBUFFERED": "1",
    }


def peak_memory() -> int | None:
    """Most memory this process has held so far, in bytes; None where the system does not tell (it does on Linux).

    `getrusage` would not do: on Linux a new process begins with the peak of the one that started it.
    """
    try:
        told = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in told.splitlines() if line.startswith("VmHWM:")), None)


@functools.cache
def machine_memory() -> int | None:
    """All memory of this machine, in bytes; None where the system does not tell (Windows)."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def boot_id() -> str:
    """What tells this start of the machine from every other; empty where the system does not tell (Linux does)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def oom_kills() -> int:
    """How many processes of this one's control group the kernel has killed for want of memory; 0 where it keeps no count."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return 0
    files = [f"/sys/fs/cgroup{path}/memory.events" for _, kinds, path in groups if not kinds]
    files += [f"/sys/fs/cgroup/memory{path}/memory.oom_control" for _, kinds, path in groups if kinds == "memory"]
    for file in (*files, "/sys/fs/cgroup/memory.events"):  # the last as seen from within a container
        try:
            lines = Path(file).read_text("ascii").splitlines()
        except OSError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0


def log_tail(log: Path, lines: int = 20) -> list[str]:
    """The last lines of a log that say anything, fit for showing: no escape sequences, no signs that cannot be seen.

    There are none where there is no log; of a very long line the beginning is given.
    """
    found = [_showable(line) for line in log_text(log).splitlines()]
    return [line for line in found if line.strip()][-lines:]


def log_text(log: Path) -> str:
    """The end of a log without escape sequences; empty where there is none, or what is there is no file."""
    try:
        with open(log, "rb", opener=_open_at_once) as handle:
            handle.seek(max(0, handle.seek(0, os.SEEK_END) - _LOG_TAIL))
            content = handle.read(_LOG_TAIL)
    except OSError:
        return ""
    return _ESCAPE.sub("", content.decode("utf-8", "replace"))


def _open_at_once(path: str, flags: int) -> int:
    """Of a pipe in the place of a log one would wait for ever for the words."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _showable(line: str) -> str:
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in line.expandtabs().rstrip())
    return shown if len(shown) <= _LOG_LINE else shown[:_LOG_LINE] + "…"
