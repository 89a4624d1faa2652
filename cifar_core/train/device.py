"""Chooses the device and the precision of a run, and makes its results reproducible."""

import contextlib
import os

import torch

from cifar_core.config import Precision
from cifar_core.errors import ConfigError
from cifar_core.models import ModelConfig, get_model


def pick_device(name: str) -> torch.device:
    """Return the device of a `device` setting; `auto` takes CUDA, else MPS, else the CPU.

    Raises:
        ConfigError: the machine does not have this device.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if available[kind]))
    if not available[name]:
        raise ConfigError([f"device is {name!r}, but this machine does not have it: choose auto or cpu."])
    return torch.device(name)


def has_two_devices() -> bool:
    """Whether two processes of a training could each have a device of their own: a core, or a CUDA card."""
    device = pick_device("auto")
    return {"cpu": os.cpu_count() or 1, "cuda": torch.cuda.device_count()}.get(device.type, 1) > 1


def finish(device: torch.device) -> None:
    """Wait until a GPU has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    elif device.type == "mps":
        torch.mps.synchronize()


def pick_precision(config: ModelConfig, device: torch.device) -> Precision:
    """Return bfloat16 (with sums in float32) where it makes a run much faster on this device, else float32."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and get_model(config.model).bfloat16_on_cpu and has_fast_bfloat16()
    return "bfloat16" if fast else "float32"


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware, by Intel's AMX or by AVX-512 BF16 (Intel and AMD).

    This reads the processor's capability flags and times nothing: the same settings must give the same run, however
    busy the machine is.
    """
    flags = torch.cpu.get_capabilities()
    return bool(flags.get("amx_bf16") or flags.get("avx512_bf16"))


def computing_in(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """A context in which networks compute in this precision; autocast keeps float32 where bfloat16 is too coarse."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else contextlib.nullcontext()


def make_repeatable(seed: int) -> None:
    """Make torch give the same results for the same seed, on the same machine with the same number of threads."""
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        # Without a fixed workspace cuBLAS may round matrix products differently from run to run.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # "warn": a GPU kernel without a deterministic version still runs; on the CPU all kernels used here have one.
    # `torch.use_deterministic_algorithms` does the same and loads torch's compiler for it, which takes a second.
    torch.set_deterministic_debug_mode("warn")
    # Filling uninitialised memory only helps debugging, and it took 5 % of a small step in torch's profiler. The
    # attribute exists, but torch's type stubs lack it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
