"""3 x 3 convolutions with fewer multiplications: Winograd's minimal filtering, as matrix products of plain torch.

A tile of m x m results needs (m + 2)^2 multiplications instead of 9 m^2: a quarter of them for m = 4 (Lavin & Gray
2016, "Fast Algorithms for Convolutional Neural Networks", arXiv:1509.09308). The products are large matrix
multiplications, in training too: both gradients are computed from the same transformed tiles. Results differ from those
of a direct convolution by rounding, a few millionths of the largest value.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

_POINTS = (0.0, 1.0, -1.0, 2.0, -2.0)  # where polynomials are evaluated; small values round least
_TILES = (4, 3, 2)  # widths m of a tile of results; the first saves most
_CHUNK = 2**20  # numbers processed at once: 4 MB stay in the cache from one step to the next
_MIN_CHANNEL_PAIRS = 2048  # input times output channels below which the direct convolution was faster


def fits(images: torch.Tensor, weight: torch.Tensor) -> bool:
    """Whether `convolve` can compute these pictures [B, inputs, H, W], and faster than a direct convolution."""
    many = weight.shape[0] * weight.shape[1] >= _MIN_CHANNEL_PAIRS
    return many and images.device.type == "cpu" and images.dtype == torch.float32 and _tile_for(images) is not None


def convolve(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`F.conv2d(images, weight, padding=1)`, for shapes that it `fits`.

    Returns:
        [B, outputs, H, W] for images [B, inputs, H, W], channels last in memory.
    """
    needs_gradient = torch.is_grad_enabled() and (images.requires_grad or weight.requires_grad)
    answer: torch.Tensor = _Winograd.apply(images, weight, _tile_for(images), needs_gradient)
    return answer


def _tile_for(images: torch.Tensor) -> int | None:
    height, width = images.shape[2:]
    return next((m for m in _TILES if height % m == 0 and width % m == 0), None)


@dataclass(frozen=True)
class Transforms:
    """The three linear maps of F(m x m, 3 x 3), each for a whole tile as a vector (n = m + 2)."""

    pixels: torch.Tensor  # float32 [n * n, n * n]
    weights: torch.Tensor  # float32 [n * n, 9]
    results: torch.Tensor  # float32 [m * m, n * n]


@cache
def transforms(m: int) -> Transforms:
    """Build the maps by the Toom-Cook algorithm: evaluate at n - 1 points and at infinity, multiply, interpolate.

    Filtering is the transpose of multiplying polynomials, so the pixels are mapped by the transposed interpolation.
    """
    n = m + 2
    points = np.array(_POINTS[: n - 1])
    weights, results, product = (
        np.vstack([np.vander(points, size, increasing=True), np.eye(size)[-1:]]) for size in (3, m, n)
    )
    maps = (np.linalg.inv(product).T, weights, results.T)
    return Transforms(*(torch.from_numpy(np.kron(item, item)).float().contiguous() for item in maps))


