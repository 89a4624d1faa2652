"""What makes a function a model: the decorator `model`, which keeps its facts where the rest of the program finds them.

This module does not import torch, as a page shows the layers of a network while a slider moves.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cifar_core.errors import ConfigError
from cifar_core.models.layers import Layer, LayerKind, flat
from cifar_core.text import did_you_mean

LayerTable = Callable[[Any, int], list[Layer]]  # from a model's own settings and the number of classes
_MODELS: dict[str, "Model"] = {}


@dataclass(frozen=True)
class NoSettings:
    """The settings of a model that has none of its own."""


@dataclass(frozen=True)
class Model:
    """A network that can be trained: how its layers are made, and what the rest of the program has to know of it.

    Some facts are read from its layers, with its default settings.
    """

    name: str
    help: str
    layers: LayerTable
    settings: type[Any]  # a dataclass of its own settings, each with its spec
    default: bool
    wide: Sequence[str]
    timed: Sequence[Mapping[str, Any]]
    bfloat16_on_cpu: bool

    @cached_property
    def _kinds(self) -> set[LayerKind]:
        return {layer.kind for layer in flat(self.layers(self.settings(), 2))}

    @property
    def normalised(self) -> bool:
        """Whether it has batch normalisation, whose statistics need whole batches."""
        return "batch-norm" in self._kinds

    @property
    def any_size(self) -> bool:
        """Whether it takes pictures of any size, because one value of each channel is left in the end."""
        return "global max-pool" in self._kinds


def model(
    help: str,  # noqa: A002
    *,
    settings: type[Any] = NoSettings,
    default: bool = False,
    wide: Sequence[str] = (),
    timed: Sequence[Mapping[str, Any]] = ({"batch_size": 64}, {"batch_size": 512}),
    bfloat16_on_cpu: bool = False,
) -> Callable[[LayerTable], LayerTable]:
    """Make a function a model of the function's name: it takes the model's settings and the number of classes, and
    returns the layers for pictures of 3 x 32 x 32, first to last.

    Args:
        help: what it is and what for, as part of a sentence that begins with its name.
        settings: a dataclass of its own settings (`cifar_core.spec.setting`).
        default: whether it is chosen where a person has not chosen.
        wide: those of its settings by which it takes less memory.
        timed: settings to time on a machine, beside the presets: from a narrow to a wide network, for small and for
            large batches.
        bfloat16_on_cpu: whether bfloat16 makes it faster on a processor that multiplies it in hardware.
    """

    def register(layers: LayerTable) -> LayerTable:
        name = layers.__name__
        if not timed:
            raise ValueError(f"The model {name!r} needs settings to time: without them no machine can be measured.")
        if name in _MODELS:
            raise ValueError(f"There are two models {name!r}.")
        _MODELS[name] = Model(name, help, layers, settings, default, wide, timed, bfloat16_on_cpu)
        return layers

    return register


def models() -> list[Model]:
    """All models: the default one, then by name."""
    return sorted(_MODELS.values(), key=lambda item: (not item.default, item.name))


def list_models() -> list[str]:
    """Names of the networks that can be trained."""
    return [item.name for item in models()]


def get_model(name: str) -> Model:
    """The facts of one model.

    Raises:
        ConfigError: there is no such model.
    """
    if name not in _MODELS:
        names = list_models()
        raise ConfigError([f"There is no network {name!r}{did_you_mean(name, names)}: choose {', '.join(names)}."])
    return _MODELS[name]
