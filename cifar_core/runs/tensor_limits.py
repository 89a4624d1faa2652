"""The names and shapes of a network's tensors, and the largest sizes of the files that hold them, without torch."""

import math

from cifar_core.models import ModelConfig, layer_table, tensors
from cifar_core.runs.hashed_tensors import MAX_HEADER
from cifar_core.text import MB

_FLOAT_BYTES = 4  # counters have more, but are few
_COPIES = 4  # of each weight in a checkpoint: itself, two that Adam keeps, and room for one more of another optimiser
_PER_PICTURE = 8  # bytes in a checkpoint: the last loss of a picture and its weight
_REST = 2 * MB  # states of random number generators, zip entries of schema 1


def network_tensors(model: ModelConfig, classes: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors of a network, by name."""
    return {name: shape for layer in layer_table(model, classes) for name, shape in tensors(layer).items()}


def most_weights(model: ModelConfig, classes: int) -> int:
    """Bytes that a file of the network's weights has at most."""
    return MAX_HEADER + _FLOAT_BYTES * sum(math.prod(shape) for shape in network_tensors(model, classes).values())


def most_checkpoint(model: ModelConfig, classes: int, train: int) -> int:
    """Bytes that a checkpoint has at most, of a training on so many pictures."""
    return _COPIES * most_weights(model, classes) + _PER_PICTURE * train + _REST
