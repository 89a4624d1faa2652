"""The conditions that a run's numbers depend on beside its settings and its data.

A run that is resumed under the same conditions is bit-exact: it ends as it would have without the interruption.
"""

import functools
import hashlib
import importlib.metadata
import platform
from pathlib import Path

import torch

_PACKAGE = Path(__file__).resolve().parents[2]
_NUMERIC_CODE = ("config.py", "spec.py", "data/augment.py", "models/**/*.py", "train/*.py")  # decides what is computed
_DIFFERENCE_TEXTS = {
    "device": "on {now} instead of {before}",
    "processor": "on the processor {now} instead of {before}",
    "threads": "with {now} threads instead of {before}",
    "processes": "by {now} processes together instead of {before}",
    "precision": "in {now} instead of {before}",
    "torch": "with torch {now} instead of {before}",
    "numpy": "with numpy {now} instead of {before}",
    "code": "with another version of this program",
}


def conditions(device: torch.device, precision: str, processes: int) -> dict[str, str]:
    """What the numbers that this process computes, with as many others as train the run too, depend on."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    return {
        "device": name,
        "processor": f"{_processor()} ({torch.backends.cpu.get_cpu_capability()})",
        "threads": str(torch.get_num_threads()),
        "processes": str(processes),
        "precision": precision,
        "torch": str(torch.__version__),
        "numpy": importlib.metadata.version("numpy"),
        "code": _code(),
    }


def differences(before: dict[str, str], now: dict[str, str]) -> str:
    """What changed between two `conditions`, as text; empty where nothing changed."""
    if not before:
        return "after an earlier version of this program"
    before = {"processes": "1", **before}  # earlier versions knew no others
    changed = [name for name in _DIFFERENCE_TEXTS if before.get(name) != now[name]]
    return " and ".join(
        _DIFFERENCE_TEXTS[name].format(now=now[name], before=before.get(name, "unknown")) for name in changed
    )


@functools.cache
def _processor() -> str:
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor() or platform.machine()
    models = (line.partition(":")[2].strip() for line in cpuinfo.splitlines() if line.startswith("model name"))
    return next(models, platform.machine())


@functools.cache
def _code() -> str:
    digest = hashlib.sha256()
    for pattern in _NUMERIC_CODE:
        for file in sorted(_PACKAGE.glob(pattern)):
            digest.update(file.read_bytes())
    return digest.hexdigest()
