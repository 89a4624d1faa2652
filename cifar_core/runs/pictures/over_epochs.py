"""What a run answers to one test picture after each of its epochs. Only the row of the picture is read."""

from dataclasses import dataclass

import numpy as np

from cifar_core.data.array_files import read_npy_row
from cifar_core.evaluate import check_probs
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.results import UNREADABLE
from cifar_core.runs.run import DatasetFacts, Run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class PictureHistory:
    """The probabilities of one test picture over the epochs of a run."""

    epochs: tuple[int, ...]  # E finished ones whose predictions can be read, ascending
    probs: np.ndarray  # float32 [E, K]
    unreadable: tuple[int, ...]  # finished epochs whose predictions are missing or damaged


def read_history(workspace: Workspace, run: Run, row: int) -> PictureHistory:
    """The probabilities of the test picture number `row`, from 0, after each finished epoch.

    Epochs that cannot be read are named in the answer and hide no other.

    Raises:
        RunError: the run is gone.
    """
    folder = run_folder(workspace, run.id)
    stored, found, unreadable = as_stored(folder), {}, []
    for line in read_lines(folder)[0]:
        try:
            found[line.epoch] = read_row(stored, run.dataset, line.epoch, row)
        except UNREADABLE:
            unreadable.append(line.epoch)
    classes = len(run.dataset.class_names) if run.dataset else 0
    probs = np.array(list(found.values()), np.float32).reshape(len(found), classes)
    return PictureHistory(tuple(found), probs, tuple(unreadable))


def read_row(folder: RunFolder, dataset: DatasetFacts | None, epoch: int, row: int) -> np.ndarray:
    """The probabilities of one test picture after one epoch: float32 [K].

    Raises (`UNREADABLE`):
        DataError: the file is no file, or the row holds no probabilities.
        OSError: the file is missing or cannot be read.
        ValueError: the file is damaged, of another dataset, or has no such row.
    """
    if dataset is None:
        raise ValueError("is of a run that has not opened its dataset yet")
    probs = read_npy_row(folder.probs("test", epoch), "<f4", (dataset.test, len(dataset.class_names)), row)
    check_probs(probs[None])
    return probs
