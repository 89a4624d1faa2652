"""This machine and this process on it: memory and its limits, the boot id, the priority, kills for want of memory.

A limit on memory (`ulimit -v`) is handed down to each process that a command starts; a library that meets it says so in many ways.
"""

import contextlib
import ctypes
import functools
import mmap
import os
import re
import sys
from pathlib import Path

if sys.platform != "win32":
    import resource

_MB = 1024 * 1024
_SIGNS = re.compile(  # in the last words of Python, the loader of libraries, C++, the system and torch
    r"MemoryError|failed to map segment|[Cc]annot allocate|[Cc]an't allocate|bad_alloc|Memory allocation|out of memory"
)
_THREADS = re.compile("can't start new thread|Resource temporarily unavailable")  # of memory only where that is limited
_CARD = re.compile("CUDA|HIP|MPS")
_CARD_WORDS = "The memory of the graphics card ran out: a smaller network or batch needs less."


def memory_limit() -> int | None:
    """How many bytes of addresses this process may have; None where nobody set a limit."""
    if sys.platform == "win32":
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def can_allocate(size: int) -> bool:
    """Whether this process could have so many bytes more."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True


def memory_sentence() -> str:
    """That memory ran out, and the way out."""
    limit = memory_limit()
    if limit is None:
        return "The memory of this machine ran out: end other programs, or use less, and try again."
    return f"The memory ran out: a process may have {limit / _MB:,.0f} MB here. Raise that limit (ulimit -v) and try again."


def explain_memory_error(words: str) -> str:
    """What ran out of which memory, where the last words of a process tell that; else nothing."""
    if _SIGNS.search(words):
        return _CARD_WORDS if _CARD.search(words) else memory_sentence()
    return memory_sentence() if _THREADS.search(words) and memory_limit() else ""


_NICENESS = 10  # of 19
_AUTOGROUP = Path("/proc/self/autogroup")  # the niceness of this process's session, see sched(7)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h


def lower_priority() -> None:
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
