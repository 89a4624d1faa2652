"""The choice of device and precision."""

import pytest
import torch

from cifar_core.config import make_config
from cifar_core.errors import ConfigError
from cifar_core.train import device
from cifar_core.train.device import has_fast_bfloat16, pick_device, pick_precision

CPU = torch.device("cpu")
FAST, SIMPLE = (make_config({"model": name}).model for name in ("fast_cnn", "simple_cnn"))


def test_fast_bfloat16_follows_the_flags_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cases are a processor with AMX, one with AVX-512 BF16 only, one with neither, and one without these flags."""
    for flags, fast in (
        ({"amx_bf16": True, "avx512_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": False}, False),
        ({}, False),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda flags=flags: flags)
        assert has_fast_bfloat16() is fast


@pytest.mark.parametrize("fast", [True, False])
def test_a_network_that_gains_by_it_is_trained_in_bfloat16(fast: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_fast_bfloat16", lambda: fast)
    assert pick_precision(FAST, CPU) == ("bfloat16" if fast else "float32")
    assert pick_precision(SIMPLE, CPU) == "float32"


@pytest.mark.parametrize(
    ("cuda", "mps", "name", "chosen"),
    [(True, True, "auto", "cuda"), (False, True, "auto", "mps"), (False, False, "auto", "cpu"), (True, True, "cpu", "cpu"),
     (False, True, "mps", "mps"), (False, True, "cuda", None), (False, False, "mps", None)],
)  # fmt: skip
def test_the_device_is_the_best_there_is_or_the_one_that_is_named(
    cuda: bool, mps: bool, name: str, chosen: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    if chosen is not None:
        assert pick_device(name).type == chosen
    else:
        with pytest.raises(
            ConfigError, match=f"device is '{name}', but this machine does not have it: choose auto or cpu"
        ):
            pick_device(name)
