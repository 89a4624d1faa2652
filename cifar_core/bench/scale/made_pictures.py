"""Makes a folder, a zip and a tar of many tiny pictures, half PNG and half JPEG, for a measurement. Writes both."""

import io
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

CLASSES = 10
_BLOCKS = 8  # a picture has so many blocks of one colour on each side, and a little noise
_MADE_AT_ONCE = 1000


def make_pictures(folder: Path, train: int, test: int) -> tuple[Path, Path, Path]:
    """The same pictures as `folder/pictures/PART/CLASS/NUMBER.png|jpg`, as `pictures.zip` and as `pictures.tar`.

    Those that are there already are not made again.
    """
    tree, zipped, packed = (folder / f"pictures{ending}" for ending in ("", ".zip", ".tar"))
    if not packed.exists():
        for part in ("train", "test"):
            for label in range(CLASSES):
                (tree / part / f"class-{label}").mkdir(parents=True, exist_ok=True)
        unfinished = packed.with_suffix(".part")
        with tarfile.open(unfinished, "w") as archive, zipfile.ZipFile(zipped, "w") as zip_archive:
            for name, content in _files(train, test):
                (tree / name).write_bytes(content)
                zip_archive.writestr(name, content)
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        unfinished.rename(packed)
    return tree, zipped, packed


def _files(train: int, test: int) -> Iterator[tuple[str, bytes]]:
    """Each file with its content; the classes take turns, so that an archive is not in the order of the dataset."""
    rng = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        for start in range(0, count, _MADE_AT_ONCE):
            for number, pixels in enumerate(_pictures(rng, start, min(_MADE_AT_ONCE, count - start)), start=start):
                form = "png" if number // CLASSES % 2 else "jpg"
                stream = io.BytesIO()
                options = {"compress_level": 1} if form == "png" else {"quality": 90}
                Image.fromarray(pixels).save(stream, "PNG" if form == "png" else "JPEG", **options)
                yield f"{part}/class-{number % CLASSES}/{number:07d}.{form}", stream.getvalue()


def _pictures(rng: np.random.Generator, start: int, count: int) -> np.ndarray:
    """Pictures in which the class, the number modulo 10, decides how bright each third is: uint8 [count, 32, 32, 3]."""
    blocks = rng.integers(0, 160, (count, _BLOCKS, _BLOCKS, 3), dtype=np.uint8)
    labels = (start + np.arange(count)) % CLASSES
    blocks[np.arange(count), :, labels % _BLOCKS] += 60
    blocks[np.arange(count), labels * _BLOCKS // CLASSES] += 30
    return blocks.repeat(32 // _BLOCKS, axis=1).repeat(32 // _BLOCKS, axis=2)
