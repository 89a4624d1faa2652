"""The files of the training records: `train.npz` once, `EPOCH.npy` for each epoch that is kept; how many are kept.

`train.npz` holds labels int64, ids and positions int64 (in the training part of the dataset) of the N pictures that the
run trains on. `EPOCH.npy` is an array [N] of `RECORD`. Files of unknown origin are read without trust.
"""

import io
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from cifar_core.config import RunConfig
from cifar_core.data.array_files import NpzArrays, check_header, npy_chunks, npy_header, open_npz
from cifar_core.runs.records import TrainingRecord
from cifar_core.text import MB, counted, size_text
from cifar_core.train import EpochLine, EpochRule, should_stop_early

# What the network answered to a picture in an epoch. float16 has 11 significant bits: a probability is exact to 0.0005
# near 1, a margin to a thousandth of itself. NaN, NaN and -1 where the epoch did not show the picture.
RECORD = np.dtype([("p_true", "<f2"), ("margin", "<f2"), ("predicted", "<i2")])
NOT_SHOWN = -1
# Of all files of a run: as much as the predictions of 500 epochs on 10,000 test pictures of 10 classes. 50,000 training
# pictures take 0.3 MB an epoch, so that each of 500 epochs, the most there are, is kept.
MOST_BYTES = 200 * MB
_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': \[\('p_true', '<f2'\), \('margin', '<f2'\), \('predicted', '<i2'\)\], "
    rb"'fortran_order': False, 'shape': \(([0-9]{1,12}),\), \} *\n",
    re.DOTALL,
)
_MAX_HEADER = 256  # bytes
_ARRAYS = ["ids.npy", "labels.npy", "positions.npy"]


@dataclass(frozen=True)
class TrainedPictures:
    """The pictures that a run trains on, in the order of its records."""

    labels: np.ndarray  # int64 [N]
    ids: np.ndarray  # str [N]
    positions: np.ndarray  # int64 [N], ascending, in the training part of the dataset


def pictures_content(pictures: TrainedPictures) -> bytes:
    """The content of `train.npz`; the same pictures give the same bytes."""
    buffer = io.BytesIO()
    labels, positions = np.asarray(pictures.labels, "<i8"), np.asarray(pictures.positions, "<i8")
    np.savez(buffer, labels=labels, ids=np.asarray(pictures.ids, np.str_), positions=positions)
    return buffer.getvalue()


def read_pictures_file(path: Path, count: int, classes: int) -> TrainedPictures:
    """Read `train.npz` of a run that trains on `count` pictures.

    Raises:
        DataError: it is no file of arrays, or damaged.
        OSError: it is missing or cannot be read.
        ValueError: its arrays break a rule; the text ends the sentence "it ...".
    """
    with open_npz(path) as arrays:
        if arrays.names != _ARRAYS:
            raise ValueError(f"does not hold {', '.join(_ARRAYS)} and nothing else")
        labels, positions = _whole(arrays, "labels.npy", "<i8", count), _whole(arrays, "positions.npy", "<i8", count)
        pictures = TrainedPictures(labels, _whole(arrays, "ids.npy", "<U", count), positions)
    if labels.size and (labels.min() < 0 or labels.max() >= classes):
        raise ValueError("holds a label that is not the number of a class")
    if positions.size and (positions[0] < 0 or (np.diff(positions) <= 0).any()):
        raise ValueError("holds positions that are not ascending numbers from 0")
    return pictures


def _whole(arrays: NpzArrays, name: str, kind: str, count: int) -> np.ndarray:
    """A whole array; a training part may have more pictures than `NpzArrays.read` allows of a test part."""
    with arrays.open(name) as stream:
        header = npy_header(stream)
        check_header(header, kind, (count,))
        return np.concatenate([np.empty(0, header.kind), *npy_chunks(stream, header)])


