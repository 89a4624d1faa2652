"""The description of one layer of a network: its shape, parameters and FLOPs."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

LayerKind = Literal[
    "whitening",
    "convolution",
    "max-pool",
    "global max-pool",
    "batch-norm",
    "ReLU",
    "GELU",
    "flatten",
    "linear",
    "dropout",
    "residual",
]
INPUT_SHAPE = (3, 32, 32)  # of a picture


@dataclass(frozen=True)
class Layer:
    """A layer and its output. FLOPs are those of the forward pass of one picture; a multiply-add counts as two."""

    name: str
    kind: LayerKind
    shape: tuple[int, ...]  # output without the batch: (channels, height, width) or (features,)
    parameters: int = 0
    flops: int = 0
    inputs: int = 0  # input channels or features
    kernel: int = 0  # pixels
    padding: int = 0  # pixels
    stride: int = 1  # pixels
    bias: bool = True
    rate: float = 0.0  # dropout
    inner: tuple["Layer", ...] = ()  # the layers of a residual block


@dataclass(frozen=True)
class Totals:
    """Sums over a layer table."""

    parameters: int
    flops: int  # forward pass of one picture


def whitening(name: str, before: tuple[int, ...], components: int, patch: int, stride: int) -> Layer:
    """Principal components of patches of 2 x 2 or 4 x 4 pixels, `stride` pixels apart, each with both signs.

    The weights are fixed, the bias is learned. Zero padding for 4 x 4 gives both the same output size.
    """
    inputs, height, width = before
    padding = patch // 2 - 1
    shape = (2 * components, *((side + 2 * padding - patch) // stride + 1 for side in (height, width)))
    weights = shape[0] * inputs * patch * patch
    flops = (2 * weights + shape[0]) * shape[1] * shape[2]
    return Layer(name, "whitening", shape, weights + shape[0], flops, inputs, patch, padding, stride)


def convolution(
    name: str, before: tuple[int, ...], channels: int, kernel: int, padding: int, *, bias: bool = True
) -> Layer:
    """A convolution, stride 1."""
    inputs, height, width = before
    shape = (channels, height + 2 * padding - kernel + 1, width + 2 * padding - kernel + 1)
    weights = channels * inputs * kernel * kernel
    biases = channels if bias else 0
    flops = (2 * weights + biases) * shape[1] * shape[2]
    return Layer(name, "convolution", shape, weights + biases, flops, inputs, kernel, padding, bias=bias)


def batch_norm(name: str, before: tuple[int, ...]) -> Layer:
    """Normalise each channel over the batch (Ioffe & Szegedy 2015), then apply a scale and a bias."""
    return Layer(name, "batch-norm", before, 2 * before[0], 2 * math.prod(before), before[0])


def max_pool(name: str, before: tuple[int, ...]) -> Layer:
    """The largest of each 2 x 2 patch; an odd last row or column is dropped."""
    channels, height, width = before
    return Layer(name, "max-pool", (channels, height // 2, width // 2), kernel=2)


def global_max_pool(name: str, before: tuple[int, ...]) -> Layer:
    """The largest value of each channel."""
    return Layer(name, "global max-pool", (before[0], 1, 1))


def relu(name: str, before: tuple[int, ...]) -> Layer:
    """max(0, x), element by element."""
    return Layer(name, "ReLU", before)


def gelu(name: str, before: tuple[int, ...]) -> Layer:
    """x times the standard normal distribution function of x (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    return Layer(name, "GELU", before)


def flatten(name: str, before: tuple[int, ...]) -> Layer:
    """The features of a picture as a vector."""
    return Layer(name, "flatten", (math.prod(before),))


def linear(name: str, before: tuple[int, ...], features: int) -> Layer:
    """A fully connected layer with bias."""
    inputs = before[0]
    return Layer(name, "linear", (features,), inputs * features + features, 2 * inputs * features + features, inputs)


def dropout(name: str, before: tuple[int, ...], rate: float) -> Layer:
    """Sets a random share of the features to zero during training."""
    return Layer(name, "dropout", before, rate=rate)


def residual(name: str, before: tuple[int, ...], inner: Iterable[Layer]) -> Layer:
    """A residual block: adds its input to the output of its `inner` layers (He et al. 2015, arXiv:1512.03385).

    Its own FLOPs are those of the sum; `flat` gives the inner layers, which have parameters and FLOPs of their own.
    """
    layers = tuple(inner)
    if not layers or layers[-1].shape != before:
        raise ValueError(f"The layers inside of {name!r} must give what it takes, {before}, for a sum of both.")
    return Layer(name, "residual", before, flops=math.prod(before), inner=layers)


def flat(layers: Iterable[Layer]) -> list[Layer]:
    """All layers in the order of computing: those inside of a block under its name, then the block itself."""
    found: list[Layer] = []
    for layer in layers:
        found += [replace(inner, name=f"{layer.name}.{inner.name}") for inner in flat(layer.inner)]
        found.append(layer)
    return found


def totals(table: list[Layer]) -> Totals:
    """Parameters and forward FLOPs of a whole network."""
    return Totals(sum(layer.parameters for layer in table), sum(layer.flops for layer in table))


def tensors(layer: Layer) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors of a layer in the `state_dict` of torch."""
    weights: dict[str, tuple[int, ...]] = {}
    features = (layer.shape[0],)
    if layer.kind in ("convolution", "whitening"):
        weights["weight"] = (*features, layer.inputs, layer.kernel, layer.kernel)
    elif layer.kind == "linear":
        weights["weight"] = (*features, layer.inputs)
    elif layer.kind == "batch-norm":
        weights |= {"weight": features, "running_mean": features, "running_var": features, "num_batches_tracked": ()}
    if weights and layer.bias:
        weights["bias"] = features
    return {f"{layer.name}.{name}": shape for name, shape in weights.items()}
