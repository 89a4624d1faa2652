"""Predictions that are valid: everything in `evaluate` takes them, and nothing checks them again."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cifar_core.evaluate.checks import check_class_names, check_predictions, row_blocks

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CheckedPredictions:
    """The labels of N pictures and the probabilities that a network gives them; checked when it is made.

    Any sequences of numbers and names may be given.

    Raises:
        DataError: the labels, probabilities or class names are invalid (`check_predictions`, `check_class_names`).
    """

    labels: Ints  # [N]
    probs: NDArray[Any]  # [N, K], of any number type
    class_names: tuple[str, ...]  # K

    def __post_init__(self) -> None:
        labels, probs = check_predictions(self.labels, self.probs)
        names = check_class_names(self.class_names, probs.shape[1])
        for name, value in (("labels", labels), ("probs", probs), ("class_names", names)):
            object.__setattr__(self, name, value)

    @cached_property
    def predicted(self) -> Ints:
        """The predicted class [N]: the most probable one, the lowest index where several tie."""
        return self.probs.argmax(axis=1).astype(np.int64)

    def blocks(self) -> Iterator[tuple[Ints, Floats]]:
        """Labels and probabilities of some pictures at a time, as float64 within 0..1; at least one block."""
        for part in row_blocks(self.probs):
            yield self.labels[part], np.clip(self.probs[part].astype(np.float64), 0.0, 1.0)
