"""Reading pictures of a stored split as copies."""

import os

import numpy as np
import pytest

from cifar_core.data import read_pictures
from cifar_core.errors import DataError
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny


def test_copies_equal_the_memory_map(workspace: Workspace) -> None:
    images = save_tiny(workspace).train.images
    positions = np.random.default_rng(0).permutation(len(images))[:50]
    assert np.array_equal(read_pictures(images, positions), images[positions])
    assert np.array_equal(read_pictures(images[5:], positions[:9] % 10), images[5:][positions[:9] % 10]), "a part of it"
    in_memory = np.array(images)
    assert np.array_equal(read_pictures(in_memory, positions), images[positions])
    assert read_pictures(images, positions[:0]).shape == (0, 3, 32, 32)
    file = workspace.data / "tiny" / "train_images.npy"
    os.truncate(file, file.stat().st_size - 10)
    with pytest.raises(DataError, match="is shorter than when it was opened"):
        read_pictures(images, np.array([len(images) - 1]))
