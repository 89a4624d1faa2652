"""Read pictures of a stored split as copies, for work that goes through more of them than memory should hold."""

import os
from typing import Any

import numpy as np

from cifar_core.errors import DataError


def read_pictures(images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """A copy of some pictures of a split, read from its file without mapping it into the memory of this process.

    (Reading a few pictures through a memory map makes the system map up to 2 MB around each.)

    Args:
        images: the pictures of the split, uint8 [N, 3, 32, 32].
        positions: int [B], in any order.

    Raises:
        DataError: the file is shorter than when it was opened, or cannot be read any more.
    """
    owner = mapped(images)
    if owner is None or not images.flags.c_contiguous or not hasattr(os, "preadv"):  # in memory, or on Windows
        return images[positions]
    begin = owner.offset + images.ctypes.data - owner.ctypes.data
    copy = np.empty((len(positions), *images.shape[1:]), images.dtype)
    try:
        with open(str(owner.filename), "rb", buffering=0) as file:
            for picture, position in zip(copy, positions.tolist(), strict=True):
                if os.preadv(file.fileno(), [picture], begin + position * picture.nbytes) != picture.nbytes:
                    raise DataError(
                        f"{owner.filename} is shorter than when it was opened: delete the dataset and get it again."
                    )
    except OSError as error:
        raise DataError(
            f"{owner.filename} cannot be read any more ({error.strerror}): open the dataset anew."
        ) from error
    return copy


def mapped(array: np.ndarray) -> np.memmap | None:
    """The memory map of a file that an array is, or is a part of; None of one that lies in memory."""
    owner: Any = array
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    return owner if isinstance(owner, np.memmap) else None
