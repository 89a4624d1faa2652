"""Memory of this machine and this process, and how a lack of memory is explained."""

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from cifar_core import machine
from cifar_core.lifecycle.supervise import describe_exit
from cifar_core.machine import explain_memory_error, peak_memory
from cifar_core.processes import child_environment


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux says so")
def test_peak_memory_counts_freed_memory() -> None:
    code = (
        "from cifar_core.machine import peak_memory\nbefore = peak_memory()\n"
        "held = bytearray(200_000_000)\nheld[::4096] = bytes([1]) * len(held[::4096])\ndel held\n"
        "print(peak_memory() - before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert 150_000_000 < int(told.stdout) < 450_000_000
    assert peak_memory() is not None


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None) if sys.platform == "linux" else None, "mallinfo2"),
    reason="only the GNU C library (2.33 and later) says what it keeps",
)
@pytest.mark.parametrize("keeps", [True, False])
def test_memory_that_was_freed_is_kept_for_the_next_step(keeps: bool) -> None:
    """The C library says how much unused memory it keeps: all that was freed, or next to nothing.

    The system's count of cleared pages would show it too, but not every container has one.
    """
    code = (
        "import ctypes\nfrom cifar_core.machine import keep_memory\n"
        f"if {keeps}: keep_memory()\n"
        "library, size, pointer = ctypes.CDLL(None), ctypes.c_size_t, ctypes.c_void_p\n"
        "library.malloc.restype = pointer\n"
        "for block in [library.malloc(size(20_000_000)) for _ in range(10)]: library.free(pointer(block))\n"
        "names = 'arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost'.split()\n"
        "class Info(ctypes.Structure): _fields_ = [(name, size) for name in names]\n"
        "library.mallinfo2.restype = Info\nprint(library.mallinfo2().fordblks)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert (int(told.stdout) > 150_000_000) == keeps


@pytest.mark.fault(26)
def test_kills_for_lack_of_memory_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {
        "/proc/self/cgroup": "4:memory:/box\n0::/box\n",
        "/sys/fs/cgroup/box/memory.events": "low 1\noom 3\noom_kill 2\n",
    }

    def read_text(path: Path, *_: object) -> str:
        if str(path) not in texts:
            raise FileNotFoundError(path)
        return texts[str(path)]

    monkeypatch.setattr(Path, "read_text", read_text)
    assert machine.oom_kills() == 2
    del texts["/sys/fs/cgroup/box/memory.events"]
    assert machine.oom_kills() == 0
    texts["/sys/fs/cgroup/memory/box/memory.oom_control"] = "under_oom 0\noom_kill 5\n"
    assert machine.oom_kills() == 5
    texts.clear()
    assert machine.oom_kills() == 0


@pytest.mark.fault(93)
@pytest.mark.parametrize(
    "words",
    [
        "ImportError: libtorch_cpu.so: failed to map segment from shared object",
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory",
        "MemoryError",
    ],
)
def test_memory_is_named_as_the_cause(words: str) -> None:
    assert "memory" in explain_memory_error(words) and describe_exit(1, words) == explain_memory_error(words)
    assert explain_memory_error("ValueError: a number is wrong") == ""


@pytest.mark.fault(93)
def test_memory_is_not_named_where_another_thing_ran_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The graphics card has its own memory, and threads are most often limited by their number."""
    assert "graphics card" in explain_memory_error(
        "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB"
    )
    threads = "RuntimeError: can't start new thread"
    monkeypatch.setattr("cifar_core.machine.memory_limit", lambda: None)
    assert explain_memory_error(threads) == ""
    monkeypatch.setattr("cifar_core.machine.memory_limit", lambda: 2**30)
    assert "ulimit -v" in explain_memory_error(threads)
