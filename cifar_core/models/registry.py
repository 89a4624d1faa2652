"""The networks there are, and the layers of each: the Train page shows them, and `network.py` builds them.

This module does not import torch, so that a page can update shapes, parameters and FLOPs while a slider moves.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cifar_core.config import ModelConfig
from cifar_core.errors import ConfigError
from cifar_core.models.fast_cnn import fast_cnn_layers
from cifar_core.models.layers import Layer
from cifar_core.models.simple_cnn import simple_cnn_layers

_MODELS: dict[str, Callable[[ModelConfig, int], list[Layer]]] = {
    "simple_cnn": simple_cnn_layers,
    "fast_cnn": fast_cnn_layers,
}


@dataclass(frozen=True)
class Totals:
    """Sums over a layer table."""

    parameters: int
    flops: int  # forward pass of one picture


def list_models() -> list[str]:
    """Names of the networks that can be trained."""
    return list(_MODELS)


def layer_table(config: ModelConfig, classes: int) -> list[Layer]:
    """The layers of a network for pictures of 3 x 32 x 32, first to last.

    Args:
        config: the network's settings.
        classes: how many classes it tells apart, 2 or more.

    Raises:
        ConfigError: unknown network or fewer than two classes.
    """
    if config.model not in _MODELS:
        raise ConfigError([f"There is no network {config.model!r}: choose {', '.join(_MODELS)}."])
    if classes < 2:
        raise ConfigError([f"A network needs at least 2 classes to tell apart, not {classes}."])
    return _MODELS[config.model](config, classes)


def totals(layers: list[Layer]) -> Totals:
    """Parameters and forward FLOPs of a whole network."""
    return Totals(sum(layer.parameters for layer in layers), sum(layer.flops for layer in layers))
