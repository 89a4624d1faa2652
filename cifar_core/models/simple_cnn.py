"""`simple_cnn`: two convolutions, each with ReLU and max-pooling, then three fully connected layers."""

from cifar_core.config import ModelConfig
from cifar_core.models.layers import Layer, convolution, dropout, flatten, linear, max_pool, relu

INPUT_SHAPE = (3, 32, 32)


def simple_cnn_layers(config: ModelConfig, classes: int) -> list[Layer]:
    """The layers, first to last.

    Pooling comes before ReLU: the result is the same, and ReLU has a quarter of the work. Flattening comes before ReLU
    too: then gradients have the same memory layout as results.
    """
    layers: list[Layer] = []
    shape: tuple[int, ...] = INPUT_SHAPE
    padding = config.kernel_size // 2 if config.padding else 0
    for number, channels in enumerate(config.channels, start=1):
        layers.append(convolution(f"conv{number}", shape, channels, config.kernel_size, padding))
        layers.append(max_pool(f"pool{number}", layers[-1].shape))
        if number == len(config.channels):
            layers.append(flatten("flatten", layers[-1].shape))
        layers.append(relu(f"conv{number}_relu", layers[-1].shape))
        shape = layers[-1].shape
    for number, features in enumerate(config.hidden, start=1):
        layers.append(linear(f"fc{number}", layers[-1].shape, features))
        layers.append(relu(f"fc{number}_relu", layers[-1].shape))
        if config.dropout:
            layers.append(dropout(f"fc{number}_dropout", layers[-1].shape, config.dropout))
    layers.append(linear(f"fc{len(config.hidden) + 1}", layers[-1].shape, classes))
    return layers
