"""The convolution in bfloat16 against the direct one in float64: results and gradients."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from cifar_core.models.kernels import bfloat16
from cifar_core.models.kernels.convolution import Convolution3x3

BIT = 2**-8  # relative rounding error of a bfloat16 number


def relative_error(ours: torch.Tensor, exact: torch.Tensor) -> float:
    """The norm of the difference divided by that of the exact result."""
    return float((ours.double() - exact).norm() / exact.norm())


@settings(max_examples=25, deadline=None)
@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    count=st.integers(1, 9),
    channels=st.sampled_from([(64, 16), (70, 33)]),
    chunk=st.sampled_from([1, 20_000, 2**23]),
)
def test_results_and_gradients_are_the_direct_convolutions(
    height: int, width: int, count: int, channels: tuple[int, int], chunk: int
) -> None:
    """For every size, whole and in chunks; bfloat16 represents the inputs exactly, so all errors come from the sums."""
    conv, images = Convolution3x3(*channels), torch.randn(count, channels[0], height, width).bfloat16()
    images = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    with torch.no_grad():
        conv.weight.copy_(conv.weight.bfloat16())
    exact_images, exact_weight = (item.detach().double().requires_grad_() for item in (images, conv.weight))
    exact = F.conv2d(exact_images, exact_weight, padding=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": True})
        patch.setattr(bfloat16, "_CHUNK", chunk)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            answer = conv(images)
        grad_output = torch.randn_like(answer)
        answer.backward(grad_output)
    exact.backward(grad_output.double())
    assert answer.dtype == torch.bfloat16 and relative_error(answer.detach(), exact.detach()) < BIT
    assert images.grad is not None and exact_images.grad is not None
    # Without hardware for it, torch rounds intermediate results too.
    assert relative_error(images.grad, exact_images.grad) < 2 * BIT
    assert conv.weight.grad is not None and exact_weight.grad is not None
    assert conv.weight.grad.dtype == torch.float32 and relative_error(conv.weight.grad, exact_weight.grad) < 2 * BIT


@pytest.mark.parametrize("amx", [True, False])
def test_it_is_used_under_autocast_for_many_channels_with_amx(amx: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    real = bfloat16.convolve
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": amx, "avx512_bf16": True})
    monkeypatch.setattr(
        bfloat16, "convolve", lambda images, weight: used.append(images.shape[1]) or real(images, weight)
    )
    wide, narrow = Convolution3x3(64, 16), Convolution3x3(32, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert wide(torch.randn(1, 64, 4, 4)).dtype == narrow(torch.randn(1, 32, 4, 4)).dtype == torch.bfloat16
    assert wide(torch.randn(1, 64, 4, 4)).dtype == torch.float32
    assert used == ([64] if amx else [])
