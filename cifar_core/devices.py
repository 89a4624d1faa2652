"""Which of the devices that a run may ask for this machine lacks, and why; found without torch, for the app's server.

`cifar_core.train.device.pick_device`, which asks torch, has the last word when the run starts.
"""

import ctypes
import functools
import importlib.util
import os
import platform
import re
import sys
from pathlib import Path

_NVML = ("libnvidia-ml.so.1", "nvml.dll")  # counts graphics cards without making a CUDA context
_DRIVER = ("libcuda.so.1", "nvcuda.dll")
_AMD_DRIVER = Path("/dev/kfd")


@functools.cache
def missing_devices() -> dict[str, str]:
    """Device (a choice of the setting `device`) -> why it is not on this machine: half a sentence."""
    mac = sys.platform == "darwin" and platform.machine() == "arm64"
    reasons = {"cuda": _why_no_cuda(), "mps": "" if mac else "it is a part of Macs with Apple silicon"}
    return {name: reason for name, reason in reasons.items() if reason}


def _why_no_cuda() -> str:
    """Why PyTorch finds no GPU by CUDA; empty where there is one."""
    if _built_for("hip"):  # PyTorch's ROCm build drives AMD's cards by the name of CUDA
        return "" if _AMD_DRIVER.exists() else "no AMD driver was found"
    if not _built_for("cuda"):
        return "the installed PyTorch is made for the CPU only"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return "the variable CUDA_VISIBLE_DEVICES hides it"
    cards = _nvidia_cards()
    if cards is None:
        return "no NVIDIA driver was found"
    return "" if cards else "no NVIDIA graphics card was found"


def _built_for(name: str) -> bool:
    """Whether torch/version.py names a version of `cuda` or `hip`; True where it cannot be read."""
    found = importlib.util.find_spec("torch")  # does not import it
    try:
        text = Path(str(found and found.origin)).with_name("version.py").read_text("utf-8")
    except OSError:
        return name == "cuda"
    return re.search(rf"^{name}\b[^=\n]*= *['\"]", text, re.MULTILINE) is not None


def _nvidia_cards() -> int | None:
    """How many graphics cards NVIDIA's driver sees; None without a driver."""
    library = _load(_NVML)
    if library is None:  # some boards with a driver have no NVML
        return 1 if _load(_DRIVER) else None
    if library.nvmlInit_v2() != 0:
        return None
    count = ctypes.c_uint(0)
    library.nvmlDeviceGetCount_v2(ctypes.byref(count))
    library.nvmlShutdown()
    return count.value


def _load(names: tuple[str, str]) -> ctypes.CDLL | None:
    try:
        return ctypes.CDLL(names[sys.platform == "win32"])
    except OSError:
        return None
