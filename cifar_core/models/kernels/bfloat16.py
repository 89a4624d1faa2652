"""3 x 3 convolutions in bfloat16 for processors that multiply matrices of it in hardware (Intel's AMX).

There torch's own forward pass and gradient of the pictures are many times as fast as in float32, but its gradient of the filters
is not. Here that is one product of matrices too: every pixel's neighbourhood in a row, times the errors. On a processor that
multiplies rows of bfloat16 (AVX-512's BF16) torch's own was faster for nearly every shape.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.grad import conv2d_input

_MIN_CHANNELS = 64  # inputs below which torch's own gradient of the filters was faster
_CHUNK = 2**23  # numbers laid out at once: room for them is mapped once and used again


def fits(images: torch.Tensor) -> bool:
    """Whether `convolve` is faster for these pictures [B, inputs, H, W] than what torch does under autocast."""
    many = images.shape[1] >= _MIN_CHANNELS
    return many and images.device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16"))


def convolve(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`F.conv2d(images, weight, padding=1)`: [B, inputs, H, W], float32 [outputs, inputs, 3, 3] -> [B, outputs, H, W] bfloat16."""
    answer: torch.Tensor = _Bfloat16.apply(images.to(torch.bfloat16), weight)
    return answer


class _Bfloat16(torch.autograd.Function):
    """Forward and both gradients; sums are kept in float32."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        filters = weight.to(torch.bfloat16, memory_format=torch.channels_last)
        ctx.save_for_backward(images, filters)
        return F.conv2d(images, filters, padding=1)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        images, filters = ctx.saved_tensors
        errors = gradients[0].contiguous(memory_format=torch.channels_last)
        of_images = None
        if ctx.needs_input_grad[0]:
            of_images = conv2d_input(images.shape, filters, errors, padding=1)
        return of_images, _of_weight(images.permute(0, 2, 3, 1), errors.permute(0, 2, 3, 1))


def _of_weight(pixels: torch.Tensor, errors: torch.Tensor) -> torch.Tensor:
    """Gradient of the filters [outputs, inputs, 3, 3] from pixels [B, H, W, inputs] and errors [B, H, W, outputs]."""
    count, height, width, inputs = pixels.shape
    outputs = errors.shape[-1]
    step = min(count, max(1, _CHUNK // (height * width * 9 * inputs)))
    room = torch.empty(step, height, width, 3, 3, inputs, dtype=pixels.dtype)
    total = torch.zeros(outputs, 9 * inputs)
    for at in range(0, count, step):
        padded = F.pad(pixels[at : at + step], (0, 0, 1, 1, 1, 1))
        windows = padded.unfold(1, 3, 1).unfold(2, 3, 1).permute(0, 1, 2, 4, 5, 3)  # [step, H, W, 3, 3, inputs]
        rows = room[: len(windows)].copy_(windows).view(-1, 9 * inputs)
        total += errors[at : at + step].reshape(-1, outputs).T @ rows
    return total.view(outputs, 3, 3, inputs).permute(0, 3, 1, 2)
