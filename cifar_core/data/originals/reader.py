"""Reads the reduced original of one picture of a dataset, from `originals.bin` in the dataset's folder."""

import contextlib
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image

from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.originals.file import ORIGINALS, read_range
from cifar_core.data.pictures import decode_upright
from cifar_core.data.sources.archive_limits import open_regular_file
from cifar_core.data.store import dataset_folder
from cifar_core.errors import DataError
from cifar_core.workspace import Workspace


@contextlib.contextmanager
def opened_originals(workspace: Workspace, dataset: Dataset) -> Iterator[BinaryIO | None]:
    """The file of a dataset's originals, opened; None where it keeps none, or the file is gone or damaged."""
    path = dataset_folder(workspace, dataset.name) / ORIGINALS
    needed = [
        split.originals.sum(axis=1).max() for split in (dataset.train, dataset.test) if split.originals is not None
    ]
    with contextlib.ExitStack() as stack:
        file = None
        with contextlib.suppress(OSError):
            if path.is_file() and path.stat().st_size >= max(needed, default=0):
                file = stack.enter_context(open(path, "rb"))
        yield file


def read_original(workspace: Workspace, name: str, split: Split, row: int) -> Image.Image | None:
    """What a picture looked like before it became 32 x 32: RGB, its long side at most 256 pixels.

    Args:
        workspace: where the dataset is.
        name: of the dataset.
        split: a part of it.
        row: of the picture in that part.

    Returns:
        The picture; None where no original is kept.

    Raises:
        DataError: the file of the originals is missing or damaged; nothing else needs it.
    """
    if split.originals is None or not split.originals[row, 1]:
        return None
    start, length = split.originals[row].tolist()
    try:
        with open_regular_file(dataset_folder(workspace, name) / ORIGINALS, ORIGINALS) as source:
            content = read_range(source, start, length)
        return decode_upright(content, name=f"Its place in {ORIGINALS}").image
    except (DataError, OSError) as error:
        reason = str(error) if isinstance(error, DataError) else f"{ORIGINALS}: {error.strerror}."
        raise DataError(
            f"The original of {split.ids[row]} cannot be shown, which changes nothing else. {reason} To see it again, "
            "import the pictures anew."
        ) from error
