"""Whether a training fits into this machine's memory, said before it starts."""

from cifar_core.config import RunConfig
from cifar_core.errors import ConfigError
from cifar_core.files import size_text
from cifar_core.models import layer_table, totals
from cifar_core.processes import machine_memory
from cifar_core.runs.estimate import activation_values

_NUMBER = 4  # bytes of a float32
_COPIES = 4  # of each weight: itself, its gradient, and two that Adam keeps
_PASSES = 2  # every value on the way through the network has a gradient on the way back


def training_bytes(config: RunConfig, classes: int) -> int:
    """Memory that the network and one batch on its way through it take, at least: pictures and libraries come on top."""
    layers = layer_table(config.model, classes)
    weights = totals(layers).parameters * _COPIES
    values = activation_values(layers) * config.optimizer.batch_size * _PASSES
    return _NUMBER * (weights + values)


def require_memory(config: RunConfig, classes: int) -> None:
    """Refuse a training that this machine's memory cannot hold.

    Raises:
        ConfigError: the sentence says how much is needed and how much there is.
    """
    needed, there = training_bytes(config, classes), machine_memory()
    if there is not None and needed > there:
        wide = "widths" if config.model.model == "fast_cnn" else "channels or hidden"
        raise ConfigError(
            [f"This training needs {size_text(needed)} of memory at least and the machine has {size_text(there)}: "
             f"lower batch_size (now {config.optimizer.batch_size:,}), {wide}."]
        )  # fmt: skip
