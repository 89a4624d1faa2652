"""`simple_cnn`: two convolutions, each with ReLU and max-pooling, then three fully connected layers."""

from dataclasses import dataclass

from cifar_core.models.layers import INPUT_SHAPE, Layer, convolution, dropout, flatten, linear, max_pool, relu
from cifar_core.models.registry import model
from cifar_core.spec import setting


# A table: the formatter would give every argument a line of its own.
# fmt: off
@dataclass(frozen=True)
class SimpleCnn:
    """The settings of `simple_cnn`."""

    channels: tuple[int, ...] = setting((32, 64), "ints", "Channels", "Feature detectors in each convolution: more "
        "see more, and take longer.", low=1, high=512, log=True, items=("first convolution", "second convolution"))
    kernel_size: int = setting(3, "int", "Kernel size", "Width of the patch that a feature detector looks at.", low=1,
        high=7, step=2, unit="pixels")
    padding: bool = setting(True, "bool", "Padding", "Add a border of zeros so that a convolution keeps the size of "
        "the picture.")
    hidden: tuple[int, ...] = setting((256, 128), "ints", "Hidden units", "Width of the fully connected layers that "
        "combine the features.", low=1, high=4096, log=True, items=("first hidden layer", "second hidden layer"))
    dropout: float = setting(0.3, "float", "Dropout", "Share of the hidden units that is switched off at random while "
        "learning: keeps the network from learning pictures by heart.", low=0.0, high=0.9, step=0.05, zero="none")

# fmt: on
@model(
    "two convolutions and three fully connected layers, to understand and to vary.",
    settings=SimpleCnn,
    default=True,
    wide=("channels", "hidden"),
    timed=(
        {"channels": (6, 16), "kernel_size": 5, "padding": False, "hidden": (120, 84), "batch_size": 512},
        {"channels": (16, 32), "hidden": (128, 64), "batch_size": 64},
        {"batch_size": 256},
        {"channels": (16, 128), "kernel_size": 5, "batch_size": 64},
    ),
    # It is so small that converting its numbers costs as much time as bfloat16 saves.
    bfloat16_on_cpu=False,
)
def simple_cnn(settings: SimpleCnn, classes: int) -> list[Layer]:
    """The layers, first to last.

    Pooling comes before ReLU: the result is the same, and ReLU has a quarter of the work. Flattening comes before ReLU
    too: then gradients have the same memory layout as results.
    """
    layers: list[Layer] = []
    shape: tuple[int, ...] = INPUT_SHAPE
    padding = settings.kernel_size // 2 if settings.padding else 0
    for number, channels in enumerate(settings.channels, start=1):
        layers.append(convolution(f"conv{number}", shape, channels, settings.kernel_size, padding))
        layers.append(max_pool(f"pool{number}", layers[-1].shape))
        if number == len(settings.channels):
            layers.append(flatten("flatten", layers[-1].shape))
        layers.append(relu(f"conv{number}_relu", layers[-1].shape))
        shape = layers[-1].shape
    for number, features in enumerate(settings.hidden, start=1):
        layers.append(linear(f"fc{number}", layers[-1].shape, features))
        layers.append(relu(f"fc{number}_relu", layers[-1].shape))
        if settings.dropout:
            layers.append(dropout(f"fc{number}_dropout", layers[-1].shape, settings.dropout))
    layers.append(linear(f"fc{len(settings.hidden) + 1}", layers[-1].shape, classes))
    return layers
