"""What is timed: training steps on random pictures, with settings as they are timed. No torch."""

from dataclasses import replace

import numpy as np

from cifar_core.config import RunConfig
from cifar_core.data import Dataset, Split

CLASSES = 10
_PICTURES = 2048  # to train on
_MEASURED = 128  # pictures to measure


def random_dataset() -> Dataset:
    """Random pictures, always the same."""
    rng = np.random.default_rng(0)
    train, test = (
        Split(
            rng.integers(0, 256, (count, 3, 32, 32), dtype=np.uint8),
            rng.integers(0, CLASSES, count),
            np.arange(count).astype(str),
        )
        for count in (_PICTURES, _MEASURED)
    )
    names = tuple(str(number) for number in range(CLASSES))
    return Dataset("random", "", names, train, test, (0.5, 0.5, 0.5), (0.3, 0.3, 0.3), "", "")


def as_timed(config: RunConfig) -> RunConfig:
    """The settings with all pictures, of whole size."""
    return replace(
        config,
        data=replace(config.data, train_share=1.0, validation_share=0.0),
        optimizer=replace(config.optimizer, small_share=0.0),
    )
