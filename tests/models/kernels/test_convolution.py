"""Convolutions of few outputs and max-pooling against torch's own, in float64 where rounding matters."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from cifar_core.models.kernels import convolution
from cifar_core.models.kernels.convolution import Convolution, MaxPool

CLOSE = 1e-5  # tolerance relative to the largest value: sums are in float32


@settings(max_examples=60)
@given(
    count=st.integers(1, 5),
    height=st.integers(7, 16),
    width=st.integers(7, 16),
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 10),
    kernel=st.integers(1, 7),
    padded=st.booleans(),
)
@example(count=1, height=8, width=7, inputs=1, outputs=1, kernel=6, padded=False)  # one pair a row
def test_few_outputs_are_the_direct_convolutions(
    count: int, height: int, width: int, inputs: int, outputs: int, kernel: int, padded: bool
) -> None:
    """Results, and the gradients of weights and bias."""
    conv = Convolution(inputs, outputs, kernel, kernel // 2 if padded else 0).to(memory_format=torch.channels_last)
    exact = nn.Conv2d(inputs, outputs, kernel, padding=conv.border).double()
    exact.load_state_dict(conv.state_dict())
    images = torch.randn(count, inputs, height, width).contiguous(memory_format=torch.channels_last)
    ours, theirs = conv(images), exact(images.double())
    assert ours.shape == theirs.shape
    grad_output = torch.randn_like(ours)
    ours.backward(grad_output)
    theirs.backward(grad_output.double())
    pairs = [(ours, theirs)] + [
        (ours.grad, theirs.grad) for ours, theirs in zip(conv.parameters(), exact.parameters(), strict=True)
    ]
    for result, expected in pairs:
        assert result is not None and expected is not None
        assert float((result - expected).detach().abs().max()) <= CLOSE * max(1.0, float(expected.detach().abs().max()))


def test_two_pixels_are_computed_at_once_where_that_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for the first layer of `simple_cnn`, not for more outputs, an odd width, an input gradient, or float64."""
    monkeypatch.setattr(convolution, "_SIMD_WIDTH", 16)
    widths: list[int] = []
    real = F.conv2d

    def record(images: torch.Tensor, weight: torch.Tensor, *args: Any, **options: Any) -> torch.Tensor:
        widths.append(weight.shape[3])
        return real(images, weight, *args, **options)

    monkeypatch.setattr(F, "conv2d", record)
    Convolution(3, 6, 5, 0)(torch.randn(1, 3, 32, 32))
    assert widths.pop() == 6
    with_gradient = torch.randn(1, 3, 32, 32, requires_grad=True)
    for conv, images in (
        (Convolution(3, 9, 5, 0), torch.randn(1, 3, 32, 32)),
        (Convolution(3, 6, 5, 0), torch.randn(1, 3, 32, 31)),
        (Convolution(3, 6, 5, 0), with_gradient),
        (Convolution(3, 6, 5, 0).double(), torch.randn(1, 3, 32, 32, dtype=torch.float64)),
    ):
        conv(images)
        assert widths.pop() == 5


@settings(max_examples=60)
@given(
    count=st.integers(1, 3),
    channels=st.integers(1, 20),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    gradient=st.booleans(),
    with_nan=st.booleans(),
    kind=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_pooling_is_torchs(
    count: int, channels: int, height: int, width: int, gradient: bool, with_nan: bool, kind: torch.dtype
) -> None:
    """With and without gradients, for odd sizes and NaN; the memory order is the same too."""
    images = torch.randn(count, channels, height, width, dtype=kind).contiguous(memory_format=torch.channels_last)
    if with_nan:
        images[0, 0, 0, 0] = torch.nan
    answer = MaxPool()(images.requires_grad_(gradient))
    expected = F.max_pool2d(images, 2)
    torch.testing.assert_close(answer, expected, rtol=0, atol=0, equal_nan=True)
    assert answer.is_contiguous(memory_format=torch.channels_last)
    assert answer.requires_grad == gradient


@settings(max_examples=40)
@given(
    count=st.integers(1, 3),
    channels=st.integers(1, 20),
    height=st.integers(2, 9),
    width=st.integers(2, 9),
    channels_last=st.booleans(),
    kind=st.sampled_from([torch.float32, torch.bfloat16]),
)
def test_the_gradient_of_pooling_is_torchs(
    count: int, channels: int, height: int, width: int, channels_last: bool, kind: torch.dtype
) -> None:
    """Pixels differ, since for equal ones the choice is free; in both memory orders, before an in-place ReLU."""
    offsets = torch.arange(4).view(2, 2).repeat(5, 5)[:height, :width]  # no two pixels of a square are equal
    images = (4 * torch.randint(-30, 30, (count, channels, height, width)) + offsets).to(kind)
    if channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    ours, theirs = (images.clone().requires_grad_() for _ in range(2))
    answer, expected = MaxPool()(ours), F.max_pool2d(theirs, 2)
    grad_output = torch.randn_like(expected)
    F.relu(answer, inplace=True).backward(grad_output)
    F.relu(expected).backward(grad_output)
    assert ours.grad is not None and theirs.grad is not None
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=0)


def test_of_equal_pixels_one_gets_the_gradient() -> None:
    images = torch.ones(1, 3, 4, 4).contiguous(memory_format=torch.channels_last).requires_grad_()
    MaxPool()(images).sum().backward()
    assert images.grad is not None
    assert torch.equal(images.grad[0, 0], torch.tensor([[1.0, 0], [0, 0]]).repeat(2, 2))
