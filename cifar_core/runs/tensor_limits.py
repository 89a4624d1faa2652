"""The names and shapes of a network's tensors, and the largest sizes of the files that hold them, without torch."""

import math

from cifar_core.models import ModelConfig, layer_table, tensors
from cifar_core.runs.hashed_tensors import MAX_HEADER
from cifar_core.text import MB

_FLOAT_BYTES = 4  # counters have more, but are few
_COPIES = 4  # of each weight in a checkpoint: itself, two that Adam keeps, and room for one more of another optimiser
_PER_PICTURE = 16  # bytes in a checkpoint: the last loss of a picture, its weight, and the answer to it (8)
_KEPT = 3  # of each weight in the state of an optimiser: as in a checkpoint, without the weight itself
_REST = 2 * MB  # states of random number generators, zip entries of schema 1


def network_tensors(model: ModelConfig, classes: int) -> dict[str, tuple[int, ...]]:
    """Shapes of all tensors of a network, by name."""
    return {name: shape for layer in layer_table(model, classes) for name, shape in tensors(layer).items()}


def most_weights(model: ModelConfig, classes: int) -> int:
    """Bytes that a file of the network's weights has at most."""
    return MAX_HEADER + _FLOAT_BYTES * sum(math.prod(shape) for shape in network_tensors(model, classes).values())


def head_tensors(model: ModelConfig) -> list[str]:
    """The names of the tensors whose shape follows the number of classes: those of the last layer."""
    fewer, more = network_tensors(model, 2), network_tensors(model, 3)
    return [name for name, shape in fewer.items() if more[name] != shape]


def most_optimizer(model: ModelConfig, classes: int) -> int:
    """Bytes that a file of an optimiser's state has at most."""
    return _KEPT * most_weights(model, classes) + _REST


def most_checkpoint(model: ModelConfig, classes: int, train: int) -> int:
    """Bytes that a checkpoint has at most, of a training on so many pictures."""
    return _COPIES * most_weights(model, classes) + _PER_PICTURE * train + _REST
