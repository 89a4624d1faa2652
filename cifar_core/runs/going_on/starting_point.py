"""What a run begins with that goes on from another run: weights, the state of an optimiser, the split.

The new run gets names of its own for these files, so that it can wait, be resumed and be tried again whatever happens
to the run that it goes on from.
"""

from dataclasses import dataclass
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.runs.hashed_tensors import DamagedError, check_hashed
from cifar_core.runs.imported.no_network import require_own_network
from cifar_core.runs.old_schemas import as_stored
from cifar_core.runs.records import read_creation
from cifar_core.runs.run import GOES_ON, Origin, Run
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.runs.tensor_limits import most_optimizer, most_weights
from cifar_core.storage.atomic import link_or_copy, make_folder
from cifar_core.train import ONE_OF_THREE, SplitRule
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class StartingPoint:
    """What a new run begins with, and where that comes from."""

    origin: Origin  # of the new run
    run: str  # id of the run whose weights these are
    epoch: int  # of that run, after which they were taken
    weights: Path
    optimizer: Path | None = None  # None: the new run begins with a new optimiser
    split_rule: SplitRule = ONE_OF_THREE  # chooses the validation pictures
    earlier: int = 0  # epochs that the new run continues, over all runs before
    fingerprint: str = ""  # that the dataset must have; empty where it is another dataset

    def creation(self) -> dict[str, str | int]:
        """What the `config.json` of the new run says of it."""
        return {
            "origin": self.origin,
            "parent": self.run,
            "parent_epoch": self.epoch,
            "split_rule": self.split_rule,
            "earlier_epochs": self.earlier,
            "dataset_fingerprint": self.fingerprint,
        }

    def give_to(self, folder: RunFolder) -> None:
        """Give the files to a new run.

        Raises:
            StorageError: the disk refused, or they are gone.
        """
        make_folder(folder.start_weights.parent)
        link_or_copy(self.weights, folder.start_weights)
        if self.optimizer is not None:
            link_or_copy(self.optimizer, folder.start_optimizer)


def continuing_point(workspace: Workspace, run: Run) -> StartingPoint:
    """Where a run is continued: after its last epoch, with the state of its optimiser, where it keeps both undamaged.

    Else it is continued from the weights of its best epoch, with a new optimiser.

    Raises:
        RunError: the run cannot be continued; the sentence says why.
    """
    if run.resumable:
        raise RunError(f"Run {run.id} has not come to its last epoch: resume it instead (`runs resume {run.id}`).")
    best = fine_tuning_point(workspace, run)
    assert run.last is not None and run.dataset is not None
    creation = read_creation(run_folder(workspace, run.id))
    model, classes = run.config.model, len(run.dataset.class_names)
    weights, optimizer = _last_files(workspace, run)
    whole = _is_whole(weights, most_weights(model, classes)) and _is_whole(optimizer, most_optimizer(model, classes))
    epoch = run.last.epoch if whole else best.epoch
    return StartingPoint(
        "continued",
        run.id,
        epoch,
        weights if whole else best.weights,
        optimizer if whole else None,
        creation.split_rule,
        creation.earlier_epochs + epoch,
        run.dataset.fingerprint,
    )


def keeps_optimizer(workspace: Workspace, run: Run) -> bool:
    """Whether a run has the files to be continued after its last epoch, undamaged or not.

    Raises:
        RunError: it has been deleted.
    """
    return run.last is not None and all(path.is_file() for path in _last_files(workspace, run))


def _last_files(workspace: Workspace, run: Run) -> tuple[Path, Path]:
    """The weights and the state of the optimiser after the last epoch, there or not."""
    assert run.last is not None and run.best is not None
    folder, last = as_stored(run_folder(workspace, run.id)), run.last.epoch
    return folder.weights(last) if run.best.epoch == last else folder.last_weights(last), folder.last_optimizer(last)


def fine_tuning_point(workspace: Workspace, run: Run) -> StartingPoint:
    """The weights of a run's best epoch, to be trained on another dataset.

    Raises:
        RunError: it is active, diverged, has no network, has no finished epoch, or its weights are missing or damaged.
    """
    require_own_network(run)
    if run.active:
        raise RunError(f"Run {run.id} has not ended: wait for its end, or stop it.")
    if run.diverged:
        raise RunError(
            f"Run {run.id} diverged: train a new run with a lower learning rate (`runs retry --lower-rate`)."
        )
    if run.best is None or run.dataset is None:
        raise RunError(f"Run {run.id} has no finished epoch whose weights could be used.")
    path = as_stored(run_folder(workspace, run.id)).weights(run.best.epoch)
    try:
        check_hashed(path, most_weights(run.config.model, len(run.dataset.class_names)), required=False)
    except DamagedError as error:
        raise RunError(f"The weights of run {run.id} cannot be used: {error}.") from error
    return StartingPoint("fine-tuned", run.id, run.best.epoch, path)


def same_point(workspace: Workspace, run: Run) -> StartingPoint | None:
    """What a run itself began with, to be tried again; None where it was trained from the beginning.

    Raises:
        RunError: it began with the weights of another run, and they are not here any more.
    """
    folder = run_folder(workspace, run.id)
    creation = read_creation(folder)
    if creation.origin not in GOES_ON:
        return None
    if not folder.start_weights.is_file():
        raise RunError(f"The weights that run {run.id} began with are gone: go on from run {run.parent} once more.")
    return StartingPoint(
        creation.origin,
        creation.parent,
        creation.parent_epoch,
        folder.start_weights,
        folder.start_optimizer if folder.start_optimizer.is_file() else None,
        creation.split_rule,
        creation.earlier_epochs,
        creation.dataset_fingerprint,
    )


def _is_whole(path: Path, most: int) -> bool:
    """Whether a file of at most so many bytes is there and as it was written."""
    try:
        check_hashed(path, most)
    except DamagedError:
        return False
    return True