def record_of(p_true: np.ndarray, margin: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """The record of an epoch: an array [N] of `RECORD`.

    Args:
        p_true: float16 [N], the probability of the label.
        margin: float16 [N], the logit of the label minus the largest other one.
        predicted: int16 [N], the class.
    """
    records = np.empty(len(predicted), RECORD)
    records["p_true"], records["margin"], records["predicted"] = p_true, margin, predicted
    return records


def record_content(records: np.ndarray) -> bytes:
    """The content of the file of an epoch, from its record."""
    buffer = io.BytesIO()
    np.save(buffer, records, allow_pickle=False)
    return buffer.getvalue()


def read_record(stream: BinaryIO, labels: np.ndarray, classes: int) -> np.ndarray:
    """Read the file of an epoch, an array [N] of `RECORD`, and check every value.

    Args:
        stream: the file.
        labels: int64 [N], of the pictures.
        classes: how many there are.

    Raises:
        ValueError: it breaks a rule; the text ends the sentence "it ...".
    """
    count = len(labels)
    if os.fstat(stream.fileno()).st_size > _MAX_HEADER + count * RECORD.itemsize:
        raise ValueError(f"is longer than the records of {counted(count, 'picture')}")
    content = stream.read()
    match = _HEADER.match(content)
    if match is None or int.from_bytes(content[8:10], "little") != match.end() - 10:
        raise ValueError("does not hold training records")
    if int(match.group(1)) != count or len(content) != match.end() + count * RECORD.itemsize:
        raise ValueError(f"does not hold the records of {counted(count, 'picture')}")
    records = np.frombuffer(content, RECORD, offset=match.end())
    check_values(records, labels, classes)
    return records


def check_values(records: np.ndarray, labels: np.ndarray, classes: int) -> None:
    """Check every value of the record of an epoch; arguments and errors as of `read_record`."""
    absent = records["predicted"] == NOT_SHOWN
    for name in ("p_true", "margin"):
        if not np.array_equal(np.isnan(records[name]), absent):
            raise ValueError("says of a picture both that it was shown and that it was not")
    shown, true = records[~absent], labels[~absent]
    if ((shown["predicted"] < 0) | (shown["predicted"] >= classes)).any():
        raise ValueError("holds a predicted class that is not the number of a class")
    if ((shown["p_true"] < 0) | (shown["p_true"] > 1)).any():
        raise ValueError("holds a probability that is not between 0 and 1")
    if np.isinf(shown["margin"]).any():
        raise ValueError("holds a margin that is infinite")
    right = shown["predicted"] == true
    if ((shown["margin"] < 0) & right).any() or ((shown["margin"] > 0) & ~right).any():
        raise ValueError("holds a margin that does not fit the predicted class")


def every_of(count: int, once_bytes: int, epochs: int) -> int:
    """Every how many-th epoch is kept, beside the last, so that the files have at most `MOST_BYTES`.

    Args:
        count: pictures that the run trains on.
        once_bytes: of `train.npz`.
        epochs: of the run.

    Returns:
        1 where every epoch is kept; 0 where not even one has room.
    """
    room = (MOST_BYTES - once_bytes) // (_MAX_HEADER + count * RECORD.itemsize)
    if room < 1:
        return 0
    return next(every for every in range(1, epochs + 1) if -(-epochs // every) <= room)


def thinning_sentence(every: int, count: int, epochs: int) -> str:
    """What a person should know of a new run where not every epoch is kept; empty where each is."""
    if every == 1:
        return ""
    if every == 0:
        return (
            f"No training records are kept: the ids of {counted(count, 'training picture')} with the records of one "
            f"epoch take more than the {size_text(MOST_BYTES)} that a run keeps at most."
        )
    needed = size_text(count * RECORD.itemsize * epochs)
    return (
        f"The training records are kept of one epoch in {every} and of the last: those of "
        f"{counted(count, 'training picture')} take {needed} over {counted(epochs, 'epoch')}, and a run keeps at most "
        f"{size_text(MOST_BYTES)} of them."
    )


def kept_epochs(lines: Sequence[EpochLine], record: TrainingRecord, config: RunConfig, rule: EpochRule) -> list[int]:
    """The epochs, of those that were logged, whose records are kept: every so many-th, and the last of the training.

    Args:
        lines: the log.
        record: of the training; says every how many-th, and from which epoch on.
        config: the settings.
        rule: which epoch is the best, and so when the training stops early.
    """
    every, settings = record.record_every, config.optimizer
    if every == 0:
        return []
    ended = len(lines) == settings.epochs or should_stop_early(lines, settings.patience, rule)
    last = len(lines) if ended else 0
    return [epoch for epoch in range(record.recorded_from, len(lines) + 1) if epoch % every == 0 or epoch == last]
