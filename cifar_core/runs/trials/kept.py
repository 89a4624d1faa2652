"""What a sweep keeps of its runs that have ended, so that a deleted run stays in the sweep as values.

One file a run, `sweeps/SWEEP/runs/RUN.json`, written by whoever sees the run end first, and when it is deleted.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from cifar_core.lifecycle.states import Status
from cifar_core.runs.run import Run
from cifar_core.storage.atomic import make_folder
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Amount, Count, FolderName, Ordinal, PictureCount, Share
from cifar_core.storage.parse import parse
from cifar_core.text import MB
from cifar_core.workspace import Workspace

KEPT_RUNS = "runs"  # the folder of these files, in that of the sweep
KeptStatus = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class KeptRun:
    """The values of one run of a candidate."""

    run: FolderName
    trial: Ordinal
    seed: Count
    status: KeptStatus  # stopped: it was deleted before its last epoch
    value: Share | None  # validation accuracy of the epoch that counts; None before the first epoch
    values: tuple[Share, ...]  # validation accuracy after each epoch
    seconds: Amount  # of training and measuring
    pictures: PictureCount = 0  # validation pictures; 0: not known
    diverged: bool = False
    refused: str = ""  # why no run could be made; empty of one that was
    schema_version: Ordinal = 1


def values_of(run: Run) -> KeptRun:
    """The values of a trial's run as they are now; one that could still go on counts as stopped."""
    known: dict[Status, KeptStatus] = {Status.FINISHED: "finished", Status.FAILED: "failed"}
    return KeptRun(
        run=run.id,
        trial=run.trial,
        seed=run.config.machine.seed,
        status=known.get(run.status, "stopped"),
        value=run.best.validation_accuracy if run.best else None,
        values=run.validation_curve,
        seconds=run.seconds,
        pictures=run.dataset.validation if run.dataset else 0,
        diverged=run.diverged,
    )


def kept_file(workspace: Workspace, sweep: str, run_id: str) -> Path:
    """Where the values of a run are kept in its sweep."""
    return workspace.sweeps / sweep / KEPT_RUNS / f"{run_id}.json"


def has_kept_values(workspace: Workspace, run: Run) -> bool:
    """Whether the values of a run stay in its sweep when it is deleted.

    Nothing stays of a run that is no trial, came from another workspace, cannot be read, or whose sweep is not here.
    """
    if not run.is_trial or run.problem:
        return False
    place = workspace.sweeps / run.sweep
    return place.is_dir() and not place.is_symlink()


def keep_trial_values(workspace: Workspace, run: Run) -> None:
    """Keep the values of a trial's run in its sweep, where `has_kept_values`; the same values again change nothing.

    Raises:
        StorageError: the disk refused.
    """
    if not has_kept_values(workspace, run):
        return
    path, found = kept_file(workspace, run.sweep, run.id), values_of(run)
    if _read_or_none(path) != found:
        make_folder(path.parent)
        write_json(path, asdict(found))


def read_kept(path: Path) -> KeptRun:
    """What is kept of a run.

    Raises:
        FileNotFoundError: nothing is.
        ValueError: the file breaks a rule; the message says which.
        OSError: it cannot be read.
    """
    return parse(KeptRun, read_json(path, max_bytes=MB), exact=False)


def _read_or_none(path: Path) -> KeptRun | None:
    try:
        return read_kept(path)
    except (OSError, ValueError):
        return None
