"""The files with labels and ids of the pictures that a run measures, and which it was trained on: .npz, one a split."""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cifar_core.data.array_files import open_npz

SEEN = "seen.npy"  # runs that were trained before duplicates were looked for have none


@dataclass(frozen=True)
class Samples:
    """The pictures of a split that a run measures."""

    labels: np.ndarray  # int64 [N]
    ids: np.ndarray  # str [N]
    seen: np.ndarray | None = None  # bool [N], whether it was seen in training too; None where not known


def samples_content(samples: Samples) -> bytes:
    """The content of a file of samples; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    arrays = {"labels": np.asarray(samples.labels, "<i8"), "ids": np.asarray(samples.ids, np.str_)}
    if samples.seen is not None:
        arrays[SEEN.removesuffix(".npy")] = np.asarray(samples.seen, np.uint8)
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read_samples(path: Path, count: int | None = None) -> Samples:
    """Read a file of samples.

    Args:
        path: the file; other arrays in it are ignored.
        count: the expected N, where it is known.

    Raises:
        DataError: it is no file of arrays, or damaged.
        OSError: it is missing or cannot be read.
        ValueError: its arrays have other types or shapes.
    """
    with open_npz(path) as arrays:
        labels = arrays.read("labels.npy", "<i8", (count,))
        seen = arrays.read(SEEN, "|u1", labels.shape).astype(bool) if SEEN in arrays.names else None
        return Samples(labels, arrays.read("ids.npy", "<U", labels.shape), seen)


def hash_of_samples(labels: np.ndarray, ids: Iterable[Iterable[str]]) -> str:
    """SHA-256 of labels int64 [N] (little-endian), then N ids (UTF-8, a line break after each), given in chunks."""
    digest = hashlib.sha256(np.asarray(labels, "<i8").tobytes())
    for chunk in ids:
        digest.update("".join(f"{item}\n" for item in chunk).encode())
    return digest.hexdigest()
