"""The process that computes a run's predictions again from its best weights.

Run as `python -m cifar_core.runs.predict.recompute_process --job=DIR` by `cifar_core.runs.predict.recompute`, which has
checked that this is possible and loads no torch. A run of an earlier schema is carried over first.
"""

import itertools
from dataclasses import asdict, replace

import numpy as np
import torch

from cifar_core.data import check_dataset, hash_of_pictures, require_unchanged
from cifar_core.errors import RunError
from cifar_core.jobs.job import JobFolder, Request
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.jobs.progress import OnProgress, no_progress
from cifar_core.runs.control.actions import is_active
from cifar_core.runs.dataset.opening import open_run_dataset
from cifar_core.runs.going_on.seen_before import seen_by_weights, seen_count
from cifar_core.runs.listing import read_run
from cifar_core.runs.old_schemas import carry_over
from cifar_core.runs.predict.run_network import read_network
from cifar_core.runs.records import TrainingRecord, read_creation, read_training_record, run_config
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.sample_files import hash_of_samples
from cifar_core.runs.training.process import threads_of
from cifar_core.runs.training.recorder import write_probs, write_samples
from cifar_core.storage.json_files import write_json
from cifar_core.storage.locks import hold_lock
from cifar_core.train import EpochLine, MeasuredSplit, unvalidated_classes
from cifar_core.train.batches import Pictures, TrainingData, load_training_data
from cifar_core.train.device import make_repeatable, pick_device
from cifar_core.train.predict import BATCH, config_with_views, loss_and_accuracy, predict_probabilities

_TOLERANCE = 0.01  # of the test accuracy, which may differ a little on another machine, where rounding differs


def recompute_best_epoch(folder: RunFolder, progress: OnProgress = no_progress) -> None:
    """Compute the predictions of the best epoch as the training did, and write them.

    Raises:
        CifarCoreError: the run is being trained, its settings or dataset were changed, the weights are not those of its
            best epoch, or the disk refused; the files are as before.
    """
    # With this lock, the run cannot be resumed or deleted meanwhile.
    with hold_lock(folder.training_lock) as acquired:
        if not acquired or is_active(folder):
            raise RunError(f"Run {folder.run_id} is in use by another process: try again when that has ended.")
        run, record = read_run(folder.workspace, folder.run_id), read_training_record(folder)
        assert run.best is not None and record is not None
        dataset = open_run_dataset(folder.workspace, run, exact=True)
        progress("Checking the pictures", 0, 0, "")
        require_unchanged(dataset)
        torch.set_num_threads(threads_of(folder))
        config = run_config(folder)
        device = pick_device("cpu" if record.device == "cpu" else "auto")
        make_repeatable(config.machine.seed)
        split_rule = read_creation(folder).split_rule
        data = load_training_data(dataset, config.data, config.machine.seed, device, split_rule)
        groups = check_dataset(folder.workspace, dataset, progress).groups
        seen, _ = seen_by_weights(folder, dataset, groups, data.train.positions, data.validation.positions, progress)
        found = _predict(folder, record, data, run.best, progress)
        progress("Saving", 0, 0, "")
        carry_over(folder)
        write_samples(folder, dataset, data, seen)
        facts = replace(
            record.dataset,
            test_hash=hash_of_samples(dataset.test.labels, [dataset.test.ids]),
            test_pixels=hash_of_pictures(dataset.test),
            test_seen=seen_count(seen, "test"),
            validation_seen=seen_count(seen, "validation"),
            unvalidated=unvalidated_classes(dataset, data.validation.positions),
        )
        write_json(folder.facts, asdict(replace(record, dataset=facts)))
        for split, probs in found.items():
            write_probs(folder, split, probs, run.best.epoch)


def _predict(
    folder: RunFolder, record: TrainingRecord, data: TrainingData, best: EpochLine, progress: OnProgress
) -> dict[MeasuredSplit, np.ndarray]:
    """Probabilities float32 [N, K] of each measured split after the best epoch."""
    config = run_config(folder)
    net = read_network(folder, best.epoch, config.model, data.classes)
    net = net.to(data.scale.device).to(memory_format=torch.channels_last)
    views = config_with_views(config.data, best.looks)
    measured: dict[MeasuredSplit, Pictures] = {"test": data.test, "validation": data.validation}
    count, batches = sum(map(len, measured.values())), itertools.count()

    def before_batch() -> None:
        progress("Predicting", min(count, next(batches) * BATCH), count, "pictures")

    found = {
        split: predict_probabilities(net, pictures, data, views, record.precision, before_batch=before_batch)
        for split, pictures in measured.items()
        if len(pictures)
    }
    if not all(bool(probs.isfinite().all()) for probs in found.values()):
        raise RunError(
            f"The weights of run {folder.run_id} are so large that its probabilities are not numbers: its predictions "
            "cannot be computed from them. Nothing was changed; duplicate the run to train the network again."
        )
    _, accuracy = loss_and_accuracy(found["test"], data.test.labels)
    if abs(accuracy - best.test_accuracy) > _TOLERANCE:
        raise RunError(
            f"The weights of run {folder.run_id} give {accuracy:.4f} test accuracy, its metrics say "
            f"{best.test_accuracy:.4f} at epoch {best.epoch}: they are not those of that epoch. Nothing was changed."
        )
    return {split: probs.numpy() for split, probs in found.items()}


def recompute(job: JobFolder, _request: Request, reporter: Reporter) -> None:
    """Do the job: its folder lies in that of the run (`recompute_job`)."""
    reporter("Opening the run", 0, 0, "")
    recompute_best_epoch(RunFolder(job.path.parents[1]), reporter)


if __name__ == "__main__":
    run_job_process(Request, recompute)
