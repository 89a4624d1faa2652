"""What a dataset is: its pictures in two parts, and the facts that follow from them. Only its arguments are read."""

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
import pandas as pd

from cifar_core.data.picture_reader import read_pictures

_HASH_CHUNK = 2000  # pictures hashed at once
_STATISTICS_CHUNK = 2000  # pictures counted at once: bincount widens each byte to eight
# How a picture that is not square is brought to 32 x 32, and what people call it.
Fit = Literal["crop", "pad", "stretch"]
FIT_TITLES: dict[Fit, str] = {
    "crop": "central square",
    "pad": "whole picture with borders",
    "stretch": "stretched",
}


@dataclass(frozen=True)
class Split:
    """The pictures of one part, in a fixed order."""

    images: np.ndarray  # uint8 [N, 3, 32, 32], read-only memory map
    labels: np.ndarray  # int64 [N], index into the class names
    ids: np.ndarray  # str [N], unique within the part, e.g. "test/cat/00012.jpg"
    sizes: np.ndarray | None = None  # int32 [N, 2], width and height before resizing; None where not recorded
    formats: np.ndarray | None = None  # uint8 [N], index into `PILLOW_FORMATS`; None where not recorded
    # int64 [N, 2], start and length of the reduced original in `originals.bin`, length 0 where none is kept; None where
    # none is kept of any picture.
    originals: np.ndarray | None = None

    def take(self, rows: np.ndarray) -> "Split":
        """Some of the pictures: those at positions int64 [n], or where bool [N] is true."""
        return Split(*(None if array is None else array[rows] for array in self._arrays))  # type: ignore[arg-type]

    def join(self, other: "Split") -> "Split":
        """These pictures and then the others; what one of the two does not have is not recorded."""
        pairs = zip(self._arrays, other._arrays, strict=True)
        joined = (
            None if first is None or second is None else np.concatenate([first, second]) for first, second in pairs
        )
        return Split(*joined)  # type: ignore[arg-type]

    @property
    def _arrays(self) -> tuple[np.ndarray | None, ...]:
        return tuple(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True)
class Dataset:
    """An opened dataset; its arrays stay on disk and are read where they are used."""

    name: str
    title: str
    class_names: tuple[str, ...]
    train: Split
    test: Split
    mean: tuple[float, float, float]  # per channel of the training part, in units of 0..1 (pixel / 255)
    std: tuple[float, float, float]
    fingerprint: str  # SHA-256 over images, labels, class names and `validation`
    source: str  # one sentence: where it came from
    validation: np.ndarray | None = None  # int64 [V], ascending positions in `train`: its own validation pictures
    grey_bits: int = 16  # 12 where the 16-bit grey pictures of its source used only 12 of them
    fit: Fit = "crop"  # how its pictures were brought to 32 x 32
    notes: tuple[str, ...] = ()  # how it was made and split, and what was left out, a sentence each

    @property
    def held(self) -> int:
        """How many validation pictures of its own it has."""
        return 0 if self.validation is None else len(self.validation)


def parts_of(dataset: Dataset) -> dict[str, tuple[Split, np.ndarray]]:
    """The parts of a dataset as people know them, which have no picture in common: arrays, and int64 positions in them.

    They are `train`, `validation` where the dataset has validation pictures of its own, and `test`.
    """
    train, test = (np.arange(len(split.labels)) for split in (dataset.train, dataset.test))
    if dataset.validation is None:
        return {"train": (dataset.train, train), "test": (dataset.test, test)}
    others = np.setdiff1d(train, dataset.validation, assume_unique=True)
    return {
        "train": (dataset.train, others),
        "validation": (dataset.train, dataset.validation),
        "test": (dataset.test, test),
    }


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """Pictures per class: columns `class` and those of `parts_of`, one row per class."""
    counts = {
        part: np.bincount(split.labels[rows], minlength=len(dataset.class_names))
        for part, (split, rows) in parts_of(dataset).items()
    }
    return pd.DataFrame({"class": list(dataset.class_names), **counts})


def channel_statistics(images: np.ndarray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Mean and (population) standard deviation per channel, in units of 0..1, exact from the counts of the 256 levels.

    Args:
        images: uint8 [N, 3, H, W].
    """
    counts = np.zeros((3, 256), np.int64)
    for start in range(0, len(images), _STATISTICS_CHUNK):
        chunk = read_pictures(images, np.arange(start, min(start + _STATISTICS_CHUNK, len(images))))
        for channel in range(3):
            counts[channel] += np.bincount(chunk[:, channel].ravel(), minlength=256)
    levels = np.arange(256) / 255
    total = counts.sum(axis=1)
    mean = counts @ levels / total
    variance = counts @ levels**2 / total - mean**2
    std = np.sqrt(np.maximum(variance, 0))
    return tuple(mean.tolist()), tuple(std.tolist())


def fingerprint(train: Split, test: Split, class_names: tuple[str, ...], validation: np.ndarray | None = None) -> str:
    """SHA-256 (hex) over class names (JSON), then images (bytes) and labels (little-endian int64) of train and test.

    The positions of the dataset's own validation pictures (little-endian int64) follow, where it has any.
    """
    digest = hashlib.sha256(json.dumps(list(class_names)).encode())
    for split in (train, test):
        for start in range(0, len(split.images), _HASH_CHUNK):
            positions = np.arange(start, min(start + _HASH_CHUNK, len(split.images)))
            digest.update(read_pictures(split.images, positions).data)
        digest.update(np.ascontiguousarray(split.labels, dtype="<i8").data)
    if validation is not None:
        digest.update(np.ascontiguousarray(validation, dtype="<i8").data)
    return digest.hexdigest()


def hash_of_pictures(split: Split) -> str:
    """SHA-256 (hex) over each id (UTF-8 and a line break) and its image (bytes), in the order of the ids.

    Parts with the same hash have the same pixels under the same ids, in whatever order and whatever their classes are.
    """
    digest = hashlib.sha256()
    order = np.argsort(split.ids, kind="stable")
    for start in range(0, len(order), _HASH_CHUNK):
        positions = order[start : start + _HASH_CHUNK]
        for name, image in zip(split.ids[positions], read_pictures(split.images, positions), strict=True):
            digest.update(f"{name}\n".encode())
            digest.update(image.data)
    return digest.hexdigest()
