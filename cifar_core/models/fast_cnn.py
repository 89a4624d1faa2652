"""`fast_cnn`, a network for the most accuracy per second on a CPU.

It follows Jordan 2024 ("94% on CIFAR-10 in 3.29 seconds on a single GPU") and Page 2018 ("How to train your ResNet").
The first layer is not learned: it whitens patches of 2 x 2 or 4 x 4 pixels of the training pictures. Then come three
blocks of convolutions with batch normalisation, each at half the size of the one before. Two settings say where the
size is halved: by the first layer, so that everything after it costs a quarter, or in the first block; and before the
first convolution of a block, or after it, which costs more and overfits less.
"""

import string

from cifar_core.config import ModelConfig
from cifar_core.models.layers import (
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
from cifar_core.models.simple_cnn import INPUT_SHAPE

# Width of a patch -> number of its principal components that are kept, each with both signs. Of 2 x 2 pixels all 12 are
# kept; of 4 x 4 pixels the other 32 are close to noise.
WHITENING_COMPONENTS = {2: 12, 4: 16}


def fast_cnn_layers(config: ModelConfig, classes: int) -> list[Layer]:
    """The layers, first to last."""
    patch, stride = 2 if config.fine_stem else 4, 1 if config.dense_stem else 2
    layers = [whitening("whiten", INPUT_SHAPE, WHITENING_COMPONENTS[patch], patch, stride)]
    activate = {"relu": relu, "gelu": gelu}[config.activation]
    layers.append(activate(f"whiten_{config.activation}", layers[-1].shape))
    for block, (channels, depth) in enumerate(zip(config.widths, config.depths, strict=True), start=1):
        pool = f"pool{block - 1}" if block > 1 or config.dense_stem else ""
        if pool and not config.late_pooling:  # a quarter of the work, so twice the channels are affordable
            layers.append(max_pool(pool, layers[-1].shape))
        for letter in string.ascii_lowercase[:depth]:
            name = f"conv{block}{letter}"
            layers.append(convolution(name, layers[-1].shape, channels, 3, 1, bias=False))
            if pool and config.late_pooling and letter == "a":
                layers.append(max_pool(pool, layers[-1].shape))
            layers.append(batch_norm(f"{name}_norm", layers[-1].shape))
            layers.append(activate(f"{name}_{config.activation}", layers[-1].shape))
    layers.append(global_max_pool("pool3", layers[-1].shape))
    layers.append(flatten("flatten", layers[-1].shape))
    layers.append(linear("fc", layers[-1].shape, classes))
    return layers
