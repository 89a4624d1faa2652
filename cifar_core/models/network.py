"""Build a network as a torch module from its layer table."""

from collections import OrderedDict
from collections.abc import Callable, Iterable

import torch
from torch import nn

from cifar_core.models.kernels.convolution import Convolution, Convolution3x3, MaxPool
from cifar_core.models.layers import Layer, LayerKind
from cifar_core.models.model_config import ModelConfig, network_layers


def create_model(config: ModelConfig, classes: int) -> nn.Sequential:
    """Build the network with its initial weights (seed torch first to get the same weights again).

    The weights are initialised by torch, except for convolutions that keep the size of the picture: their first outputs
    equal their inputs at first, and the outputs beyond that number are random (Jordan 2024, "94% on CIFAR-10 in 3.29
    seconds on a single GPU", section 3.3).

    The network maps pictures `[B, 3, 32, 32]` (normalised float) to logits `[B, classes]`.

    Raises:
        ConfigError: as `network_layers`.
    """
    return build(network_layers(config, classes))


def build(layers: Iterable[Layer]) -> nn.Sequential:
    """The module of these layers, with the initial weights that `create_model` describes."""
    return nn.Sequential(_modules(layers))


class Whitening(nn.Conv2d):
    """A convolution whose filters are not learned: `train.whitening` takes them from the training pictures."""


class Residual(nn.Sequential):
    """Adds its input to the output of the modules inside of it."""

    def __init__(self, modules: OrderedDict[str, nn.Module]) -> None:
        super().__init__(modules)
        for module in self.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False  # the first one would change the input before it is added

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """[B, channels, H, W] -> the same."""
        return images + super().forward(images)


def _modules(layers: Iterable[Layer]) -> OrderedDict[str, nn.Module]:
    return OrderedDict((layer.name, _BUILDERS[layer.kind](layer)) for layer in layers)


def _whitening(layer: Layer) -> Whitening:
    whitening = Whitening(layer.inputs, layer.shape[0], layer.kernel, layer.stride, layer.padding)
    nn.init.zeros_(whitening.bias)  # type: ignore[arg-type] # it has a bias
    whitening.weight.requires_grad_(False)  # set from data, by `whiten`
    return whitening


def _convolution(layer: Layer) -> nn.Conv2d:
    if (layer.kernel, layer.padding, layer.bias) == (3, 1, False):
        convolution = Convolution3x3(layer.inputs, layer.shape[0])
        with torch.no_grad():
            nn.init.dirac_(convolution.weight[: layer.inputs])
        return convolution
    return Convolution(layer.inputs, layer.shape[0], layer.kernel, layer.padding)


_BUILDERS: dict[LayerKind, Callable[[Layer], nn.Module]] = {
    "whitening": _whitening,
    "convolution": _convolution,
    "batch-norm": lambda layer: nn.BatchNorm2d(layer.inputs),
    "global max-pool": lambda layer: nn.AdaptiveMaxPool2d(1),
    "max-pool": lambda layer: MaxPool(),
    "ReLU": lambda layer: nn.ReLU(inplace=True),
    "GELU": lambda layer: nn.GELU(),
    "flatten": lambda layer: nn.Flatten(),
    "linear": lambda layer: nn.Linear(layer.inputs, layer.shape[0]),
    "dropout": lambda layer: nn.Dropout(layer.rate),
    "residual": lambda layer: Residual(_modules(layer.inner)),
}
