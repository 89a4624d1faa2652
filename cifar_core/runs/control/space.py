"""The room that a run takes on the disk, and removing what it can do without."""

import contextlib
import os
from pathlib import Path

from cifar_core.errors import RunError
from cifar_core.runs.control.actions import is_active
from cifar_core.runs.control.admission import exclusive_run_changes
from cifar_core.runs.old_schemas import OldFolder
from cifar_core.runs.records import require_changeable
from cifar_core.runs.run_folder import RunFolder, run_folder
from cifar_core.storage.atomic import remove_folder
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.workspace import Workspace

LAST_WEIGHTS = "last weights and optimiser"
_REST = "records and log"


def space_of(workspace: Workspace, run_id: str) -> dict[str, int]:
    """Bytes of each part of a run that takes any, such as `predictions`.

    Raises:
        RunError: no such run.
        StorageError: the sizes of its files cannot be read.
    """
    folder = run_folder(workspace, run_id)
    names = _part_names(folder)
    sizes: dict[str, int] = {}
    with storage_errors(f"measuring run {run_id}", to="read"):
        for place, _, files in os.walk(folder.path):
            for path in (Path(place, file) for file in files):
                part = names.get(path.relative_to(folder.path).parts[0], _REST)
                with contextlib.suppress(FileNotFoundError):  # a run that trains replaces its files all the time
                    sizes[part] = sizes.get(part, 0) + path.lstat().st_size
    return {part: sizes[part] for part in (*names.values(), _REST) if sizes.get(part)}


def _part_names(folder: RunFolder) -> dict[str, str]:
    """What is in a file or folder of a run, by its name in the run's folder."""
    old = OldFolder(folder.path)
    paths = {
        folder.predictions: "predictions",
        old.samples("test"): "predictions",
        old.probs("test", 1).parent: "predictions",
        folder.weights(1).parent: "best weights",
        old.only_weights: "best weights",
        folder.last_weights(1).parent: LAST_WEIGHTS,
        folder.start_weights.parent: "weights it began with",
        folder.checkpoints: "checkpoints",
        folder.old_checkpoint: "checkpoints",
        folder.training_records: "training records",
        folder.analyses: "analyses",
    }
    return {path.name: part for path, part in paths.items()}


def remove_last_weights(workspace: Workspace, run_id: str) -> int:
    """Remove the weights of a run's last epoch, unless they are the best, and the state of its optimiser.

    Without them the run is whole, but a training can go on from its best weights only. Returns how many bytes they had.

    Raises:
        RunError: no such run, it is running, it has none, or a newer version of this program made it.
        StorageError: the disk refused.
    """
    folder = run_folder(workspace, run_id)
    require_changeable(folder)
    size = space_of(workspace, run_id).get(LAST_WEIGHTS, 0)
    with exclusive_run_changes(workspace):
        if is_active(folder):
            raise RunError(f"Run {run_id} is running: stop it first.")
        if not size:
            raise RunError(
                f"Run {run_id} has no weights beside the best and no state of its optimiser: it has not finished, or "
                "they are gone."
            )
        remove_folder(folder.last_weights(1).parent, f"removing the last weights of run {run_id}")
    return size
