"""Which devices are not here is found without torch, and torch agrees."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
import torch

from cifar_core import devices
from cifar_core.devices import missing_devices


@pytest.fixture(autouse=True)
def _asks_again() -> Iterator[None]:
    missing_devices.cache_clear()
    yield
    missing_devices.cache_clear()


def test_torch_agrees_and_is_not_loaded() -> None:
    found = missing_devices()
    assert ("cuda" not in found, "mps" not in found) == (torch.cuda.is_available(), torch.backends.mps.is_available())
    script = (
        "import sys; from cifar_core.devices import missing_devices; missing_devices(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def nvml(started: int, cards: int) -> SimpleNamespace:
    """A driver's library that counts cards."""

    def count(found: Callable[[], int]) -> int:
        found._obj.value = cards  # type: ignore[attr-defined]
        return 0

    return SimpleNamespace(nvmlInit_v2=lambda: started, nvmlDeviceGetCount_v2=count, nvmlShutdown=lambda: 0)


@pytest.mark.parametrize(
    ("build", "library", "hidden", "reason"),
    [
        ("", None, None, "the installed PyTorch is made for the CPU only"),
        ("cuda", None, None, "no NVIDIA driver was found"),
        ("cuda", nvml(9, 1), None, "no NVIDIA driver was found"),
        ("cuda", nvml(0, 0), None, "no NVIDIA graphics card was found"),
        ("cuda", nvml(0, 2), "-1", "the variable CUDA_VISIBLE_DEVICES hides it"),
        ("cuda", nvml(0, 2), None, None),
    ],
)
def test_the_reason_is_the_first_that_holds(
    monkeypatch: pytest.MonkeyPatch, build: str, library: object, hidden: str | None, reason: str | None
) -> None:
    monkeypatch.setattr(devices, "_built_for", lambda name: name == build)
    monkeypatch.setattr(devices, "_load", lambda names: library)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if hidden is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert missing_devices().get("cuda") == reason
