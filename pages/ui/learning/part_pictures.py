"""The pictures of the part that the Learning page speaks of; a stand-in for each, and why, where they are not here."""

from dataclasses import dataclass

import numpy as np

from cifar_core.errors import DataError, RunError
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from pages.ui.caches import load_run_dataset
from pages.ui.understand.run_pictures import no_picture


@dataclass(frozen=True)
class PartPictures:
    """Where the pictures of a part come from."""

    images: np.ndarray | None  # uint8 [M, 3, 32, 32], the whole part of the dataset; None where it is not here
    missing: str = ""  # why, a sentence

    def at(self, index: np.ndarray) -> np.ndarray:
        """Return the pictures with these numbers in the part, uint8 [n, 3, 32, 32]."""
        if self.images is None:
            return np.broadcast_to(no_picture(), (len(index), *no_picture().shape))
        return np.asarray(self.images[index])


def load_part_pictures(workspace: Workspace, run: Run, split: str) -> PartPictures:
    """Return the pictures of a part; the numbers need none, so that a missing dataset leaves the page whole."""
    try:
        dataset = load_run_dataset(workspace, run)
    except (DataError, RunError) as error:
        return PartPictures(None, str(error))
    if split == "test":
        return PartPictures(dataset.test.images)
    if run.dataset is None or dataset.fingerprint != run.dataset.fingerprint:
        return PartPictures(
            None, f"The dataset {dataset.name} has the test pictures of this run, but others to train on."
        )
    return PartPictures(dataset.train.images)
