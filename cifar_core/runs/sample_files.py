"""The files with labels and ids of the pictures that a run measures: .npz, one for each split."""

import hashlib
import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from cifar_core.data.array_files import open_npz


def samples_content(labels: np.ndarray, ids: np.ndarray) -> bytes:
    """The content of a file with labels int64 [N] and ids [N]; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, labels=np.asarray(labels, "<i8"), ids=np.asarray(ids, np.str_))
    return buffer.getvalue()


def read_samples(path: Path, count: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Labels int64 [N] and ids [N].

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
        return labels, arrays.read("ids.npy", "<U", labels.shape)


def hash_of_samples(labels: np.ndarray, ids: Iterable[Iterable[str]]) -> str:
    """SHA-256 of labels int64 [N] (little-endian), then N ids (UTF-8, a line break after each), given in chunks."""
    digest = hashlib.sha256(np.asarray(labels, "<i8").tobytes())
    for chunk in ids:
        digest.update("".join(f"{item}\n" for item in chunk).encode())
    return digest.hexdigest()
