"""A dozen test pictures that show how a run learns: which they are, and which of them it has right after an epoch."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.pictures.over_epochs import read_row
from cifar_core.runs.results import UNREADABLE
from cifar_core.runs.run import Run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace

DOZEN = 12
_STREAM = 5  # keeps these random numbers independent of other uses of a seed


@dataclass(frozen=True)
class LearningStep:
    """What a run answers to n pictures after one epoch, and which answers turned since the epoch before."""

    predicted: NDArray[np.int64]  # [n], class indices
    right: NDArray[np.bool_]  # [n]
    turned_right: NDArray[np.bool_]  # [n]; wrong or not known after the epoch before: all False there
    turned_wrong: NDArray[np.bool_]  # [n]


def choose_dozen(labels: np.ndarray, seed: int) -> NDArray[np.int64]:
    """Choose up to `DOZEN` pictures, as evenly over the classes as possible, without a look at any prediction.

    Each class gives one picture before any gives its second; of more than `DOZEN` classes as many give one.

    Args:
        labels: int [N], the class of each picture.
        seed: draws classes and pictures; the same seed and labels give the same pictures.

    Returns:
        int64 [min(N, DOZEN)], positions in `labels`, by class and then by position.
    """
    rng = np.random.default_rng([seed, _STREAM])
    order = rng.permutation(len(labels))
    rank_of_class = rng.permutation(int(labels.max(initial=-1)) + 1)
    # How many pictures of its class stand before each one in this order.
    by_class = order[np.argsort(labels[order], kind="stable")]
    sizes = np.bincount(labels[by_class])
    turn = np.arange(len(labels)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = np.lexsort((rank_of_class[labels[by_class]], turn))[:DOZEN]
    chosen = by_class[first]
    return chosen[np.lexsort((chosen, labels[chosen]))].astype(np.int64)


def read_learning_step(
    workspace: Workspace, run: Run, epoch: int, rows: NDArray[np.int64], labels: NDArray[np.int64]
) -> LearningStep | None:
    """What a run answers to some test pictures after one epoch; None where its predictions cannot be read.

    Only the rows of these pictures are read, of this epoch and of the one before.

    Args:
        workspace: where the run is.
        run: the run.
        epoch: one that it has finished.
        rows: [n], numbers of the pictures in the test part, from 0.
        labels: [n], their classes.
    """
    predicted, before = _predicted(workspace, run, epoch, rows), _predicted(workspace, run, epoch - 1, rows)
    if predicted is None:
        return None
    right = predicted == labels
    right_before = right if before is None else before == labels
    return LearningStep(predicted, right, right & ~right_before, ~right & right_before)


def _predicted(workspace: Workspace, run: Run, epoch: int, rows: NDArray[np.int64]) -> NDArray[np.int64] | None:
    folder = as_stored(RunFolder(workspace.runs / run.id))
    try:
        return np.array([read_row(folder, run.dataset, epoch, int(row)).argmax() for row in rows], np.int64)
    except UNREADABLE:
        return None
