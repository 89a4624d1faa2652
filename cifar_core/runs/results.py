"""The predictions of a run: class probabilities with labels and ids, read without torch."""

import numpy as np

from cifar_core.data import read_check, seen_in_training
from cifar_core.data.array_files import read_npy
from cifar_core.errors import DataError, RunError, StorageError
from cifar_core.runs.dataset.opening import open_run_dataset
from cifar_core.runs.epoch_log import read_lines
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.records import read_creation, read_training_record
from cifar_core.runs.run import GOES_ON, IMPORTED, DatasetFacts, Origin, Predictions, Run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.sample_files import read_samples
from cifar_core.text import one_line
from cifar_core.train import MeasuredSplit, best_line, training_parts
from cifar_core.workspace import Workspace

UNREADABLE = (OSError, ValueError, DataError)  # what reading an array of unknown origin may raise


def epoch_ends(workspace: Workspace, run_id: str) -> list[float]:
    """When the results of each logged epoch were written to the disk, in seconds since 1970.

    Raises:
        RunError: no such run.
    """
    folder = as_stored(run_folder(workspace, run_id))
    paths = [folder.probs("test", line.epoch) for line in read_lines(folder)[0]]
    return [path.stat().st_mtime for path in paths if path.exists()]


def read_predictions(
    workspace: Workspace, run_id: str, epoch: int | None = None, *, split: MeasuredSplit = "test"
) -> Predictions:
    """Class probabilities for all pictures of a split after one epoch.

    Args:
        workspace: where the run is.
        run_id: of the run.
        epoch: one that the run has finished; None is the best one so far.
        split: `test`, or `validation`, whose predictions runs of schemas 1 and 2 did not keep.

    Raises:
        RunError: no such run, no predictions yet, no such epoch or split, or a file that is damaged or of another
            dataset.
    """
    folder = run_folder(workspace, run_id)
    lines, record = read_lines(folder)[0], read_training_record(folder)
    creation = read_creation(folder)
    best = best_line(lines, creation.epoch_rule)
    if record is None or best is None:
        raise RunError(f"Run {run_id} has no predictions yet: they come with its first finished epoch.")
    wanted, stored = best.epoch if epoch is None else epoch, as_stored(folder)
    if not 1 <= wanted <= len(lines):
        raise RunError(f"Run {run_id} has no predictions of epoch {wanted}: choose one that it has finished.")
    remedy = _remedy(run_id, creation.origin) if wanted == best.epoch else ": choose another epoch."
    which = "" if wanted == best.epoch else f" of epoch {wanted}"
    try:
        return _read_arrays(stored, record.dataset, wanted, split)
    except FileNotFoundError as error:
        if type(as_stored(folder)) is not type(stored):  # a process has carried the run over meanwhile
            return read_predictions(workspace, run_id, epoch, split=split)
        if split == "validation" and not stored.samples(split).exists():
            raise RunError(f"Run {run_id} kept no predictions of validation pictures.") from error
        raise RunError(f"The predictions{which} of run {run_id} are missing{remedy}") from error
    except UNREADABLE as error:
        raise RunError(f"The predictions{which} of run {run_id} cannot be read ({reason_of(error)}){remedy}") from error


def _read_arrays(folder: RunFolder, data: DatasetFacts, epoch: int, split: MeasuredSplit) -> Predictions:
    """The predictions of an epoch; refuses arrays of unexpected shapes and values."""
    count, names = data.count_of(split), data.class_names
    samples = read_samples(folder.samples(split), count)
    probs = read_npy(folder.probs(split, epoch), "<f4", (count, len(names)))
    return Predictions(samples.labels, probs, names, samples.ids, split, epoch, samples.seen)


def reason_of(error: Exception) -> str:
    """Why an array could not be read, as text; `error` is one of `UNREADABLE`."""
    return f"it {one_line(error)}" if isinstance(error, ValueError) else one_line(error).rstrip(".")


def seen_pictures(workspace: Workspace, run: Run, predictions: Predictions) -> np.ndarray | None:
    """Which of the pictures the run has seen in training (`seen_in_training`): bool [N].

    For a run of an earlier version it is found out, where its dataset is still here and has been checked; else None.
    Those of a run that goes on from others are not, because these may have seen more (`seen_by_weights`), and those of
    imported predictions cannot be.
    """
    if predictions.seen is not None or run.origin in GOES_ON or not run.has_network:
        return predictions.seen
    try:
        dataset = open_run_dataset(workspace, run, exact=True)
        check = read_check(workspace, dataset)
        rule = read_creation(run_folder(workspace, run.id)).split_rule
        train, validation = training_parts(dataset, run.config.data, run.config.machine.seed, rule)
    except (DataError, RunError, StorageError):
        return None
    return None if check is None else seen_in_training(check.groups, train, validation)[predictions.split]


def _remedy(run_id: str, origin: Origin) -> str:
    """The end of every sentence about damaged predictions: how to get them back."""
    if origin == IMPORTED:
        return ": import them again from their file."
    return f": `runs recompute {run_id}` computes them again, and so does the Confusion page."
