"""Writes the results and the progress of the training loop into the run folder, and passes requests to the loop."""

import contextlib
import io
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.torch
import torch

from cifar_core.config import ModelConfig
from cifar_core.data import Dataset, Split, usable_std
from cifar_core.errors import StorageError
from cifar_core.lifecycle.states import EndRequest, TrainingProgress
from cifar_core.lifecycle.status import write_progress
from cifar_core.runs.epoch_log import line_text
from cifar_core.runs.hashed_tensors import with_hash
from cifar_core.runs.records import TrainingRecord
from cifar_core.runs.run_folder import RunFolder
from cifar_core.runs.sample_files import Samples, samples_content
from cifar_core.runs.training.checkpoints import Checkpoints
from cifar_core.runs.training.record_writer import write_record
from cifar_core.runs.training.state_files import state_content
from cifar_core.storage.atomic import append_line, make_folder, remove, remove_folder, write_atomic
from cifar_core.storage.json_files import holds
from cifar_core.train import EpochLine, EpochPoint, MeasuredSplit, best_line
from cifar_core.train.batches import TrainingData
from cifar_core.train.trainer import Position, Trainer

STATUS_SECONDS = 0.25  # between two writes of the progress, which then cost next to nothing
CHECKPOINT_SECONDS = 60.0  # of training that a crash may cost, where a checkpoint is cheap
_CHECKPOINT_SHARE = 0.02  # of the time that checkpoints within an epoch may take


class Recorder:
    """What the training loop calls after each batch and epoch.

    The results of an epoch are written before its line of metrics.jsonl, so a logged epoch always has its results.
    """

    def __init__(
        self,
        folder: RunFolder,
        dataset: Dataset,
        trainer: Trainer,
        checkpoints: Checkpoints,
        record: TrainingRecord,
        request: Callable[[], EndRequest | None],
    ) -> None:
        epochs = trainer.config.optimizer.epochs
        self.progress = TrainingProgress("training", epoch=len(trainer.lines), epochs=epochs, elapsed=trainer.seconds)
        self._folder = folder
        self._dataset = dataset
        self._trainer = trainer
        self._checkpoints = checkpoints
        self._record = record
        self._request = request
        self._written_at = 0.0
        self._saved_at = time.monotonic()
        self._interval = CHECKPOINT_SECONDS  # between two checkpoints

    def on_batch(self, position: Position) -> EndRequest | None:
        """Write the progress, and a checkpoint when one is due; returns the request to the run."""
        self._write_progress("training", position)
        request = self._request()
        if request is None and time.monotonic() - self._saved_at >= self._interval:
            self._save()
        return request

    def on_point(self, point: EpochPoint) -> None:
        """Write the accuracy within an epoch; a power cut may lose it, and the run goes on where the disk is full."""
        with contextlib.suppress(StorageError):
            append_line(self._folder.within_epochs, line_text(point), durable=False)

    def on_measure(self, position: Position) -> EndRequest | None:
        """Write that the epoch is being measured, without delay when that begins; returns the request to the run."""
        self._write_progress("measuring", position, at_once=self.progress.phase != "measuring")
        return self._request()

    def on_epoch(self, trainer: Trainer, line: EpochLine, probs: dict[MeasuredSplit, torch.Tensor]) -> None:
        """Write the results of an epoch, and its line of metrics.jsonl last."""
        for split, found in probs.items():
            write_probs(self._folder, split, found.numpy(), line.epoch)
        write_record(self._folder, self._record, trainer)
        if best_line(trainer.lines, trainer.rule) is line:
            write_weights(self._folder.weights(line.epoch), self._dataset, trainer)
        self._save()
        append_line(self._folder.metrics, line_text(line))
        self._remove_weights(trainer.lines)

    def on_end(self) -> None:
        """Keep the last weights and the optimiser, and remove what a finished run does not need.

        Raises:
            StorageError: the disk took no more; the checkpoints are still there.
        """
        lines = self._trainer.lines
        if best_line(lines, self._trainer.rule) is not lines[-1]:
            write_weights(self._folder.last_weights(lines[-1].epoch), self._dataset, self._trainer)
        write_optimizer(self._folder.last_optimizer(lines[-1].epoch), self._trainer)
        with contextlib.suppress(StorageError):  # files that cannot be removed do not keep the run from finishing
            self._checkpoints.clear()
            self._remove_weights(lines)
            if self._folder.start_weights.parent.is_dir():
                remove_folder(self._folder.start_weights.parent, "removing the weights that the run began with")

    def _save(self) -> None:
        started = time.monotonic()
        self._checkpoints.save(self._trainer)
        self._saved_at = time.monotonic()
        self._interval = max(CHECKPOINT_SECONDS, (self._saved_at - started) / _CHECKPOINT_SHARE)

    def _remove_weights(self, lines: list[EpochLine]) -> None:
        """Keep the weights of the best epoch, and of those that would be the best after going back to a checkpoint."""
        logs = [lines, *(lines[:epochs] for epochs in self._checkpoints.epochs)]
        bests = [best_line(log, self._trainer.rule) for log in logs]
        wanted = {self._folder.weights(best.epoch) for best in bests if best is not None}
        for path in self._folder.weights(1).parent.glob("[0-9]*.safetensors"):
            if path not in wanted:
                remove(path)

    def _write_progress(self, phase: str, at: Position, *, at_once: bool = False) -> None:
        now = time.monotonic()
        if not at_once:
            if now - self._written_at < STATUS_SECONDS:
                return
            self._written_at = now  # not set by `at_once`: of short epochs the phase "training" would never be written
        self.progress = TrainingProgress(
            phase, at.epoch, at.epochs, at.batch, at.batches, at.images_per_second, seconds_left(at), at.seconds
        )
        with contextlib.suppress(StorageError):  # the run can go on without this progress being shown
            write_progress(self._folder, self.progress)


