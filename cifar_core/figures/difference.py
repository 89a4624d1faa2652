"""What changed between two confusion matrices, B - A, as cells in the colours of a matrix.

Blue is where B is better: more right predictions, or fewer mistakes. Vermilion is where it is worse. No change has the
colour of the page.
"""

import numpy as np
from numpy.typing import NDArray

from cifar_core.errors import DataError
from cifar_core.evaluate import ConfusionMatrix, most_confused_classes
from cifar_core.figures.cells import MAX_CELL_CLASSES, MAX_ZERO_CLASSES, STEPS, MatrixCells, shades_of
from cifar_core.text import no_pictures

SCALES = (("B worse", 1, STEPS), ("B better", STEPS + 1, 2 * STEPS))


def difference_cells(a: ConfusionMatrix, b: ConfusionMatrix, *, split: str = "test") -> MatrixCells:
    """The cells of B - A: how many pictures more (or, below zero, fewer) of a true class B predicts as which.

    Args:
        a: of K classes; of them at most `MAX_CELL_CLASSES` are taken, those with the most mistakes in A and B together.
        b: of the same pictures and classes.
        split: the part that was measured.

    Raises:
        DataError: the classes differ, or their numbers of pictures do.
    """
    if a.class_names != b.class_names or (a.counts.sum(axis=1) != b.counts.sum(axis=1)).any():
        raise DataError("A and B are not of the same pictures and classes: a difference of cells says nothing then.")
    shown = np.array(most_confused_classes(ConfusionMatrix(a.counts + b.counts, a.class_names), MAX_CELL_CLASSES))
    cells = np.ix_(shown, shown)
    before, after, supports = a.counts[cells], b.counts[cells], a.counts.sum(axis=1)[shown]
    change = after - before
    right = np.eye(len(shown), dtype=bool)
    top = float(np.abs(change).max())
    return MatrixCells(
        tuple(a.class_names[index] for index in shown),
        change.astype(np.float64),
        top,
        "pictures",
        [
            [_signed(value) if value or len(shown) <= MAX_ZERO_CLASSES else "" for value in row]
            for row in change.tolist()
        ],
        _details(before, after, supports, split),
        shades_of(np.abs(change), top, (change > 0) == right),
        len(a.class_names) - len(shown),
        SCALES if top else (),
    )


def _details(
    before: NDArray[np.int64], after: NDArray[np.int64], supports: NDArray[np.int64], split: str
) -> list[list[str]]:
    """The change of each cell, both counts, and whether B is better there."""

    def detail(place: tuple[int, int]) -> str:
        row, column = place
        support, old, new = int(supports[row]), int(before[place]), int(after[place])
        if not support:
            return f"0 of 0\n{no_pictures(split)}"
        better = "no change" if new == old else "B better" if (new > old) == (row == column) else "B worse"
        return f"{_signed(new - old)}: {old:,} in A, {new:,} in B, of {support:,}\n{better}"

    size = range(len(supports))
    return [[detail((row, column)) for column in size] for row in size]


def _signed(value: int) -> str:
    return f"{value:+,}".replace("-", "−") if value else "0"
