"""What our processes start with, and what they tell of themselves."""

import subprocess
import sys

import pytest

from cifar_core.processes import child_environment, peak_memory


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
        "from cifar_core.processes import peak_memory\nbefore = peak_memory()\n"
        "held = bytearray(200_000_000)\nheld[::4096] = bytes([1]) * len(held[::4096])\ndel held\n"
        "print(peak_memory() - before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert 150_000_000 < int(told.stdout) < 450_000_000
    assert peak_memory() is not None
