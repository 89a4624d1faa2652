"""Checks every value in the results of a run: log of the epochs, predictions, weights.

`runs verify`, export and import share it. Reads large files in chunks and trusts no size or shape that they claim.
Loads no torch and unpickles nothing.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.config import ModelConfig, RunConfig
from cifar_core.data.array_files import check_header, npy_chunks, npy_header, open_npz
from cifar_core.errors import CifarCoreError
from cifar_core.evaluate.checks import check_probs
from cifar_core.runs.epoch_log import read_lines, read_points
from cifar_core.runs.hashed_tensors import DamagedError, check_hash, check_optimizer_tensors, check_tensors
from cifar_core.runs.records import CreationRecord, TrainingRecord
from cifar_core.runs.run import IMPORTED, RUN_SCHEMA, DatasetFacts
from cifar_core.runs.run_folder import METRICS, MOST_BYTES, WITHIN_EPOCHS, RunFolder
from cifar_core.runs.sample_files import SEEN, hash_of_samples
from cifar_core.runs.tensor_limits import most_optimizer, network_tensors
from cifar_core.runs.training_records.files import NOT_SHOWN, kept_epochs, read_pictures_file, read_record
from cifar_core.text import size_text
from cifar_core.train import EpochLine, MeasuredSplit, best_line

_TOLERANCE = 1e-6  # of an accuracy that is computed again


class ResultChecks:
    """The checks of one run's results.

    After `faults` is exhausted, `files` are those that the results are made of, by the name that each has in the
    present schema, and `test_hash` is that of the test labels and ids.
    """

    def __init__(
        self, stored: RunFolder, creation: CreationRecord, settings: RunConfig, training: TrainingRecord | None
    ) -> None:
        """Prepare the checks of a run that lies in `stored`, as `as_stored` gives it."""
        self.folder = stored
        self._present = RunFolder(stored.path)  # with the names of the present schema
        self.creation = creation
        self.settings = settings
        self.training = training
        self.data = training.dataset if training else None
        self.files: dict[str, Path] = {}
        self.test_hash = ""

    def faults(self, *, weights: bool = True) -> Iterator[str]:
        """What is missing or breaks a rule: each text names the file and the rule, and lacks the full stop.

        Args:
            weights: check those of the best and of the last epoch and the state of the optimiser too, which an active
                run may be replacing.
        """
        yield from self._point_faults()
        yield from self._log_faults()
        lines = read_lines(self.folder)[0]
        best = best_line(lines, self.creation.epoch_rule)
        if best is None:
            return
        if self.training is None or self.data is None or self.data.test == 0:
            yield "facts.json names no test pictures, although the run finished epochs"
            return
        for split in ("test", "validation"):
            yield from self._split_faults(split, lines, self.data)
        yield from self._record_faults(lines, self.training)
        if weights and self.creation.origin != IMPORTED:
            model, classes = self.settings.model, len(self.data.class_names)
            yield from self._fault(lambda: check_weights(self.folder, best.epoch, model, classes))
            self._keep(self.folder.weights(best.epoch), self._present.weights(best.epoch))
            last = self.folder.last_weights(lines[-1].epoch)
            if os.path.lexists(last):
                yield from self._fault(lambda: _check_network(self.folder, last, model, classes))
                self._keep(last, last)
            optimizer = self.folder.last_optimizer(lines[-1].epoch)
            if os.path.lexists(optimizer):
                yield from self._fault(lambda: _check_optimizer(self.folder, optimizer, model, classes))
                self._keep(optimizer, optimizer)

    def _point_faults(self) -> Iterator[str]:
        """Check the accuracy within epochs; call this before the epochs are read, for an active run adds some."""
        if not os.path.lexists(self.folder.within_epochs):
            return
        yield from self._fault(lambda: _check_log_size(self.folder, self.folder.within_epochs))
        points, problems = read_points(self.folder)
        yield from (problem.rstrip(".") for problem in problems)
        places = [point.place for point in points]
        if any(later <= earlier for earlier, later in pairwise(places)):
            yield f"{WITHIN_EPOCHS} has a point twice, or its points are not in the order of the training"
        most = min(len(read_lines(self.folder)[0]) + 1, self.settings.optimizer.epochs)
        if places and places[-1][0] > most:
            yield f"{WITHIN_EPOCHS} has a point of epoch {places[-1][0]}, the run came only to epoch {most}"
        if self.data and any(point.pictures > self.data.count_of(point.part) for point in points):
            yield f"{WITHIN_EPOCHS} counts more pictures than facts.json names"
        self._keep(self.folder.within_epochs, self.folder.within_epochs)

    def _log_faults(self) -> Iterator[str]:
        if not os.path.lexists(self.folder.metrics):
            return
        yield from self._fault(lambda: _check_log_size(self.folder, self.folder.metrics))
        lines, problems = read_lines(self.folder)
        yield from (problem.rstrip(".") for problem in problems)
        if [line.epoch for line in lines] != list(range(1, len(lines) + 1)):
            yield f"{METRICS} does not number its epochs 1, 2, 3 ..."
        trained = self.creation.origin != IMPORTED
        if any((None in (line.train_loss, line.train_accuracy, line.learning_rate)) is trained for line in lines):
            yield f"{METRICS} has {'an epoch without' if trained else 'imported predictions with'} values of a training"
        most = self.settings.optimizer.epochs
        if len(lines) > most:
            yield f"{METRICS} has {len(lines)} epochs, the settings only {most}"
        self._keep(self.folder.metrics, self.folder.metrics)

    def _split_faults(self, split: MeasuredSplit, lines: list[EpochLine], data: DatasetFacts) -> Iterator[str]:
        """Check labels and ids of a split, and its probabilities after each epoch.

        An epoch that a run of an earlier schema trained has none for the validation part.
        """
        optional = split == "validation" and self.creation.first_schema < RUN_SCHEMA
        kept = [line for line in lines if not optional or os.path.lexists(self.folder.probs(split, line.epoch))]
        if data.count_of(split) == 0 or not kept:
            return
        labels: np.ndarray | None = None
        try:
            labels, found = _check_samples(self.folder, split, data)
            self.test_hash = found if split == "test" else self.test_hash
            self._keep(self.folder.samples(split), self._present.samples(split))
        except ValueError as error:
            yield str(error)
        for line in kept:
            yield from self._fault(partial(_check_epoch, self.folder, split, line, data, labels))
            self._keep(self.folder.probs(split, line.epoch), self._present.probs(split, line.epoch))

    def _record_faults(self, lines: list[EpochLine], training: TrainingRecord) -> Iterator[str]:
        """Check the training records; a run is whole without their folder, which a person may have deleted."""
        epochs = kept_epochs(lines, training, self.settings, self.creation.epoch_rule)
        name = self.folder.training_records.name
        if epochs and os.path.lexists(self.folder.training_records):
            for fault in self._faults_of_records([lines[epoch - 1] for epoch in epochs], training.dataset):
                yield f"{fault} (delete the folder {name} where it cannot be repaired: the run is whole without it)"

    def _faults_of_records(self, lines: list[EpochLine], data: DatasetFacts) -> Iterator[str]:
        """Check the training records of the epochs that are kept."""
        folder = self.folder
        try:
            labels = _check_trained_pictures(folder, data)
        except ValueError as error:
            yield str(error)
            return
        self._keep(folder.trained_pictures, folder.trained_pictures)
        weighted = self.settings.optimizer.prune_share > 0  # then the log's accuracy is not that of the pictures shown
        for line in lines:
            yield from self._fault(partial(_check_record, folder, line, data, labels, compared=not weighted))
            self._keep(folder.record(line.epoch), folder.record(line.epoch))

    def _keep(self, path: Path, present: Path) -> None:
        self.files[present.relative_to(self.folder.path).as_posix()] = path

    @staticmethod
    def _fault(check: Callable[[], object]) -> Iterator[str]:
        try:
            check()
        except ValueError as error:
            yield str(error)


def check_weights(stored: RunFolder, epoch: int, model: ModelConfig, classes: int) -> None:
    """Check the file of the weights of the best epoch: its SHA-256, names and shapes.

    Raises:
        ValueError: they are missing, damaged or of another network; the text names the file.
    """
    _check_network(stored, stored.weights(epoch), model, classes)


def _check_network(stored: RunFolder, path: Path, model: ModelConfig, classes: int) -> None:
    with opened(stored, path) as stream:
        check_tensors(stream, network_tensors(model, classes))  # refuses a longer file before it is hashed
        stream.seek(0)
        check_hash(stream, required=False)


def _check_optimizer(stored: RunFolder, path: Path, model: ModelConfig, classes: int) -> None:
    with opened(stored, path) as stream:
        if os.fstat(stream.fileno()).st_size > most_optimizer(model, classes):
            raise ValueError("is larger than the state of an optimiser of its network")
        check_optimizer_tensors(stream, network_tensors(model, classes))
        stream.seek(0)
        check_hash(stream)


@contextlib.contextmanager
def opened(folder: RunFolder, path: Path) -> Iterator[BinaryIO]:
    """A file of the run, opened for reading; errors inside the context become a ValueError with the file's name."""
    name = path.relative_to(folder.path).as_posix()
    try:
        if path.parent.is_symlink() or not stat.S_ISREG(path.lstat().st_mode):
            raise ValueError("is a symbolic link or not a file")
        with open(path, "rb") as stream:
            yield stream
    except FileNotFoundError as error:
        raise ValueError(f"{name} is missing") from error
    except OSError as error:
        raise ValueError(f"{name} cannot be read ({error.strerror})") from error
    except (DamagedError, CifarCoreError) as error:
        raise ValueError(f"{name} cannot be used: {str(error).rstrip('.')}") from error
    except ValueError as error:
        raise ValueError(f"{name} cannot be used: it {error}") from error


