"""What our processes start with, and what they tell of themselves."""

import ctypes
import subprocess
import sys

import pytest

from cifar_core.machine import peak_memory
from cifar_core.processes import child_environment


def test_a_persons_own_settings_of_threads_win(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)
    ours = child_environment()
    assert ours["OMP_WAIT_POLICY"] == "PASSIVE" and int(ours["GOMP_SPINCOUNT"]) > 0
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    assert child_environment()["GOMP_SPINCOUNT"] == "7"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_peak_memory_counts_what_was_given_back() -> None:
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
    reason="only the GNU C library (2.33 and later) tells what it keeps",
)
@pytest.mark.parametrize("keeps", [True, False])
def test_memory_that_was_freed_is_kept_for_the_next_step(keeps: bool) -> None:
    """The library says how much it holds that nobody uses: all that was freed, or next to nothing.

    The system's count of cleared pages would say so too, but not every container has one.
    """
    code = (
        "import ctypes\nfrom cifar_core.machine import keep_memory\n"
        f"if {keeps}: keep_memory()\n"
        "library, size, pointer = ctypes.CDLL(None), ctypes.c_size_t, ctypes.c_void_p\n"
        "library.malloc.restype = pointer\n"
        "for block in [library.malloc(size(20_000_000)) for _ in range(10)]: library.free(pointer(block))\n"
        "names = 'arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost'.split()\n"
        "class Told(ctypes.Structure): _fields_ = [(name, size) for name in names]\n"
        "library.mallinfo2.restype = Told\nprint(library.mallinfo2().fordblks)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert (int(told.stdout) > 150_000_000) == keeps