@dataclass(frozen=True)
class _Tiling:
    """How pictures are divided: `down` x `across` tiles of m x m results, from n x n pixels that overlap by two."""

    m: int
    down: int
    across: int
    inputs: int
    outputs: int

    @property
    def n(self) -> int:
        return self.m + 2

    @property
    def step(self) -> int:
        """Pictures processed at once."""
        per_picture = self.n**2 * self.down * self.across * max(self.inputs, self.outputs)
        return max(1, _CHUNK // per_picture)

    def chunks(self, count: int) -> Iterator[slice]:
        """All of `count` pictures, some at a time."""
        return (slice(start, min(start + self.step, count)) for start in range(0, count, self.step))


class _Buffers:
    """Memory that all chunks reuse: newly allocated memory would be mapped in, page by page, every time."""

    def __init__(self) -> None:
        self._held: dict[str, torch.Tensor] = {}

    def take(self, name: str, *shape: int) -> torch.Tensor:
        """Uninitialised float32, no larger than the first buffer that was taken under this name."""
        size = math.prod(shape)
        if name not in self._held:
            self._held[name] = torch.empty(size)
        return self._held[name][:size].view(shape)


class _Winograd(torch.autograd.Function):
    """Forward pass and both gradients, a few pictures at a time. Pictures are [B, H, W, C] in memory."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor, m: int, needs_gradient: bool) -> torch.Tensor:
        pixels = images.permute(0, 2, 3, 1)
        count, height, width, inputs = pixels.shape
        tiling = _Tiling(m, height // m, width // m, inputs, len(weight))
        maps, buffers, squared = transforms(m), _Buffers(), tiling.n**2
        filters = (maps.weights @ weight.permute(2, 3, 1, 0).reshape(9, -1)).view(squared, inputs, -1)
        answer = torch.empty(count, height, width, tiling.outputs)
        saved = []  # the transformed pixels, from which the gradient of the weights is computed
        for part in tiling.chunks(count):
            tiles = _cut(pixels[part], tiling, buffers)  # [n * n, tiles * inputs]
            spread = torch.empty(tiles.shape) if needs_gradient else buffers.take("spread", *tiles.shape)
            spread = torch.mm(maps.pixels, tiles, out=spread).view(squared, -1, inputs)
            product = buffers.take("product", squared, spread.shape[1], tiling.outputs)
            torch.bmm(spread, filters, out=product)
            results = buffers.take("results", m * m, product[0].numel())
            torch.mm(maps.results, product.view(squared, -1), out=results)
            _grid(answer[part], tiling).copy_(results.view(_grid(answer[part], tiling).shape))
            saved.append(spread)
        if needs_gradient:  # `ctx.needs_input_grad` is true for a weight under `torch.no_grad` too
            ctx.save_for_backward(filters, *saved)
            ctx.tiling = tiling
        return answer.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor, None, None]:
        filters, *saved = ctx.saved_tensors
        tiling: _Tiling = ctx.tiling
        maps, buffers, squared = transforms(tiling.m), _Buffers(), tiling.n**2
        grad_output = grad_outputs[0].permute(0, 2, 3, 1).contiguous()  # [B, H, W, outputs]
        grad_filters = torch.zeros_like(filters)
        grad_pixels = torch.empty(*grad_output.shape[:3], tiling.inputs) if ctx.needs_input_grad[0] else None
        for part, spread in zip(tiling.chunks(len(grad_output)), saved, strict=True):
            grid = _grid(grad_output[part], tiling)
            tiles = buffers.take("results", *grid.shape).copy_(grid).view(tiling.m**2, -1)
            product = buffers.take("product", squared, tiles.shape[1])
            product = torch.mm(maps.results.T, tiles, out=product).view(squared, -1, tiling.outputs)
            grad_filters.baddbmm_(spread.transpose(1, 2), product)
            if grad_pixels is not None:
                back = buffers.take("spread", *spread.shape)
                torch.bmm(product, filters.transpose(1, 2), out=back)
                whole = buffers.take("tiles", squared, back[0].numel())
                torch.mm(maps.pixels.T, back.view(squared, -1), out=whole)
                _add_up(whole, grad_pixels[part], tiling)
        grad_weight = (maps.weights.T @ grad_filters.view(squared, -1)).view(3, 3, tiling.inputs, tiling.outputs)
        grad_images = None if grad_pixels is None else grad_pixels.permute(0, 3, 1, 2)
        return grad_images, grad_weight.permute(3, 2, 0, 1), None, None


def _cut(pixels: torch.Tensor, tiling: _Tiling, buffers: _Buffers) -> torch.Tensor:
    """Overlapping tiles of zero-padded pictures [B, H, W, C]: [n * n, B * down * across * C]."""
    n, m = tiling.n, tiling.m
    padded = F.pad(pixels, (0, 0, 1, 1, 1, 1))
    tiles = padded.unfold(1, n, m).unfold(2, n, m).permute(4, 5, 0, 1, 2, 3)  # [n, n, B, down, across, C]
    return buffers.take("tiles", *tiles.shape).copy_(tiles).view(n * n, -1)


def _grid(results: torch.Tensor, tiling: _Tiling) -> torch.Tensor:
    """A view of pictures [B, H, W, C] as tiles: [m, m, B, down, across, C]."""
    m = tiling.m
    return results.view(-1, tiling.down, m, tiling.across, m, results.shape[-1]).permute(2, 4, 0, 1, 3, 5)


def _add_up(tiles: torch.Tensor, pixels: torch.Tensor, tiling: _Tiling) -> None:
    """Sum overlapping tiles [n * n, B * down * across * C] into `pixels` [B, H, W, C], without their padding."""
    n, m, down, across = tiling.n, tiling.m, tiling.down, tiling.across
    count, height, width, channels = pixels.shape
    tiles = tiles.view(n, n, count, down, across, channels)
    canvas = torch.zeros(count, down + 1, m, across + 1, m, channels)
    cells = canvas.permute(2, 4, 0, 1, 3, 5)  # [m, m, B, down + 1, across + 1, C]
    cells[:, :, :, :-1, :-1] = tiles[:m, :m]
    cells[:2, :, :, 1:, :-1] += tiles[m:, :m]
    cells[:, :2, :, :-1, 1:] += tiles[:m, m:]
    cells[:2, :2, :, 1:, 1:] += tiles[m:, m:]
    whole = canvas.view(count, (down + 1) * m, (across + 1) * m, channels)
    pixels.copy_(whole[:, 1 : height + 1, 1 : width + 1])
