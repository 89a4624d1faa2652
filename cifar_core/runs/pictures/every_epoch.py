"""The test predictions of a run after each of its epochs, one epoch in memory at a time; accuracy of each class."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from cifar_core.errors import RunError
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.results import read_predictions
from cifar_core.runs.run import Predictions, Run
from cifar_core.runs.run_folder import run_folder
from cifar_core.workspace import Workspace


def read_every_epoch(workspace: Workspace, run: Run) -> Iterator[tuple[int, Predictions | None]]:
    """The number of each finished epoch, ascending, with its test predictions; None where they cannot be read.

    Raises:
        RunError: the run is gone.
    """
    for line in read_lines(run_folder(workspace, run.id))[0]:
        try:
            yield line.epoch, read_predictions(workspace, run.id, line.epoch)
        except RunError:
            yield line.epoch, None


def class_accuracy_over_epochs(workspace: Workspace, run: Run) -> pd.DataFrame:
    """The accuracy of each class on the test part after each finished epoch.

    Each file of predictions is read once; epochs that cannot be read are left out.

    Returns:
        a row for each epoch and class: `epoch`, `class` (categories: all K names in order), `accuracy` (0 to 1; NaN
        where the class has no test picture), `n` (test pictures of the class).

    Raises:
        RunError: the run is gone.
    """
    names = run.dataset.class_names if run.dataset else ()
    rows = [
        (epoch, *_class_accuracy(predictions))
        for epoch, predictions in read_every_epoch(workspace, run)
        if predictions is not None
    ]
    count = len(names)
    return pd.DataFrame(
        {
            "epoch": np.repeat(np.array([row[0] for row in rows], np.int64), count),
            "class": pd.Categorical.from_codes(
                np.tile(np.arange(count), len(rows)), dtype=pd.CategoricalDtype(pd.Index(names, dtype="str"))
            ),
            "accuracy": np.array([row[1] for row in rows], np.float64).reshape(-1),
            "n": np.array([row[2] for row in rows], np.int64).reshape(-1),
        }
    )


def _class_accuracy(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """The recall of each class [K], and how many pictures it has [K]."""
    classes, labels = len(predictions.class_names), predictions.labels
    n = np.bincount(labels, minlength=classes)
    right = np.bincount(labels[predictions.predicted == labels], minlength=classes)
    return np.divide(right, n, out=np.full(classes, np.nan), where=n > 0), n