def _check_log_size(folder: RunFolder, path: Path) -> None:
    most = MOST_BYTES[path.name]
    with opened(folder, path) as stream:
        if os.fstat(stream.fileno()).st_size > most:
            raise ValueError(f"is larger than the {size_text(most)} allowed")


def _check_samples(folder: RunFolder, split: MeasuredSplit, data: DatasetFacts) -> tuple[np.ndarray, str]:
    """Check the file of labels and ids; returns the labels, int64 [N], and the hash of both."""
    path, count = folder.samples(split), data.count_of(split)
    with opened(folder, path), open_npz(path) as arrays:
        expected = folder.sample_arrays(split, seen=data.seen_of(split) is not None)
        if arrays.names != expected:
            raise ValueError(f"does not hold {', '.join(expected)} and nothing else")
        labels = arrays.read("labels.npy", "<i8", (count,))
        if labels.min() < 0 or labels.max() >= len(data.class_names):
            raise ValueError("holds a label that is not the number of a class")
        with arrays.open("ids.npy") as stream:
            found = _check_ids(stream, labels)
        if split == "test" and data.test_hash not in ("", found):
            raise ValueError("holds other labels or ids than facts.json says")
        if SEEN in expected:
            seen = arrays.read(SEEN, "|u1", (count,))
            if seen.max() > 1 or int(seen.sum()) != data.seen_of(split):
                raise ValueError("counts other pictures as seen in training than facts.json says")
    return labels, found


