"""Named starting points for a training: settings on top of the defaults, checked when a `RunConfig` is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A named starting point: the defaults with `settings` on top."""

    title: str
    help: str
    settings: Mapping[str, Any]


_FAST = {  # what the presets of the ladder have in common
    "model": "fast_cnn",
    "optimizer": "muon",
    "momentum": 0.6,
    "schedule": "one_cycle",
    "warmup_share": 0.0,
    "label_smoothing": 0.1,
    "batch_size": 256,
    "validation_share": 0.0,
    "flip": True,
}
_WIDE = {  # what the two slowest of them have in common
    "widths": (64, 256, 256),
    "depths": (2, 2, 2),
    "dense_stem": True,
    "late_pooling": True,
    "fine_stem": True,
    "learning_rate": 0.1,
    "shift": 1,
    "mirror_edges": True,
    "small_share": 0.6,
}
PRESETS: dict[str, Preset] = {
    "default": Preset("Balanced", "The defaults: a small network that learns well within ten epochs.", {}),
    "first-look": Preset(
        "First look",
        "One pass over the pictures with a small network.",
        {**_FAST, "widths": (16, 32, 64), "epochs": 1, "learning_rate": 0.2},
    ),
    "quick": Preset(
        "Quick",
        "Three passes with a small network, the first two over shrunk pictures.",
        {**_FAST, "widths": (24, 64, 128), "epochs": 3, "learning_rate": 0.15, "shift": 1, "small_share": 0.65},
    ),
    "standard": Preset(
        "Standard",
        "Five passes with a wide network, the first three over shrunk pictures; most leave out pictures that it knows.",
        {**_FAST, **_WIDE, "epochs": 5, "prune_share": 0.6},
    ),
    "accurate": Preset(
        "Accurate",
        "Twelve passes with the same network, most over whole pictures, its weights averaged; judged by six views of each "
        "picture.",
        {
            **_FAST,
            **_WIDE,
            "activation": "gelu",
            "optimizer": "averaged_sgd",
            "learning_rate": 0.375,
            "momentum": 0.85,
            "weight_decay": 0.0013,
            "warmup_share": 0.23,
            "label_smoothing": 0.2,
            "epochs": 12,
            "small_share": 0.1,
            "prune_share": 0.3,
            "shift": 2,
            "flip_test": True,
            "shift_test": 1,
        },
    ),
    "original": Preset(
        "As the original",
        "The tutorial network this project grew from: no augmentation, no validation part, so the last epoch counts.",
        {  # everything is listed, so that a change of the defaults does not change this preset
            "model": "simple_cnn",
            "channels": (6, 16),
            "kernel_size": 5,
            "padding": False,
            "hidden": (120, 84),
            "dropout": 0.0,
            "flip": False,
            "shift": 0,
            "mirror_edges": False,
            "cutout": 0,
            "flip_test": False,
            "shift_test": 0,
            "train_share": 1.0,
            "validation_share": 0.0,
            "optimizer": "adam",
            "learning_rate": 1e-3,
            "schedule": "constant",
            "weight_decay": 0.0,
            "label_smoothing": 0.0,
            "prune_share": 0.0,
            "patience": 0,
            "batch_size": 64,
        },
    ),
}
