"""Where to compute."""

import contextlib
import os

import torch

from cifar_core.config import ModelConfig, Precision
from cifar_core.errors import ConfigError


def pick_device(name: str) -> torch.device:
    """The device of a `device` setting; `auto` takes CUDA, else MPS, else the CPU.

    Raises:
        ConfigError: the machine does not have it.
    """
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if there[kind]))
    if not there[name]:
        raise ConfigError([f"device is {name!r}, but this machine has none: choose auto or cpu."])
    return torch.device(name)


def pick_precision(config: ModelConfig, device: torch.device) -> Precision:
    """What a run is computed in: bfloat16, its sums in float32, where a device is much faster at it."""
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:  # the other network is so small that turning numbers into bfloat16 costs what it saves
        fast = device.type == "cpu" and config.model == "fast_cnn" and has_fast_bfloat16()
    return "bfloat16" if fast else "float32"


def has_fast_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware: matrices of it (Intel's AMX) or rows (AVX-512's BF16,
    AMD's too).

    What it says of itself, not a trial: the same settings must give the same run, however busy the machine is.
    """
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


def computing_in(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """A context in which networks compute so: bfloat16 where that is exact enough, float32 everywhere else."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else contextlib.nullcontext()


def make_repeatable(seed: int) -> None:
    """The same numbers for the same seed on the same machine with the same number of threads."""
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # its products of matrices may differ otherwise
    # warn_only: a GPU kernel without a deterministic twin still runs; on the CPU all of ours have one
    torch.use_deterministic_algorithms(True, warn_only=True)
    # a help in finding faults; its fills were 5 % of a small step in torch's profiler
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # it is there
    torch.backends.cudnn.benchmark = False
