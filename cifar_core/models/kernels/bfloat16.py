"""3 x 3 convolutions in bfloat16 for processors that multiply bfloat16 matrices in hardware (Intel's AMX).

On them, torch's forward pass and its gradient of the pictures are many times as fast as in float32, but its gradient of
the weights is not. Here that is a matrix product too: the neighbourhood of each pixel as a row, times the gradient of
the output. On processors that only multiply rows of bfloat16 (AVX-512's BF16), torch was faster for nearly every shape.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.grad import conv2d_input

_MIN_CHANNELS = 64  # input channels below which torch's own gradient of the weights was faster
_CHUNK = 2**23  # numbers in the buffer of neighbourhoods, which is allocated once and reused


def fits(images: torch.Tensor) -> bool:
    """Whether `convolve` is faster for these pictures [B, inputs, H, W] than torch's own convolution under autocast."""
    many = images.shape[1] >= _MIN_CHANNELS
    return many and images.device.type == "cpu" and bool(torch.cpu.get_capabilities().get("amx_bf16"))


def convolve(images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """`F.conv2d(images, weight, padding=1)` in bfloat16.

    Args:
        images: [B, inputs, H, W].
        weight: float32 [outputs, inputs, 3, 3].

    Returns:
        bfloat16 [B, outputs, H, W].
    """
    answer: torch.Tensor = _Bfloat16.apply(images.to(torch.bfloat16), weight)
    return answer


class _Bfloat16(torch.autograd.Function):
    """Forward pass and both gradients; sums are kept in float32."""

    @staticmethod
    def forward(ctx: Any, images: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        filters = weight.to(torch.bfloat16, memory_format=torch.channels_last)
        ctx.save_for_backward(images, filters)
        return F.conv2d(images, filters, padding=1)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: torch.Tensor) -> tuple[torch.Tensor | None, torch.Tensor]:
        images, filters = ctx.saved_tensors
        grad_output = grad_outputs[0].contiguous(memory_format=torch.channels_last)
        grad_images = None
        if ctx.needs_input_grad[0]:
            grad_images = conv2d_input(images.shape, filters, grad_output, padding=1)
        return grad_images, _weight_gradient(images.permute(0, 2, 3, 1), grad_output.permute(0, 2, 3, 1))


def _weight_gradient(pixels: torch.Tensor, grad_output: torch.Tensor) -> torch.Tensor:
    """Gradient of the weights [outputs, inputs, 3, 3].

    Args:
        pixels: [B, H, W, inputs].
        grad_output: [B, H, W, outputs].
    """
    count, height, width, inputs = pixels.shape
    outputs = grad_output.shape[-1]
    step = min(count, max(1, _CHUNK // (height * width * 9 * inputs)))
    buffer = torch.empty(step, height, width, 3, 3, inputs, dtype=pixels.dtype)
    total = torch.zeros(outputs, 9 * inputs)
    for start in range(0, count, step):
        padded = F.pad(pixels[start : start + step], (0, 0, 1, 1, 1, 1))
        windows = padded.unfold(1, 3, 1).unfold(2, 3, 1).permute(0, 1, 2, 4, 5, 3)  # [step, H, W, 3, 3, inputs]
        rows = buffer[: len(windows)].copy_(windows).view(-1, 9 * inputs)
        total += grad_output[start : start + step].reshape(-1, outputs).T @ rows
    return total.view(outputs, 3, 3, inputs).permute(0, 3, 1, 2)
