"""Datasets: downloading, importing, storing, opening and augmenting pictures.

Only this layer knows the files in `workspace.data`.
"""

from cifar_core.data.augment import Variation, augment, draw_variation
from cifar_core.data.catalogue import DatasetState, dataset_state, list_datasets
from cifar_core.data.picture_reader import read_pictures
from cifar_core.data.pictures import CONVERSION, NormalisedView, decode_picture, normalised_view, to_image, usable_std
from cifar_core.data.preparation import repeatable_import, start_get, start_import
from cifar_core.data.sources.drawn10 import prepare_drawn10
from cifar_core.data.store import (
    Dataset,
    Split,
    checked_dataset_name,
    class_counts,
    dataset_job,
    delete_dataset,
    open_dataset,
    parts_of,
    require_unchanged,
    save_dataset,
)

__all__ = [
    "CONVERSION",
    "Dataset",
    "DatasetState",
    "NormalisedView",
    "Split",
    "Variation",
    "augment",
    "checked_dataset_name",
    "class_counts",
    "dataset_job",
    "dataset_state",
    "decode_picture",
    "delete_dataset",
    "draw_variation",
    "list_datasets",
    "normalised_view",
    "open_dataset",
    "parts_of",
    "prepare_drawn10",
    "read_pictures",
    "repeatable_import",
    "require_unchanged",
    "save_dataset",
    "start_get",
    "start_import",
    "to_image",
    "usable_std",
]
