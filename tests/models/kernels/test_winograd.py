"""Winograd's convolution against the direct one in float64: results and gradients."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from cifar_core.models.kernels import winograd
from cifar_core.models.kernels.convolution import Convolution3x3
from cifar_core.models.kernels.winograd import transforms

CLOSE = 2e-5  # tolerance relative to the largest value: float32 through tiles of 6 x 6


def both_ways(conv: nn.Conv2d, images: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Results, gradient of the pictures, gradient of the weights: each from `conv` and from torch in float64."""
    images = images.contiguous(memory_format=torch.channels_last).requires_grad_()
    answer = conv(images)
    grad_output = torch.randn_like(answer)
    answer.backward(grad_output)
    exact_images, exact_weight = (item.detach().double().requires_grad_() for item in (images, conv.weight))
    exact = F.conv2d(exact_images, exact_weight, padding=1)
    exact.backward(grad_output.double())
    assert images.grad is not None and conv.weight.grad is not None
    assert exact_images.grad is not None and exact_weight.grad is not None
    return [(answer.detach(), exact.detach()), (images.grad, exact_images.grad), (conv.weight.grad, exact_weight.grad)]


@settings(max_examples=25)
@given(
    height=st.integers(1, 16),
    width=st.integers(1, 16),
    count=st.integers(1, 9),
    channels=st.sampled_from([(48, 64), (70, 33)]),
)
def test_results_and_gradients_are_the_direct_convolutions(
    height: int, width: int, count: int, channels: tuple[int, int]
) -> None:
    """For every size, also those that cannot be divided into tiles."""
    for ours, exact in both_ways(Convolution3x3(*channels), torch.randn(count, channels[0], height, width)):
        assert ours.shape == exact.shape
        assert float((ours - exact).abs().max()) <= CLOSE * float(exact.abs().max())


@pytest.mark.parametrize("size", [4, 6, 8])
def test_chunks_make_no_difference(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Five pictures, two at a time and the last alone."""
    conv, images = Convolution3x3(64, 48), torch.randn(5, 64, size, size)
    tiles = (size // 4) ** 2 * 36 if size % 4 == 0 else (size // 3) ** 2 * 25
    whole = next(ours.clone() for ours, _ in both_ways(conv, images))
    monkeypatch.setattr(winograd, "_CHUNK", 2 * 64 * tiles)
    conv.zero_grad()
    for ours, exact in both_ways(conv, images.detach()):
        assert float((ours - exact).abs().max()) <= CLOSE * float(exact.abs().max())
    assert float((conv(images).detach() - whole).abs().max()) <= CLOSE * float(whole.abs().max())


def test_without_gradients_no_tiles_are_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without gradients all chunks reuse one buffer; only gradients need the tiles of all chunks."""
    conv, images = Convolution3x3(64, 48), torch.randn(5, 64, 8, 8)
    monkeypatch.setattr(winograd, "_CHUNK", 2 * 64 * 4 * 36)  # two pictures
    taken: list[list[str]] = []
    real = winograd._Buffers.take

    def record(buffers: winograd._Buffers, name: str, *shape: int) -> torch.Tensor:
        taken[-1].append(name)
        return real(buffers, name, *shape)

    monkeypatch.setattr(winograd._Buffers, "take", record)
    for mode in (torch.no_grad(), torch.inference_mode(), torch.enable_grad()):
        taken.append([])
        with mode:
            conv(images)
    assert [names.count("spread") for names in taken] == [3, 3, 0]


def test_it_is_used_where_it_is_faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is for tiles with many channels on the CPU; everything else is torch's own convolution."""
    used: list[int] = []
    real = winograd._Winograd.apply
    monkeypatch.setattr(winograd._Winograd, "apply", lambda *values: used.append(values[2]) or real(*values))
    wide = Convolution3x3(64, 64)
    for size in (8, 6, 10, 5, 7):
        wide(torch.randn(1, 64, size, size))
    assert used == [4, 3, 2]
    Convolution3x3(8, 16)(torch.randn(1, 8, 8, 8))
    wide.double()(torch.randn(1, 64, 8, 8).double())
    assert used == [4, 3, 2]


def test_it_loads_the_weights_of_a_plain_convolution() -> None:
    plain, ours = nn.Conv2d(64, 64, 3, padding=1, bias=False), Convolution3x3(64, 64)
    ours.load_state_dict(plain.state_dict())
    images = torch.randn(2, 64, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(ours(images), plain(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("m", [2, 3, 4])
def test_the_maps_are_a_convolution_in_one_dimension_and_two(m: int) -> None:
    """One tile by hand: results = R ((W weights) * (P pixels))."""
    maps = transforms(m)
    pixels, weights = torch.randn(m + 2, m + 2), torch.randn(3, 3)
    expected = F.conv2d(pixels[None, None], weights[None, None])[0, 0]
    found = maps.results @ ((maps.weights @ weights.flatten()) * (maps.pixels @ pixels.flatten()))
    torch.testing.assert_close(found.view(m, m), expected, rtol=1e-4, atol=1e-4)
