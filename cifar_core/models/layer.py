"""One layer of a network as plain facts, with the arithmetic of its shape, parameters and FLOPs."""

import math
from dataclasses import dataclass
from typing import Literal

Kind = Literal["convolution", "max-pool", "ReLU", "flatten", "linear", "dropout"]


@dataclass(frozen=True)
class Layer:
    """A layer and what it gives. FLOPs count a multiply-add as two, forward, for one picture."""

    name: str
    kind: Kind
    shape: tuple[int, ...]  # output without the batch: (channels, height, width) or (features,)
    parameters: int = 0
    flops: int = 0
    inputs: int = 0  # channels or features coming in
    kernel: int = 0  # pixels
    padding: int = 0  # pixels
    rate: float = 0.0  # dropout


def convolution(name: str, before: tuple[int, ...], channels: int, kernel: int, padding: int) -> Layer:
    """A convolution with bias, stride 1."""
    inputs, height, width = before
    shape = (channels, height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1)
    weights = channels * inputs * kernel * kernel
    per_pixel = 2 * weights + channels
    return Layer(
        name, "convolution", shape, weights + channels, per_pixel * shape[1] * shape[2], inputs, kernel, padding
    )


def max_pool(name: str, before: tuple[int, ...]) -> Layer:
    """The largest of each 2 x 2 patch; an odd last row or column is dropped."""
    channels, height, width = before
    return Layer(name, "max-pool", (channels, height // 2, width // 2), kernel=2)


def relu(name: str, before: tuple[int, ...]) -> Layer:
    """max(0, x), element by element."""
    return Layer(name, "ReLU", before)


def flatten(name: str, before: tuple[int, ...]) -> Layer:
    """A picture's features in one row."""
    return Layer(name, "flatten", (math.prod(before),))


def linear(name: str, before: tuple[int, ...], features: int) -> Layer:
    """A fully connected layer with bias."""
    inputs = before[0]
    return Layer(name, "linear", (features,), inputs * features + features, 2 * inputs * features + features, inputs)


def dropout(name: str, before: tuple[int, ...], rate: float) -> Layer:
    """Switches a share of the features off while learning."""
    return Layer(name, "dropout", before, rate=rate)
