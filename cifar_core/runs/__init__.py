"""Runs: folders on the disk, each written by a training process of its own. Reading them does not load torch."""

from cifar_core.lifecycle.queue import next_round, slots
from cifar_core.lifecycle.states import EndRequest
from cifar_core.runs.about import note_run, rename_run
from cifar_core.runs.caveats import accuracy_caveats, accuracy_doubts, seen_phrase, without_validation
from cifar_core.runs.comparison.pair import RunEpoch, align_pair, parse_run_epoch, read_pair
from cifar_core.runs.control.actions import (
    epoch_to_resume,
    pause_run,
    resume_run,
    start_run,
    stop_run,
    worker_log_tail,
)
from cifar_core.runs.control.create import create_run
from cifar_core.runs.control.queue_view import QueuePlace, queue_places
from cifar_core.runs.control.repeat import duplicate_run, lower_rate, retry_run, retry_with_lower_rate
from cifar_core.runs.control.space import LAST_WEIGHTS, remove_last_weights, space_of
from cifar_core.runs.control.stop_all import request_stop_of_all, stop_all
from cifar_core.runs.control.trash import (
    DeletedRun,
    delete_run,
    empty_trash,
    find_deleted,
    list_trash,
    restore_run,
)
from cifar_core.runs.control.verify import verify_run
from cifar_core.runs.dataset.linking import link_dataset, linkable_datasets
from cifar_core.runs.dataset.opening import open_run_dataset
from cifar_core.runs.dataset.use import dataset_use
from cifar_core.runs.epoch_log import read_metrics, read_within_epochs
from cifar_core.runs.estimate.estimate import Estimate, estimate_run
from cifar_core.runs.estimate.span import Span
from cifar_core.runs.estimate.speed import USEFUL_GAIN, MachineSpeed, gain_words, measured_gain, read_speed
from cifar_core.runs.estimate.speed_job import ensure_speed, measure_speed, speed_job
from cifar_core.runs.estimate.time_left import estimated, time_left
from cifar_core.runs.going_on.joined_curve import continued_runs, read_earlier_epochs
from cifar_core.runs.going_on.new_run import continue_run, continued_rate, fine_tune_run
from cifar_core.runs.going_on.starting_point import continuing_point, fine_tuning_point, keeps_optimizer
from cifar_core.runs.imported.importing import ImportedPredictions, import_predictions
from cifar_core.runs.imported.no_network import network_missing
from cifar_core.runs.listing import list_runs, read_run, resolve_run
from cifar_core.runs.pictures.every_epoch import class_accuracy_over_epochs, read_every_epoch
from cifar_core.runs.pictures.forgotten import ForgottenPicture, find_forgotten
from cifar_core.runs.pictures.learning import LearningStep, choose_dozen, read_learning_step
from cifar_core.runs.pictures.other_runs import Answer, measured_alike, read_answers
from cifar_core.runs.pictures.over_epochs import PictureHistory, read_history
from cifar_core.runs.predict.client import Predictor, PredictorProcess
from cifar_core.runs.predict.recompute import recompute_job, start_recompute
from cifar_core.runs.results import epoch_ends, read_predictions, seen_pictures
from cifar_core.runs.run import DatasetFacts, LinkedDataset, Predictions, Run, Status, TrainingProgress
from cifar_core.runs.seeds.groups import (
    SeedGroup,
    SeedNoise,
    group_facts,
    group_of,
    group_words,
    seed_groups,
    seed_noise,
)
from cifar_core.runs.seeds.repeating import MOST_SEEDS, repeat_with_seeds, require_repeatable
from cifar_core.runs.seeds.wrong_counts import repeats_of, wrong_counts
from cifar_core.runs.training_records.reading import TrainingAnswers, has_training_records, read_training_answers
from cifar_core.runs.transfer.exporting import export_bytes, export_run
from cifar_core.runs.transfer.importing import ImportedRun, import_run
from cifar_core.runs.trials.own import own_first, own_runs, trial_words
from cifar_core.train import EpochLine

__all__ = [
    "LAST_WEIGHTS",
    "MOST_SEEDS",
    "USEFUL_GAIN",
    "Answer",
    "DatasetFacts",
    "DeletedRun",
    "EndRequest",
    "EpochLine",
    "Estimate",
    "ForgottenPicture",
    "ImportedPredictions",
    "ImportedRun",
    "LearningStep",
    "LinkedDataset",
    "MachineSpeed",
    "PictureHistory",
    "Predictions",
    "Predictor",
    "PredictorProcess",
    "QueuePlace",
    "Run",
    "RunEpoch",
    "SeedGroup",
    "SeedNoise",
    "Span",
    "Status",
    "TrainingAnswers",
    "TrainingProgress",
    "accuracy_caveats",
    "accuracy_doubts",
    "align_pair",
    "choose_dozen",
    "class_accuracy_over_epochs",
    "continue_run",
    "continued_rate",
    "continued_runs",
    "continuing_point",
    "create_run",
    "dataset_use",
    "delete_run",
    "duplicate_run",
    "empty_trash",
    "ensure_speed",
    "epoch_ends",
    "epoch_to_resume",
    "estimate_run",
    "estimated",
    "export_bytes",
    "export_run",
    "find_deleted",
    "find_forgotten",
    "fine_tune_run",
    "fine_tuning_point",
    "gain_words",
    "group_facts",
    "group_of",
    "group_words",
    "has_training_records",
    "import_predictions",
    "import_run",
    "keeps_optimizer",
    "link_dataset",
    "linkable_datasets",
    "list_runs",
    "list_trash",
    "lower_rate",
    "measure_speed",
    "measured_alike",
    "measured_gain",
    "network_missing",
    "next_round",
    "note_run",
    "open_run_dataset",
    "own_first",
    "own_runs",
    "parse_run_epoch",
    "pause_run",
    "queue_places",
    "read_answers",
    "read_earlier_epochs",
    "read_every_epoch",
    "read_history",
    "read_learning_step",
    "read_metrics",
    "read_pair",
    "read_predictions",
    "read_run",
    "read_speed",
    "read_training_answers",
    "read_within_epochs",
    "recompute_job",
    "remove_last_weights",
    "rename_run",
    "repeat_with_seeds",
    "repeats_of",
    "request_stop_of_all",
    "require_repeatable",
    "resolve_run",
    "restore_run",
    "resume_run",
    "retry_run",
    "retry_with_lower_rate",
    "seed_groups",
    "seed_noise",
    "seen_phrase",
    "seen_pictures",
    "slots",
    "space_of",
    "speed_job",
    "start_recompute",
    "start_run",
    "stop_all",
    "stop_run",
    "time_left",
    "trial_words",
    "verify_run",
    "without_validation",
    "worker_log_tail",
    "wrong_counts",
]
