"""What the tests of the data layer share: picture files, archives of them, and a snapshot of a folder."""

import hashlib
import io
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Files = Mapping[str, bytes]
Packer = Callable[[Files, Path], Path]


def picture_bytes(colour: tuple[int, int, int] = (200, 30, 60), *, size: int = 32, form: str = "PNG") -> bytes:
    """A plain picture as a file."""
    stream = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(stream, form)
    return stream.getvalue()


def small_set(
    classes: tuple[str, ...] = ("cat", "dog"), *, train: int = 3, test: int = 2, top: str = ""
) -> dict[str, bytes]:
    """A complete little dataset as files: every picture has a colour of its own."""
    files = {}
    for part, count in (("train", train), ("test", test)):
        for label, name in enumerate(classes):
            for number in range(count):
                colour = (label * 40, number * 20, 250 if part == "train" else 5)
                files[f"{top}{part}/{name}/{number:03d}.png"] = picture_bytes(colour)
    return files


def write_folder(files: Files, target: Path) -> Path:
    """The files as a folder."""
    for name, content in files.items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes(content)
    return target


def write_zip(files: Files, target: Path) -> Path:
    """The files as a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return target


def write_tar(files: Files, target: Path, *, mode: str = "w:gz") -> Path:
    """The files as a tar."""
    with tarfile.open(target, mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return target


def noise_bytes(seed: int, form: str = "PNG") -> bytes:
    """A picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, form)
    return stream.getvalue()


def tree(
    root: Path,
    folders: Iterable[str],
    classes: Iterable[str] = ("cat", "dog"),
    *,
    count: int = 4,
    ending: str = "png",
    form: str = "PNG",
) -> Path:
    """Pictures in `FOLDER/CLASS`, or where `{}` of the folder stands for the class."""
    for part in folders:
        for name in classes:
            place = root / part.format(name) if "{}" in part else root / part / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (place / f"{number:02d}.{ending}").write_bytes(
                    noise_bytes(zlib.crc32(f"{part}/{name}".encode()) + number, form)
                )
    return root


def raw_zip(path: Path, names: Iterable[bytes]) -> Path:
    """A zip whose names are written as these bytes, without a word on their encoding, as old tools do it."""
    written = {}
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(names):
            stand_in = f"{number:04d}".ljust(len(name), "~")
            written[stand_in.encode()] = name
            archive.writestr(zipfile.ZipInfo(stand_in), noise_bytes(number))
    content = path.read_bytes()
    for stand_in_bytes, name in written.items():
        content = content.replace(stand_in_bytes, name)
    path.write_bytes(content)
    return path


def snapshot(folder: Path) -> dict[str, str]:
    """Every file and folder below, with a hash of its content, except the state of jobs."""
    return {
        str(item.relative_to(folder)): hashlib.sha256(item.read_bytes()).hexdigest() if item.is_file() else "folder"
        for item in sorted(folder.rglob("*"))
        if ".jobs" not in item.parts
    }


@pytest.fixture
def noise() -> np.ndarray:
    """Pictures without any pattern: uint8 [12, 3, 32, 32]."""
    return np.random.default_rng(1).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8)
