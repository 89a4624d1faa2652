"""Writes the training records of a run: which epochs are kept, the pictures once, the answers after each such epoch."""

from dataclasses import replace

import numpy as np

from cifar_core.data import Dataset
from cifar_core.runs.records import MAX_WARNINGS, TrainingRecord, read_training_record
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.training_records.files import (
    TrainedPictures,
    every_of,
    kept_epochs,
    pictures_content,
    record_content,
    record_of,
    thinning_sentence,
)
from cifar_core.storage.atomic import make_folder, remove, write_atomic
from cifar_core.storage.json_files import holds
from cifar_core.train.trainer import Trainer


def begin_records(folder: RunFolder, record: TrainingRecord, dataset: Dataset, trainer: Trainer) -> TrainingRecord:
    """Decide which epochs are kept, name the pictures in a file, and remove records of epochs that come again.

    Args:
        folder: of the run; its `facts.json` is still that of an earlier process.
        record: how the training goes.
        dataset: of the run.
        trainer: of the run, with the state that it goes on from.

    Returns:
        The record with what was decided, and a sentence about it where not every epoch is kept.

    Raises:
        RunError: `facts.json` cannot be read.
        StorageError: the disk refused.
    """
    content = _pictures_content(dataset, trainer)
    record = _with_rule(folder, record, trainer, len(content))
    if not record.record_every:
        return record
    make_folder(folder.training_records)
    if not holds(folder.trained_pictures, content):
        write_atomic(folder.trained_pictures, content)
    wanted = {folder.record(epoch) for epoch in kept_epochs(trainer.lines, record, trainer.config, trainer.rule)}
    for path in folder.training_records.glob("[0-9]*.npy"):
        if path not in wanted:
            remove(path)
    return record


def _pictures_content(dataset: Dataset, trainer: Trainer) -> bytes:
    positions = trainer.data.train.positions
    labels, ids = np.asarray(dataset.train.labels)[positions], np.asarray(dataset.train.ids)[positions]
    return pictures_content(TrainedPictures(labels, ids, positions))


def _with_rule(folder: RunFolder, record: TrainingRecord, trainer: Trainer, once_bytes: int) -> TrainingRecord:
    """Add every how many-th epoch is kept, and from which on.

    That is decided when a run begins, or when this version first resumes a run of an earlier one. The epoch in which an
    earlier version was interrupted is not kept: of its beginning nothing is known, which would look like pruning. Where
    a person has deleted the records, those that the run still keeps begin with the next epoch.
    """
    before = read_training_record(folder)
    first = len(trainer.lines) + (1 if trainer.batch == 0 or trainer.records.whole else 2)
    count, epochs = len(trainer.data.train), trainer.config.optimizer.epochs
    if before is not None and before.record_every and (trainer.lines or trainer.batch):
        earlier = [folder.record(epoch) for epoch in kept_epochs(trainer.lines, before, trainer.config, trainer.rule)]
        deleted = bool(earlier) and not any(path.exists() for path in earlier)
        begin = first if deleted else min(first, before.recorded_from)
        return replace(record, record_every=before.record_every, recorded_from=begin)
    every = every_of(count, once_bytes, epochs)
    sentence = thinning_sentence(every, count, epochs)
    said = () if sentence in ("", *record.warnings) else (sentence,)
    warnings = (*record.warnings, *said)[:MAX_WARNINGS]
    return replace(record, record_every=every, recorded_from=first, warnings=warnings)


def write_record(folder: RunFolder, record: TrainingRecord, trainer: Trainer) -> None:
    """Write the answers of the epoch that has just ended, where it is one that is kept.

    Raises:
        StorageError: the disk refused.
    """
    epoch, answers = len(trainer.lines), trainer.records.answers()
    if answers is not None and epoch in kept_epochs(trainer.lines, record, trainer.config, trainer.rule):
        write_atomic(folder.record(epoch), record_content(record_of(*answers)))
