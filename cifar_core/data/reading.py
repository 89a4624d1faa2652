"""Pictures of a stored split as copies, for work that goes through more of them than memory should hold."""

import os
from typing import Any

import numpy as np

from cifar_core.errors import DataError


def read_pictures(images: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """A copy of some pictures of a split, read from its file, so that nothing of it is mapped into this process's memory.

    (Looking at a few pictures of a memory map makes the system map up to 2 MB around each.)

    Args:
        images: a split's, uint8 [N, 3, 32, 32].
        positions: int [B], in any order.

    Raises:
        DataError: the file has become shorter.
    """
    owner: Any = images
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    if owner is None or not images.flags.c_contiguous or not hasattr(os, "preadv"):  # in memory, or on Windows
        return images[positions]
    begin = owner.offset + images.ctypes.data - owner.ctypes.data
    copy = np.empty((len(positions), *images.shape[1:]), images.dtype)
    with open(owner.filename, "rb", buffering=0) as file:
        for place, position in zip(copy, positions.tolist(), strict=True):
            if os.preadv(file.fileno(), [place], begin + position * place.nbytes) != place.nbytes:
                raise DataError(
                    f"{owner.filename} has become shorter than it was: delete the dataset and get it again."
                )
    return copy
