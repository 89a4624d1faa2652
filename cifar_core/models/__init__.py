"""The networks. This package describes them without torch; `cifar_core.models.network` builds them."""

from cifar_core.models.layers import Layer, tensors
from cifar_core.models.registry import Totals, layer_table, list_models, totals

__all__ = ["Layer", "Totals", "layer_table", "list_models", "tensors", "totals"]
