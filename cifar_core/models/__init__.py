"""The networks. This package describes them without torch; `cifar_core.models.network` builds them."""

from cifar_core.models.layers import Layer, Totals, tensors, totals
from cifar_core.models.model_config import ModelConfig, layer_table
from cifar_core.models.registry import get_model, list_models, models

__all__ = ["Layer", "ModelConfig", "Totals", "get_model", "layer_table", "list_models", "models", "tensors", "totals"]
