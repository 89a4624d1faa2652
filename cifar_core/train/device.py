"""Where to compute."""

import torch

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


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether mixed precision pays: on CUDA devices that compute with bfloat16 themselves (on CPUs it was slower)."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)


def make_repeatable(seed: int) -> None:
    """The same numbers for the same seed on the same machine with the same number of threads."""
    torch.manual_seed(seed)
    # warn_only: a GPU kernel without a deterministic twin still runs; on the CPU all of ours have one
    torch.use_deterministic_algorithms(True, warn_only=True)
    # a help in finding faults; its fills were 5 % of a small step in torch's profiler
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined] # it is there
    torch.backends.cudnn.benchmark = False
