"""Convolutions and pooling that choose the fastest of several ways to the same result."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from cifar_core.models.kernels import bfloat16, winograd

_SIMD_WIDTH = 16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else 8  # float32 numbers in one instruction


class Convolution3x3(nn.Conv2d):
    """A 3 x 3 convolution with padding 1 and no bias: weights and, except for rounding, results of `nn.Conv2d`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W], channels last in memory; bfloat16 under autocast."""
        if torch.is_autocast_enabled(images.device.type):
            return bfloat16.convolve(images, self.weight) if bfloat16.fits(images) else super().forward(images)
        return winograd.convolve(images, self.weight) if winograd.fits(images, self.weight) else super().forward(images)


class Convolution(nn.Conv2d):
    """A convolution with a bias: weights and, except for rounding, results of `nn.Conv2d`."""

    def __init__(self, inputs: int, outputs: int, kernel: int, border: int) -> None:
        super().__init__(inputs, outputs, kernel, padding=border)
        self.border = border  # zeros around the picture, in pixels

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, inputs, H, W] -> [B, outputs, H', W'], channels last in memory.

        A processor computes 8 or 16 output channels in the time of one. If there are at most half of that, two
        neighbouring pixels are computed as the outputs of one wider convolution with stride 2, whose filters cover both
        patches. Its results are in the memory order of the narrow one. That takes (k + 1) / k times the multiplications
        of a pixel, for half the pixels. A row of only one pair is left to torch's own convolution, since torch 2.14
        computes it wrong with a stride, on AVX-512, for a single picture of one channel.
        """
        width = images.shape[3] + 2 * self.border - self.kernel_size[0] + 1
        is_faster = 2 * self.out_channels <= _SIMD_WIDTH and images.device.type == "cpu" and not images.requires_grad
        if self.bias is None or width % 2 or width == 2 or images.dtype != torch.float32 or not is_faster:
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

        torch's own pooling stores the position of each maximum, and it processes one channel at a time if there are
        fewer than fit in an instruction. For so few channels, and where no gradient is needed, it is faster to compare
        whole slices: rows with rows, then columns with columns.
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
    """`MaxPool` of an even height and width; of equal pixels the upper, then the left one gets the gradient."""

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
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> torch.Tensor:
        pixels, rows = ctx.saved_tensors
        grad_rows, grad_pixels = torch.empty_like(rows), torch.empty(pixels.shape, dtype=pixels.dtype)
        _route_gradient(grad_outputs[0].permute(0, 2, 3, 1), rows.unbind(3), grad_rows.unbind(3))
        _route_gradient(grad_rows.flatten(2, 3), pixels.unbind(2), grad_pixels.unbind(2))
        return grad_pixels.flatten(1, 2).permute(0, 3, 1, 2)


def _route_gradient(gradient: torch.Tensor, values: tuple[torch.Tensor, ...], to: tuple[torch.Tensor, ...]) -> None:
    """Write the gradient to the larger of two values (the first, if they are equal) and zero to the other."""
    torch.gt(values[1], values[0], out=to[1])  # written as numbers, since converting booleans is slow
    to[1].mul_(gradient)
    torch.sub(gradient, to[1], out=to[0])
