"""The chosen network with the settings of all networks, and the layer table that they give.

The Train page shows the table, and `network.py` builds the network from its layers.
"""

from dataclasses import dataclass, field, fields, make_dataclass, replace
from typing import Any

import cifar_core.models.architectures  # noqa: F401 - makes the models known
from cifar_core.errors import ConfigError
from cifar_core.models.layers import Layer, flat
from cifar_core.models.registry import Model, get_model, list_models, models
from cifar_core.spec import setting


def _settings() -> list[tuple[str, Any, Any]]:
    """Name, type and field of the choice of a model, and of every model's own settings."""
    names = list_models()
    help_text = " ".join(f"{item.name}: {item.help}" for item in models())
    choice = setting(names[0], "choice", "Network", help_text, choices=tuple(names))
    found: list[tuple[str, Any, Any]] = [("model", str, choice)]
    owners: dict[str, list[Model]] = {}
    for item in models():
        for own in fields(item.settings):
            owners.setdefault(own.name, []).append(item)
    for name, users in owners.items():
        first, *others = ({own.name: own for own in fields(item.settings)}[name] for item in users)
        if any((own.default, own.metadata) != (first.default, first.metadata) for own in others):
            raise ValueError(f"{' and '.join(item.name for item in users)} disagree on the setting {name!r}.")
        spec = replace(first.metadata["spec"], only_with=("model", tuple(item.name for item in users)))
        found.append((name, first.type, field(default=first.default, metadata={"spec": spec})))
    return found


_Settings: Any = make_dataclass("_Settings", _settings(), frozen=True)


@dataclass(frozen=True)
class ModelConfig(_Settings):
    """The chosen network, and the settings of all networks: another one finds its own as they were."""


def network_layers(config: ModelConfig, classes: int) -> list[Layer]:
    """The layers of a network for pictures of 3 x 32 x 32, first to last; a block of layers is one of them.

    Args:
        config: the network and its settings.
        classes: how many classes it tells apart, 2 or more.

    Raises:
        ConfigError: unknown network or fewer than two classes.
    """
    chosen = get_model(config.model)
    if classes < 2:
        raise ConfigError([f"A network needs at least 2 classes to tell apart, not {classes}."])
    own = {item.name: getattr(config, item.name) for item in fields(chosen.settings)}
    return chosen.layers(chosen.settings(**own), classes)


def layer_table(config: ModelConfig, classes: int) -> list[Layer]:
    """Every layer of a network as `network_layers`, also those inside of a block; for the block stands its sum.

    Raises:
        ConfigError: as `network_layers`.
    """
    return flat(network_layers(config, classes))
