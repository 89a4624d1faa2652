"""`fast_cnn`, a network for the most accuracy per second on a CPU.

It follows Jordan 2024 ("94% on CIFAR-10 in 3.29 seconds on a single GPU") and Page 2018 ("How to train your ResNet").
The first layer is not learned: it whitens patches of 2 x 2 or 4 x 4 pixels of the training pictures. Then come three
blocks of convolutions with batch normalisation, each at half the size of the one before. Two settings say where the
size is halved: by the first layer, so that everything after it costs a quarter, or in the first block; and before the
first convolution of a block, or after it, which costs more and overfits less.
"""

import string
from dataclasses import dataclass

from cifar_core.models.layers import (
    INPUT_SHAPE,
    Layer,
    batch_norm,
    convolution,
    flatten,
    gelu,
    global_max_pool,
    linear,
    max_pool,
    relu,
    whitening,
)
from cifar_core.models.registry import model
from cifar_core.spec import setting

# Width of a patch -> number of its principal components that are kept, each with both signs. Of 2 x 2 pixels all 12 are
# kept; of 4 x 4 pixels the other 32 are close to noise.
WHITENING_COMPONENTS = {2: 12, 4: 16}


# A table: the formatter would give every argument a line of its own.
# fmt: off
@dataclass(frozen=True)
class FastCnn:
    """The settings of `fast_cnn`."""

    widths: tuple[int, ...] = setting((24, 64, 128), "ints", "Channels of each block", "Feature detectors in each block: "
        "more see more, and take longer.", low=1, high=512, log=True, items=("first block", "second block", "third block"))
    depths: tuple[int, ...] = setting((2, 2, 2), "ints", "Convolutions in each block", "One after the other: the first block "
        "sees four times the pixels of the second, so each there takes longest.", low=1, high=4,
        items=("first block", "second block", "third block"))
    late_pooling: bool = setting(False, "bool", "Shrink later in a block", "Halve the picture after the first convolution of "
        "a block, not before: that convolution sees four times the pixels, which takes longer and gets more right.")
    dense_stem: bool = setting(False, "bool", "First layer at every pixel", "The first layer looks at the patch around every "
        "pixel, not every second one, and the first block halves the picture: takes longer and gets more right.")
    fine_stem: bool = setting(False, "bool", "First layer with small patches", "The first layer looks at patches of 2 x 2 "
        "pixels and keeps every detail of them, not at patches of 4 x 4, of which it keeps what is coarse.")
    activation: str = setting("relu", "choice", "Activation function", "What lies between convolutions. ReLU keeps what is "
        "above zero; GELU does so without a kink: takes a little longer and gets a little more right.",
        choices=("relu", "gelu"), titles=("ReLU", "GELU"))

# fmt: on
@model(
    "three blocks of normalised convolutions, most accuracy per second.",
    settings=FastCnn,
    wide=("widths",),
    timed=({"widths": (8, 16, 32), "batch_size": 64}, {"widths": (8, 16, 32), "batch_size": 512}),
    bfloat16_on_cpu=True,
)
def fast_cnn(settings: FastCnn, classes: int) -> list[Layer]:
    """The layers, first to last."""
    patch, stride = 2 if settings.fine_stem else 4, 1 if settings.dense_stem else 2
    layers = [whitening("whiten", INPUT_SHAPE, WHITENING_COMPONENTS[patch], patch, stride)]
    activate = {"relu": relu, "gelu": gelu}[settings.activation]
    layers.append(activate(f"whiten_{settings.activation}", layers[-1].shape))
    for block, (channels, depth) in enumerate(zip(settings.widths, settings.depths, strict=True), start=1):
        pool = f"pool{block - 1}" if block > 1 or settings.dense_stem else ""
        if pool and not settings.late_pooling:  # a quarter of the work, so twice the channels are affordable
            layers.append(max_pool(pool, layers[-1].shape))
        for letter in string.ascii_lowercase[:depth]:
            name = f"conv{block}{letter}"
            layers.append(convolution(name, layers[-1].shape, channels, 3, 1, bias=False))
            if pool and settings.late_pooling and letter == "a":
                layers.append(max_pool(pool, layers[-1].shape))
            layers.append(batch_norm(f"{name}_norm", layers[-1].shape))
            layers.append(activate(f"{name}_{settings.activation}", layers[-1].shape))
    layers.append(global_max_pool("pool3", layers[-1].shape))
    layers.append(flatten("flatten", layers[-1].shape))
    layers.append(linear("fc", layers[-1].shape, classes))
    return layers
