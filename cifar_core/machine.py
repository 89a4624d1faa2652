"""This machine and this process: memory and its limits, the boot id, the priority, and kills for lack of memory.

Every process that a command starts inherits its limit on memory (`ulimit -v`); libraries that reach it report that in
many ways.
"""

import contextlib
import ctypes
import functools
import mmap
import os
import re
import sys
from pathlib import Path

from cifar_core.text import MB

if sys.platform != "win32":
    import resource

_OUT_OF_MEMORY = re.compile(  # as Python, the loader of libraries, C++, the system and PyTorch report it
    r"MemoryError|failed to map segment|[Cc]annot allocate|[Cc]an't allocate|bad_alloc|Memory allocation|out of memory"
)
# These may have other causes: they mean a lack of memory only where memory is limited.
_THREADS = re.compile("can't start new thread|Resource temporarily unavailable")
_GPU = re.compile("CUDA|HIP|MPS")
_GPU_SENTENCE = "The memory of the graphics card ran out: a smaller network or batch needs less."
_NICENESS = 10  # at most 19
_AUTOGROUP = Path("/proc/self/autogroup")  # the niceness of this process's session, see sched(7)
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # as in glibc's malloc.h


def memory_limit() -> int | None:
    """How many bytes of address space this process may use; None where there is no limit."""
    if sys.platform == "win32":
        return None
    soft = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def can_allocate(size: int) -> bool:
    """Whether this process could use so many more bytes."""
    try:
        mmap.mmap(-1, size).close()
    except OSError:
        return False
    return True


def memory_sentence() -> str:
    """The sentence that memory ran out, and what to do."""
    limit = memory_limit()
    if limit is None:
        return "The memory of this machine ran out: end other programs, or use less, and try again."
    return (
        f"The memory ran out: a process may have {limit / MB:,.0f} MB here. Raise that limit (ulimit -v) and try again."
    )


def explain_memory_error(output: str) -> str:
    """The sentence that memory ran out, where the last line of a process reports that; else an empty text."""
    if _OUT_OF_MEMORY.search(output):
        return _GPU_SENTENCE if _GPU.search(output) else memory_sentence()
    return memory_sentence() if _THREADS.search(output) and memory_limit() else ""


def lower_priority() -> None:
    """Give this process a lower priority, so that a training does not slow down the screens.

    While no other process is busy, it is as fast as before. Windows has no such call; there a training is started with
    a lower priority. Linux desktops divide the processor time among sessions before the niceness of a process counts,
    and a worker leads a session of its own (`start_new_session`), so the session gets a lower priority too.
    """
    if os.name == "posix":
        os.nice(_NICENESS)
        with contextlib.suppress(OSError):  # not Linux, or a Linux without these groups
            _AUTOGROUP.write_text(str(_NICENESS), "ascii")


def keep_memory() -> None:
    """Keep the memory that this process frees, in blocks of up to 32 MiB (the most that glibc allows).

    The next step of a training needs as much again. Otherwise much of it goes back to the system, which clears each
    page before it hands it out again: that took a tenth of a wide network's step on a virtual machine. Other C
    libraries have no such call.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError):  # musl
            library = ctypes.CDLL(None)
            library.mallopt(_TRIM_THRESHOLD, 2**31 - 1)
            library.mallopt(_MMAP_THRESHOLD, 32 * 2**20)


def peak_memory() -> int | None:
    """The most memory this process has used so far, in bytes; None where the system does not say (Linux does).

    `getrusage` would be wrong: on Linux a new process begins with the peak of the one that started it.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM:")), None)


def reset_peak_memory() -> None:
    """Let `peak_memory` count from now on, where the system can (Linux; see proc(5), `clear_refs`)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", "ascii")


@functools.cache
def machine_memory() -> int | None:
    """All memory of this machine, in bytes; None where the system does not say (Windows)."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None


def boot_id() -> str:
    """An id of the machine's current boot; empty where the system has none (Linux has)."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""


def oom_kills() -> int:
    """How many processes of this control group the kernel has killed for lack of memory; 0 where that is not known."""
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return 0
    files = [f"/sys/fs/cgroup{path}/memory.events" for _, kinds, path in groups if not kinds]
    files += [f"/sys/fs/cgroup/memory{path}/memory.oom_control" for _, kinds, path in groups if kinds == "memory"]
    for file in (*files, "/sys/fs/cgroup/memory.events"):  # the last is the path inside of a container
        try:
            lines = Path(file).read_text("ascii").splitlines()
        except OSError:
            continue
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
    return 0
