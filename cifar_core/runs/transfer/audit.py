"""Audits a run that is exported or imported: checks every file and every value in it.

Reads large files in chunks and trusts no size or shape that they claim. Loads no torch and unpickles nothing.
"""

import contextlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.config import ModelConfig
from cifar_core.data.array_files import check_header, npy_chunks, npy_header, open_npz
from cifar_core.errors import CifarCoreError
from cifar_core.runs.hashed_tensors import DamagedError, check_hash, check_tensors
from cifar_core.runs.results import read_lines
from cifar_core.runs.run import DatasetFacts
from cifar_core.runs.run_folder import METRICS, MOST_BYTES, RunFolder
from cifar_core.runs.tensor_limits import network_tensors
from cifar_core.runs.transfer.json_rules import JsonRecords, read_json_records
from cifar_core.text import size_text
from cifar_core.train import EpochLine, best_line

_ROUNDING = 1e-3  # of the sum of a picture's probabilities
_TOLERANCE = 1e-6  # of an accuracy that is computed again
_RANGE = 1e-6  # by which rounding may take a probability out of 0 to 1
_MEMBERS = ("labels.npy", "probs.npy", "ids.npy", "class_names.npy", "epoch.npy")  # of predictions.npz


@dataclass(frozen=True)
class AuditedRun:
    """A run that passed the audit: its records, and the names of its other files inside the folder."""

    records: JsonRecords
    files: tuple[str, ...]


def audit_run(folder: RunFolder) -> AuditedRun:
    """Check all files of a run that has ended, except its checkpoints, which are not exported.

    Raises:
        ValueError: something is missing or breaks a rule; the text names the file and the rule.
    """
    records = read_json_records(folder)
    lines = _check_metrics(folder, records)
    best = best_line(lines)
    if best is None:
        return AuditedRun(records, ())
    data = records.dataset
    if data is None or data.test == 0:
        raise ValueError("facts.json names no test pictures, although the run finished epochs")
    labels = _check_predictions(folder, data, lines)
    for line in lines:
        path = folder.history(line.epoch)
        with _opened(folder, path) as stream:
            accuracy = _check_probs(stream, data, labels)
            if line is best:
                _require_accuracy(accuracy, line)
    weights = check_weights(folder, best.epoch, records.settings.model, len(data.class_names))
    paths = [folder.metrics, folder.predictions, weights, *(folder.history(line.epoch) for line in lines)]
    return AuditedRun(records, tuple(path.relative_to(folder.path).as_posix() for path in paths))


def check_weights(folder: RunFolder, epoch: int, model: ModelConfig, classes: int) -> Path:
    """Check the file of the weights of the best epoch: its SHA-256, names and shapes; returns its path.

    Raises:
        ValueError: they are missing, damaged or of another network; the text names the file.
    """
    weights = folder.weights(epoch)
    with _opened(folder, weights) as stream:
        check_tensors(stream, network_tensors(model, classes))  # refuses a longer file before it is hashed
        stream.seek(0)
        check_hash(stream, required=False)
    return weights


@contextlib.contextmanager
def _opened(folder: RunFolder, path: Path) -> Iterator[BinaryIO]:
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


def _check_metrics(folder: RunFolder, records: JsonRecords) -> list[EpochLine]:
    """Check metrics.jsonl; returns its epochs, numbered from 1."""
    if not os.path.lexists(folder.metrics):
        return []
    with _opened(folder, folder.metrics) as stream:
        if os.fstat(stream.fileno()).st_size > MOST_BYTES[METRICS]:
            raise ValueError(f"is larger than the {size_text(MOST_BYTES[METRICS])} allowed")
    lines, problems = read_lines(folder)
    if problems:
        raise ValueError(problems[0].rstrip("."))
    if [line.epoch for line in lines] != list(range(1, len(lines) + 1)):
        raise ValueError("metrics.jsonl does not number its epochs 1, 2, 3 ...")
    if len(lines) > records.settings.optimizer.epochs:
        raise ValueError(
            f"metrics.jsonl has {len(lines)} epochs, the settings only {records.settings.optimizer.epochs}"
        )
    return lines


def _check_predictions(folder: RunFolder, data: DatasetFacts, lines: list[EpochLine]) -> np.ndarray:
    """Check predictions.npz; returns its labels, int64 [N]."""
    with _opened(folder, folder.predictions), open_npz(folder.predictions) as arrays:
        if arrays.names != sorted(_MEMBERS):
            raise ValueError(f"does not hold {', '.join(_MEMBERS)} and nothing else")
        labels = arrays.read("labels.npy", "<i8", (data.test,))
        if labels.min() < 0 or labels.max() >= len(data.class_names):
            raise ValueError("holds a label that is not the number of a class")
        if tuple(arrays.read("class_names.npy", "<U", (len(data.class_names),)).tolist()) != data.class_names:
            raise ValueError("names other classes than facts.json")
        with arrays.open("ids.npy") as stream:
            _check_ids(stream, data.test)
        epoch = int(arrays.read("epoch.npy", "<i8", ()))
        with arrays.open("probs.npy") as stream:
            accuracy = _check_probs(stream, data, labels)
        if not 1 <= epoch <= len(lines) + 1:  # one more after a crash between writing this file and logging the epoch
            raise ValueError(f"is of epoch {epoch}, which the run never had")
        if epoch <= len(lines):
            _require_accuracy(accuracy, lines[epoch - 1])
    return labels


def _check_ids(stream: BinaryIO, count: int) -> None:
    header = npy_header(stream)
    check_header(header, "<U", (count,))
    hashes = [np.fromiter(map(hash, chunk.tolist()), np.int64) for chunk in npy_chunks(stream, header)]
    if len(np.unique(np.concatenate(hashes))) < count:
        raise ValueError("gives two pictures the same id")


def _check_probs(stream: BinaryIO, data: DatasetFacts, labels: np.ndarray) -> float:
    """Check probabilities float32 [N, K]; returns their accuracy, a fraction."""
    header = npy_header(stream)
    check_header(header, "<f4", (data.test, len(data.class_names)))
    correct, start = 0, 0
    for chunk in npy_chunks(stream, header):
        if not np.isfinite(chunk).all() or chunk.min() < -_RANGE or chunk.max() > 1 + _RANGE:
            raise ValueError("holds probabilities outside 0 to 1")
        if (np.abs(chunk.sum(axis=1) - 1) > _ROUNDING).any():
            raise ValueError("holds probabilities that do not add up to 1")
        correct += int((chunk.argmax(axis=1) == labels[start : start + len(chunk)]).sum())
        start += len(chunk)
    return correct / len(labels)


def _require_accuracy(accuracy: float, line: EpochLine) -> None:
    if abs(accuracy - line.test_accuracy) > _TOLERANCE:
        raise ValueError(
            f"gives {accuracy:.4f} test accuracy, metrics.jsonl says {line.test_accuracy:.4f} at epoch {line.epoch}"
        )