def write_weights(path: Path, dataset: Dataset, trainer: Trainer) -> None:
    """Write the present weights, with their SHA-256; the metadata make the file usable alone.

    Raises:
        StorageError: the disk refused.
    """
    weights = {name: tensor.contiguous().cpu() for name, tensor in trainer.net.state_dict().items()}
    make_folder(path.parent)
    write_atomic(path, *with_hash(safetensors.torch.save(weights, weights_metadata(dataset, trainer.config.model))))


def write_optimizer(path: Path, trainer: Trainer) -> None:
    """Write the present state of the optimiser, with its SHA-256; none where a value of it is no number.

    Raises:
        StorageError: the disk refused.
    """
    state = trainer.optimizer.state_dict()
    tensors = (value for kept in state["state"].values() for value in kept.values() if isinstance(value, torch.Tensor))
    if all(bool(tensor.isfinite().all()) for tensor in tensors):
        make_folder(path.parent)
        write_atomic(path, *state_content(state))


def weights_metadata(dataset: Dataset, model: ModelConfig) -> dict[str, str]:
    """The metadata of a file of weights, each value as JSON.

    `class_names` are in the order of the outputs. A pixel of 0 to 1 is normalised by subtracting `mean` and dividing by
    `std`, channel by channel. `model` are the settings that the network was made from.
    """
    return {
        "class_names": json.dumps(dataset.class_names, ensure_ascii=False),
        "mean": json.dumps(dataset.mean),
        "std": json.dumps(usable_std(dataset.std)),
        "model": json.dumps(asdict(model)),
    }


def seconds_left(at: Position) -> float | None:
    """Seconds to the end of the last epoch at the average speed so far; None before the first batch."""
    done = at.epoch - 1 + at.batch / max(1, at.batches)
    return at.seconds / done * (at.epochs - done) if done > 0 else None


def write_samples(
    folder: RunFolder, dataset: Dataset, data: TrainingData, seen: Mapping[MeasuredSplit, np.ndarray | None]
) -> None:
    """Write labels and ids of the pictures that the run measures, unless they are there as they should be.

    Args:
        folder: of the run.
        dataset: that it is trained on.
        data: its parts.
        seen: of `seen_by_weights`, bool [N] of each split, None where it is not known.

    Raises:
        StorageError: the disk refused.
    """
    make_folder(folder.predictions)
    chosen: dict[MeasuredSplit, tuple[Split, np.ndarray]] = {
        "test": (dataset.test, data.test.positions),
        "validation": (dataset.train, data.validation.positions),
    }
    for split, (source, positions) in chosen.items():
        content = samples_content(Samples(source.labels[positions], source.ids[positions], seen[split]))
        if len(positions) and not holds(folder.samples(split), content):
            write_atomic(folder.samples(split), content)


def write_probs(folder: RunFolder, split: MeasuredSplit, probs: np.ndarray, epoch: int) -> None:
    """Write probabilities float32 [N, K] of a part after an epoch.

    Raises:
        StorageError: the disk refused.
    """
    buffer = io.BytesIO()
    np.save(buffer, probs, allow_pickle=False)
    write_atomic(folder.probs(split, epoch), buffer.getvalue())