def _check_ids(stream: BinaryIO, labels: np.ndarray) -> str:
    """Check that no two ids are the same; returns the hash of labels and ids."""
    header = npy_header(stream)
    check_header(header, "<U", labels.shape)
    hashes: list[np.ndarray] = []

    def chunks() -> Iterator[list[str]]:
        for chunk in npy_chunks(stream, header):
            texts = chunk.tolist()
            hashes.append(np.fromiter(map(hash, texts), np.int64))
            yield texts

    digest = hash_of_samples(labels, chunks())
    if len(np.unique(np.concatenate(hashes))) < len(labels):
        raise ValueError("gives two pictures the same id")
    return digest


def _check_epoch(
    folder: RunFolder, split: MeasuredSplit, line: EpochLine, data: DatasetFacts, labels: np.ndarray | None
) -> None:
    """Check the probabilities of a split after an epoch, and compare their accuracy with that of the log."""
    with opened(folder, folder.probs(split, line.epoch)) as stream:
        header = npy_header(stream)
        check_header(header, "<f4", (data.count_of(split), len(data.class_names)))
        guesses = [np.empty(0, np.int64)]
        for chunk in npy_chunks(stream, header):
            check_probs(chunk, first=sum(map(len, guesses)))
            guesses.append(chunk.argmax(axis=1))
        logged = line.test_accuracy if split == "test" else line.validation_accuracy
        if labels is None or logged is None:
            return
        accuracy = float(np.mean(np.concatenate(guesses) == labels))
        if abs(accuracy - logged) > _TOLERANCE:
            raise ValueError(
                f"gives {accuracy:.4f} {split} accuracy, {METRICS} says {logged:.4f} at epoch {line.epoch}"
            )


def _check_trained_pictures(folder: RunFolder, data: DatasetFacts) -> np.ndarray:
    """Check the file that names the pictures that the run trains on; returns their labels, int64 [N]."""
    with opened(folder, folder.trained_pictures):
        found = read_pictures_file(folder.trained_pictures, data.train, len(data.class_names))
        if len(np.unique(found.ids)) < data.train:
            raise ValueError("gives two pictures the same id")
    return found.labels


def _check_record(
    folder: RunFolder, line: EpochLine, data: DatasetFacts, labels: np.ndarray, *, compared: bool
) -> None:
    """Check the training records of an epoch; `compared`: their accuracy must be that of the log."""
    with opened(folder, folder.record(line.epoch)) as stream:
        predicted = read_record(stream, labels, len(data.class_names))["predicted"]
        accuracy = int((predicted == labels).sum()) / max(1, int((predicted != NOT_SHOWN).sum()))
        logged = line.train_accuracy
        if compared and logged is not None and abs(accuracy - logged) > _TOLERANCE:
            raise ValueError(
                f"gives {accuracy:.4f} training accuracy, {METRICS} says {logged:.4f} at epoch {line.epoch}"
            )
