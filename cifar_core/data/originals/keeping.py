"""Keeps reduced originals while an import reads its pictures: in a file on the disk, not in memory.

Writes `originals.bin` in the folder that it is given.
"""

import io
import os
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from cifar_core.data.dataset import Split
from cifar_core.data.originals.file import ORIGINALS
from cifar_core.data.pictures import SIZE, scaled_size
from cifar_core.storage.atomic import write_whole
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.text import MB, counted, size_text

MAX_ORIGINALS = 256 * MB  # for a dataset: some 15,000 photographs
LONG_SIDE = 256  # pixels of a reduced original; a picture that is smaller keeps its size
_QUALITY = 85  # of the JPEG: from here on, more bytes change nothing that a person sees at this size
# Averaging whole blocks before the smooth resize takes a fifth of the time, and no eye sees it.
_REDUCING_GAP = 2.0
Place = tuple[int, int]  # start and length in the file; length 0 where nothing is kept
NOWHERE: Place = (0, 0)


class KeptOriginals:
    """The reduced originals of one import."""

    def __init__(self, folder: Path, end: int = 0, full: bool = False) -> None:
        """Go on with a file in a folder, of which the first `end` bytes stay; `full`: as below."""
        self._folder = folder
        self._end = end
        self.file: BinaryIO | None = open_originals(folder, end) if end else None  # None until the first is kept
        self._full = full  # whether one did not fit into the limit; no later one is kept then

    def keep(self, image: Image.Image) -> Place:
        """Keep an upright picture, RGB, where it is larger than 32 x 32; returns its place in the file.

        Raises:
            StorageError: the disk refused.
        """
        if max(image.size) <= SIZE:
            return NOWHERE
        content = reduced(image)
        self._full = self._full or self._end + len(content) > MAX_ORIGINALS
        if self._full:
            return NOWHERE
        if self.file is None:
            self.file = open_originals(self._folder, 0)
        with storage_errors("keeping the originals of the pictures"):
            write_whole(self.file, content)
        place = self._end, len(content)
        self._end += len(content)
        return place

    def sync(self) -> None:
        """Make what is kept survive a power cut."""
        if self.file is not None:
            os.fsync(self.file.fileno())

    def close(self) -> None:
        """Close the file; it stays."""
        if self.file is not None:
            self.file.close()


def open_originals(folder: Path, end: int) -> BinaryIO:
    """The file of kept originals, unbuffered, of which the first `end` bytes stay; StorageError if the disk refuses."""
    with storage_errors("keeping the originals of the pictures"):
        file = open(folder / ORIGINALS, "ab+", buffering=0)  # noqa: SIM115 - closed at the end of the import
        file.truncate(end)
        return file


def beyond_sentence(*splits: Split) -> str:
    """How many larger pictures of a new dataset have no original because the others fill the limit; empty for none.

    Counted at the end: a picture of 16-bit grey may have been kept twice, and one of a class that is left out is none.
    """
    beyond = sum(
        int(((split.sizes.max(axis=1) > SIZE) & (split.originals[:, 1] == 0)).sum())
        for split in splits
        if split.sizes is not None and split.originals is not None
    )
    if not beyond:
        return ""
    return (
        f"The originals of {counted(beyond, 'picture')} are not kept to be looked at: those of the others fill the "
        f"{size_text(MAX_ORIGINALS)} that a dataset may use for them."
    )


def reduced(image: Image.Image) -> bytes:
    """A picture as a JPEG whose long side has at most 256 pixels; it is never enlarged."""
    if max(image.size) > LONG_SIDE:
        size = scaled_size(*image.size, LONG_SIDE)
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
