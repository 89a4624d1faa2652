"""Which measured pictures the weights of a run have learned from, in the run itself and in those that it goes on from.

Reads the runs that it goes on from, their datasets, and what the run itself has noted already.
"""

import numpy as np

from cifar_core.data import Dataset, Groups, picture_hashes, seen_in_training
from cifar_core.errors import ConfigError, DataError, RunError, StorageError
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.runs.dataset.opening import open_run_dataset
from cifar_core.runs.listing import read_run
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.records import CreationRecord, read_creation
from cifar_core.runs.run import GOES_ON
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.sample_files import read_samples
from cifar_core.train import MeasuredSplit, training_parts
from cifar_core.workspace import Workspace

Seen = dict[MeasuredSplit, np.ndarray | None]  # bool [N]; None where it is not known


def seen_by_weights(
    folder: RunFolder,
    dataset: Dataset,
    groups: Groups,
    train: np.ndarray,
    validation: np.ndarray,
    progress: OnProgress = no_progress,
) -> tuple[Seen, tuple[str, ...]]:
    """Which of the pictures that a run measures its weights have seen in training, as `seen_in_training`.

    Of a run that goes on from others, those that the others learned from count too. What the run has noted before
    stays, so that nothing is forgotten where one of the others has been deleted since.

    Args:
        folder: of the run.
        dataset: that it is trained on.
        groups: of the dataset.
        train: int64 [T], positions in the training part that are trained on.
        validation: int64 [V], positions there that validate.
        progress: told before each step; may raise to stop the work.

    Returns:
        bool [M] of the test part and bool [V], None where others may have been seen and none is known to be; sentences
        on what cannot be told.
    """
    seen = seen_in_training(groups, train, validation)
    creation = read_creation(folder)
    if creation.origin not in GOES_ON:
        return {**seen}, ()
    noted = _noted(folder, dataset, validation)
    try:
        earlier = _seen_earlier(folder.workspace, creation, dataset, validation, progress)
    except (ConfigError, DataError, RunError, StorageError) as error:
        if not noted:
            note = (
                f"It cannot be told whether the weights that it began with had learned from its test pictures. {error}"
            )
            return {split: found if found.any() else None for split, found in seen.items()}, (note,)
        earlier = {}
    return {split: found | noted.get(split, False) | earlier.get(split, False) for split, found in seen.items()}, ()


def seen_count(seen: Seen, split: MeasuredSplit) -> int | None:
    """How many pictures of a part were seen; None where that is not known."""
    found = seen[split]
    return None if found is None else int(found.sum())


def _seen_earlier(
    workspace: Workspace, creation: CreationRecord, dataset: Dataset, validation: np.ndarray, progress: OnProgress
) -> dict[MeasuredSplit, np.ndarray]:
    """Which measured pictures the runs before have seen; raises where one of them or its dataset is not here.

    A run that is continued measures the same pictures, so what it has noted is enough. Where it is too old for that,
    dataset and split are the same as far as runs were only continued, and there is nothing to find.
    """
    if creation.origin == "continued":
        noted = _noted(run_folder(workspace, creation.parent), dataset, validation)
        if noted:
            return noted
    trained_on: list[np.ndarray] = []
    chosen_by: list[np.ndarray] = []
    fine_tuned, passed = False, set()
    while creation.origin in GOES_ON and creation.parent not in passed:
        passed.add(creation.parent)
        fine_tuned = fine_tuned or creation.origin == "fine-tuned"
        run = read_run(workspace, creation.parent)
        creation = read_creation(run_folder(workspace, run.id))
        if fine_tuned:
            theirs = open_run_dataset(workspace, run, exact=True)
            parts = training_parts(theirs, run.config.data, run.config.machine.seed, creation.split_rule)
            for hashes, positions in zip((trained_on, chosen_by), parts, strict=True):
                hashes.append(picture_hashes(theirs.train, positions, progress))
    if not fine_tuned:
        return {}
    learned = np.concatenate(trained_on)
    test = picture_hashes(dataset.test, np.arange(len(dataset.test.labels)), progress)
    return {
        "test": np.isin(test, np.concatenate([learned, *chosen_by])),
        "validation": np.isin(picture_hashes(dataset.train, validation, progress), learned),
    }


def _noted(folder: RunFolder, dataset: Dataset, validation: np.ndarray) -> dict[MeasuredSplit, np.ndarray]:
    """What a run has noted of these pictures; nothing where it has not begun, or its files are damaged."""
    found: dict[MeasuredSplit, np.ndarray] = {}
    ids: dict[MeasuredSplit, np.ndarray] = {"test": dataset.test.ids, "validation": dataset.train.ids[validation]}
    for split, here in ids.items():
        try:
            samples = read_samples(as_stored(folder).samples(split), len(here))
        except (OSError, ValueError, DataError):
            continue
        if samples.seen is not None and np.array_equal(samples.ids, here):
            found[split] = samples.seen
    return found
