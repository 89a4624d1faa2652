"""Keeps reduced originals while an import reads its pictures: in an unnamed file on the disk, not in memory.

Writes an unnamed file in the folder that it is given.
"""

import io
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from PIL import Image

from cifar_core.data.pictures import SIZE, scaled_size
from cifar_core.storage.atomic import unnamed_file, write_whole
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
    """The reduced originals of one import. Use it in `with`: the file is gone at the end, or when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._end = 0
        self.file: BinaryIO | None = None  # None until the first is kept
        self.beyond = 0  # pictures whose originals are not kept because the others fill the limit

    def keep(self, image: Image.Image) -> Place:
        """Keep an upright picture, RGB, where it is larger than 32 x 32; returns its place in the file.

        Raises:
            StorageError: the disk refused.
        """
        if max(image.size) <= SIZE:
            return NOWHERE
        content = reduced(image)
        if self.beyond or self._end + len(content) > MAX_ORIGINALS:
            self.beyond += 1
            return NOWHERE
        if self.file is None:
            self.file = unnamed_file(self._folder)
        with storage_errors("keeping the originals of the pictures"):
            write_whole(self.file, content)
        place = self._end, len(content)
        self._end += len(content)
        return place

    @property
    def beyond_sentence(self) -> str:
        """That some originals are not kept."""
        return (
            f"The originals of {counted(self.beyond, 'picture')} are not kept to be looked at: those of the others "
            f"fill the {size_text(MAX_ORIGINALS)} that a dataset may use for them."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.file is not None:
            self.file.close()


def reduced(image: Image.Image) -> bytes:
    """A picture as a JPEG whose long side has at most 256 pixels; it is never enlarged."""
    if max(image.size) > LONG_SIDE:
        size = scaled_size(*image.size, LONG_SIDE)
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=_REDUCING_GAP)
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=_QUALITY)
    return stream.getvalue()
