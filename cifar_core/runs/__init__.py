"""Runs: folders on the disk, each the work of a process of its own. Reading them needs no torch."""

from cifar_core.lifecycle.queue import slots
from cifar_core.runs.again import duplicate_run, retry_run
from cifar_core.runs.arrival import Arrival, import_run
from cifar_core.runs.ending import stop_all
from cifar_core.runs.estimate import Estimate, calibrate, estimate_run, read_calibration
from cifar_core.runs.predictor import Helper, Predictor
from cifar_core.runs.process import pause_run, resume_run, start_run, stop_run, worker_log_tail
from cifar_core.runs.recompute import recompute_predictions
from cifar_core.runs.results import epoch_ends, open_run_dataset, read_metrics, read_predictions
from cifar_core.runs.schema import DatasetFacts, Predictions, Progress, Run, Status
from cifar_core.runs.store import (
    create_run,
    list_runs,
    note_run,
    read_run,
    rename_run,
    resolve_run,
)
from cifar_core.runs.transfer import export_bytes, export_run
from cifar_core.runs.trash import (
    DeletedRun,
    delete_run,
    empty_old_trash,
    empty_trash,
    find_deleted,
    list_trash,
    restore_run,
)
from cifar_core.runs.verify import verify_run
from cifar_core.runs.waiting import Place, queue_places
from cifar_core.train import EpochLine

__all__ = [
    "Arrival", "DatasetFacts", "DeletedRun", "EpochLine", "Estimate", "Helper", "Place", "Predictions", "Predictor", "Progress", "Run", "Status",
    "calibrate", "create_run", "delete_run", "duplicate_run", "empty_old_trash", "empty_trash", "epoch_ends", "estimate_run", "export_bytes", "export_run", "find_deleted", "import_run", "list_runs", "list_trash", "note_run", "open_run_dataset", "pause_run",
    "queue_places", "read_calibration", "read_metrics", "read_predictions", "read_run", "recompute_predictions", "rename_run", "resolve_run", "restore_run", "resume_run", "retry_run",
    "slots", "start_run", "stop_all", "stop_run", "verify_run", "worker_log_tail",
]  # fmt: skip
