"""Which tensors the network of a run has, and how large the files may be that hold them. No torch here."""

import math

from cifar_core.config import ModelConfig
from cifar_core.models import layer_table, tensors
from cifar_core.runs.hashed_tensors import MAX_HEADER
from cifar_core.text import MB

_NUMBER = 4  # bytes of a float32; counters have more, but are few
_COPIES = 4  # of each number in a checkpoint: itself, two that Adam keeps, and room for one that another optimiser does
_PER_PICTURE = 8  # bytes in a checkpoint: the loss it had last and what it counts
_REST = 2 * MB  # states of random numbers, zip entries of schema 1


def network_tensors(model: ModelConfig, classes: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors of a network, by name."""
    return {name: shape for layer in layer_table(model, classes) for name, shape in tensors(layer).items()}


def most_weights(model: ModelConfig, classes: int) -> int:
    """Bytes that a file of the network's weights has at most."""
    return MAX_HEADER + _NUMBER * sum(math.prod(shape) for shape in network_tensors(model, classes).values())


def most_checkpoint(model: ModelConfig, classes: int, train: int) -> int:
    """Bytes that a checkpoint has at most, of a training on so many pictures."""
    return _COPIES * most_weights(model, classes) + _PER_PICTURE * train + _REST
