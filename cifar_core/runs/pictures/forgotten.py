"""The picture that a run had right for longest and has wrong after its last epoch."""

from dataclasses import dataclass

import numpy as np

from cifar_core.errors import RunError
from cifar_core.runs.results import read_predictions
from cifar_core.runs.run import Run
from cifar_core.workspace import Workspace

MAX_EPOCHS = 12  # of the last ones that are read; predictions of one epoch may have tens of megabytes


@dataclass(frozen=True)
class ForgottenPicture:
    """A test picture that was right and no longer is."""

    row: int  # its number in the test part, from 0
    id: str
    true: str  # class names
    predicted: str  # after the last epoch
    right_until: int  # the last epoch after which it was right
    right_epochs: int  # how many of the epochs looked at had it right


def find_forgotten(workspace: Workspace, run: Run) -> ForgottenPicture | None:
    """The test picture that most of the last epochs had right and the very last one has wrong; the first of equals.

    Returns:
        None where no picture was forgotten, or fewer than two epochs can be read.
    """
    last = run.last.epoch if run.last else 0
    found, epochs = [], range(max(1, last - MAX_EPOCHS + 1), last + 1)
    try:
        for epoch in epochs:
            predictions = read_predictions(workspace, run.id, epoch)
            found.append(predictions.predicted == predictions.labels)
    except RunError:
        return None
    if len(found) < 2 or found[-1].all():
        return None
    right = np.array(found)  # [E, N]
    times = np.where(right[-1], 0, right.sum(axis=0))
    row = int(times.argmax())
    if not times[row]:
        return None
    names = predictions.class_names
    return ForgottenPicture(
        row,
        str(predictions.ids[row]),
        names[predictions.labels[row]],
        names[predictions.predicted[row]],
        epochs[int(np.flatnonzero(right[:, row])[-1])],
        int(times[row]),
    )
