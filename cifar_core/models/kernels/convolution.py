"""Convolutions and pooling that take the fastest of several ways to the same result."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.models.kernels import bfloat16, winograd

_SIMD_WIDTH = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8  # numbers that a processor works on


class Convolution3x3(nn.Conv2d):
    """With a border of one zero and no bias: the weights and, but for rounding, the results of `nn.Conv2d`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W], channels last in memory; bfloat16 under autocast."""
        if torch.is_autocast_enabled(images.device.type):
            return bfloat16.convolve(images, self.weight) if bfloat16.fits(images) else super().forward(images)
        return winograd.convolve(images, self.weight) if winograd.fits(images, self.weight) else super().forward(images)


class Convolution(nn.Conv2d):
    """With a bias: the weights and, but for rounding, the results of `nn.Conv2d`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, border: int) -> None:
        super().__init__(inputs, outputs, kernel, padding=border)
        self.border = border  # zeros around the picture, in pixels

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, inputs, H, W] -> [B, outputs, H', W'], channels last in memory.

        A processor computes 8 or 16 outputs in the time it takes for one. Where they are no more than half of that, two
        neighbouring pixels become the outputs of one wider convolution: its filters look at both patches, it moves on by two
        pixels, and its results lie in memory where those of the narrow one would. That multiplies (k + 1) / k times as much,
        half as often. One pair alone in its row is left to the direct way: with a stride, torch 2.14 computes that wrong on
        AVX-512 for a single picture of one channel.
        """
        width = images.shape[3] + 2 * self.border - self.kernel_size[0] + 1
        pays = 2 * self.out_channels <= _SIMD_WIDTH and images.device.type == "cpu" and not images.requires_grad
        if self.bias is None or width % 2 or width == 2 or images.dtype != torch.float32 or not pays:
            return super().forward(images)
        filters = torch.cat([F.pad(self.weight, (0, 1)), F.pad(self.weight, (1, 0))])  # [2 * outputs, inputs, k, k + 1]
        pairs = F.conv2d(images, filters, torch.cat([self.bias, self.bias]), stride=(1, 2), padding=self.border)
        pixels = pairs.permute(0, 2, 3, 1).reshape(len(images), pairs.shape[2], width, self.out_channels)
        return pixels.permute(0, 3, 1, 2)


class MaxPool(nn.MaxPool2d):
    """The largest of each 2 x 2 pixels."""

    def __init__(self) -> None:
        super().__init__(2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] -> [B, C, H // 2, W // 2].

        torch's own keeps for each result where it was found, and takes one channel at a time where they are fewer than a
        processor works on at once. There, and where no gradient is wanted, rows are compared with rows and then pixels with pixels.
        """
        if images.device.type != "cpu":
            return super().forward(images)
        height, width = (side // 2 * 2 for side in images.shape[2:])
        if not images.requires_grad:
            rows = torch.maximum(images[:, :, 0:height:2, :width], images[:, :, 1:height:2, :width])
            return torch.maximum(rows[..., 0::2], rows[..., 1::2])
        if images.shape[1] >= _SIMD_WIDTH or (height, width) != images.shape[2:]:
            return super().forward(images)
        answer: torch.Tensor = _Largest.apply(images)
        return answer


class _Largest(torch.autograd.Function):
    """`MaxPool` of an even height and width; of equal pixels the upper one, then the one to the left, gets the gradient."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor) -> torch.Tensor:
        pixels = images.permute(0, 2, 3, 1).unflatten(1, (-1, 2))  # [B, H / 2, 2, W, C]
        rows = torch.maximum(pixels[:, :, 0], pixels[:, :, 1]).unflatten(2, (-1, 2))  # [B, H / 2, W / 2, 2, C]
        ctx.save_for_backward(pixels, rows)
        count, height, width, _, channels = rows.shape
        answer = torch.empty(count, channels, height, width, dtype=images.dtype, memory_format=torch.channels_last)
        torch.maximum(rows[:, :, :, 0], rows[:, :, :, 1], out=answer.permute(0, 2, 3, 1))
        return answer

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> torch.Tensor:
        pixels, rows = ctx.saved_tensors
        of_rows, of_pixels = torch.empty_like(rows), torch.empty(pixels.shape, dtype=pixels.dtype)
        _route_gradient(gradients[0].permute(0, 2, 3, 1), rows.unbind(3), of_rows.unbind(3))
        _route_gradient(of_rows.flatten(2, 3), pixels.unbind(2), of_pixels.unbind(2))
        return of_pixels.flatten(1, 2).permute(0, 3, 1, 2)


def _route_gradient(errors: torch.Tensor, values: tuple[torch.Tensor, ...], to: tuple[torch.Tensor, ...]) -> None:
    """Write each error to the larger of two values, the first of equals, and zero to the other."""
    torch.gt(values[1], values[0], out=to[1])  # as numbers: truth values would be turned into them, slowly
    to[1].mul_(errors)
    torch.sub(errors, to[1], out=to[0])
