"""What a file of predictions says, row by row, before it is compared with the dataset.

The readers of the formats fill it. Their errors are ValueErrors whose text continues "FILE was refused: ".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

KeyKind = Literal["id", "index"]  # an id of the dataset or a path that ends in one; or the place in the part, from 0


@dataclass(frozen=True)
class Given:
    """The rows of a file of predictions, at most one more than the part has pictures."""

    by: KeyKind
    keys: Sequence[str | int | None]  # of R rows
    labels: Sequence[str | int | None] | None  # true classes, by name or number; None where the file has none
    values: np.ndarray  # float64 [R, K], in the order of the dataset's classes
    logits: bool  # whether the values are logits; else they are probabilities


@dataclass(frozen=True)
class Expected:
    """The part of a dataset that a file must fit."""

    dataset: str  # its name
    class_names: tuple[str, ...]
    ids: np.ndarray  # str [N]

    @property
    def most_rows(self) -> int:
        """How many rows are read: with one row too many, two are of one picture or one is of none."""
        return len(self.ids) + 1

    @property
    def example(self) -> str:
        """How an NPZ file is made, for an error."""
        return (
            f"make it with numpy.savez('model.npz', index=numpy.arange({len(self.ids)}), probs=probs), or with "
            "logits=logits where they are logits, each an array of NumPy in the order of the dataset's test pictures"
        )

    @property
    def most_bytes(self) -> int:
        """Bytes that a file, and each array in it, may have: 32 for a number and 4,096 for the rest of a row."""
        return self.most_rows * (32 * len(self.class_names) + 4096) + 1024 * 1024
