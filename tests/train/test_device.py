"""What to compute in."""

import pytest
import torch

from cifar_core.config import make_config
from cifar_core.errors import ConfigError
from cifar_core.train import device
from cifar_core.train.device import has_fast_bfloat16, pick_device, pick_precision

CPU = torch.device("cpu")
FAST, SIMPLE = (make_config({"model": name}).model for name in ("fast_cnn", "simple_cnn"))


def test_the_processor_is_taken_at_its_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """One says it has AMX, one the instructions for rows alone, one neither, one (of another make) does not know the
    words.
    """
    for told, fast in (
        ({"amx_bf16": True, "avx512_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": True}, True),
        ({"amx_bf16": False, "avx512_bf16": False}, False),
        ({}, False),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda told=told: told)
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
        with pytest.raises(ConfigError, match=f"device is '{name}', but this machine has none: choose auto or cpu"):
            pick_device(name)
