"""The built-in default dataset `drawn10`: draw the ten CIFAR-10 classes and store them. Writes `data/drawn10/`."""

import numpy as np

from cifar_core.data import drawing
from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.store import is_saved, open_dataset, save_dataset
from cifar_core.workspace import Workspace

DRAWN10_NAME = "drawn10"
DRAWN10_TITLE = "Drawn pictures"
SEED = 0  # fixed: another seed would give another dataset
DRAWN10_TRAIN_PICTURES = 10_000
DRAWN10_TEST_PICTURES = 2_000
DRAWN10_CLASSES = len(drawing.CLASS_NAMES)


def draw_drawn10(
    workspace: Workspace,
    progress: drawing.OnDrawn | None = None,
    show: drawing.OnPictures | None = None,
    *,
    train: int = DRAWN10_TRAIN_PICTURES,
    test: int = DRAWN10_TEST_PICTURES,
) -> Dataset:
    """Draw and store `drawn10`, or open it if it is stored; the caller holds the lock of the dataset.

    Args:
        workspace: where to store it.
        progress: called with (pictures drawn, pictures in all).
        show: called with the pictures that were just drawn, uint8 [N, 3, 32, 32].
        train, test: how many pictures.

    Raises:
        DataError: it is broken on disk.
        StorageError: the disk refused; nothing is left behind.
    """
    if is_saved(workspace, DRAWN10_NAME):
        return open_dataset(workspace, DRAWN10_NAME)
    train_images, train_labels, test_images, test_labels = drawing.generate(SEED, train, test, progress, show=show)
    names = tuple(drawing.CLASS_NAMES)
    return save_dataset(
        workspace,
        DRAWN10_NAME,
        Split(train_images, train_labels, numbered_ids("train", train_labels, names)),
        Split(test_images, test_labels, numbered_ids("test", test_labels, names)),
        title=DRAWN10_TITLE,
        class_names=names,
        source=f"Drawn by this program with seed {SEED}.",
        notes=(
            f"{train:,} training and {test:,} test pictures were drawn, of each class as many; none was left out.",
            "Each picture has random numbers of its own, which follow from seed, part, place and class.",
        ),
    )


def numbered_ids(part: str, labels: np.ndarray, class_names: tuple[str, ...]) -> np.ndarray:
    """Ids of pictures without file names, such as "test/cat/00012": the number is the index in the part."""
    return np.array([f"{part}/{class_names[label]}/{index:05d}" for index, label in enumerate(labels)])
