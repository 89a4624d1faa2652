"""The datasets on a node: each travels there once and stays for the next runs, the longest unused go first.

Reads and writes the folder `datasets` of the node: `KEY/` is a whole dataset, `.arriving-KEY/` one on its way, and
`KEY.lock` is held by the process that receives it. What the node sees on a shared disk does not travel.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cifar_core.cluster.remote.pieces import Piece, Receiver
from cifar_core.errors import StorageError
from cifar_core.storage.atomic import make_folder, remove_folder, replace
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock
from cifar_core.text import MB, size_text

GB = 1024 * MB
MOST_BYTES = 20 * GB  # of the datasets that a node keeps
_SPARE_BYTES = GB  # that stay free on the disk of the node
Arrival = Literal["here", "send", "wait"]


@dataclass(frozen=True)
class DatasetParcel:
    """A dataset as it is announced to a node."""

    name: str
    key: str  # SHA-256: datasets with the same key are the same
    folder: str  # where it lies on the machine that sends it
    meta_sha256: str  # of its meta.json
    files: dict[str, int]  # those that make it whole, with their sizes in bytes
    more: tuple[str, ...] = ()  # files that travel with them, which a training makes itself where they are absent

    @property
    def bytes(self) -> int:
        """Size of the files that make it whole."""
        return sum(self.files.values())


class Depot:
    """The datasets on a node, for one process there that computes runs."""

    def __init__(self, folder: Path, in_use: Callable[[], set[Path]]) -> None:
        """Open the folder of the datasets, which exists.

        Args:
            folder: of all processes of this node.
            in_use: the folders of datasets that runs on this node train on now.
        """
        self._folder = folder
        self._in_use = in_use
        self._receiving = ""  # the key of the dataset that this process receives
        self._receiver: Receiver | None = None
        self._held = ExitStack()

    def find(self, parcel: DatasetParcel) -> Path | None:
        """The folder that has a dataset: on a disk that this node shares with the sender, or here; None: neither has.

        Raises:
            StorageError: the disk refused.
        """
        shared = Path(parcel.folder)
        if parcel.folder and _holds(shared, parcel):
            return shared
        here = self._folder / parcel.key
        if not _holds(here, parcel):
            return None
        with storage_errors("marking a dataset as used"):
            os.utime(here)
        return here

    def announce(self, parcel: DatasetParcel) -> Arrival:
        """Prepare for a dataset: it is `here`, the sender is to `send` it, or `wait` while another process receives it.

        Raises:
            StorageError: there is no room for it, or the disk refused.
        """
        if self.find(parcel) is not None:
            return "here"
        if self._receiving == parcel.key and self._receiver is not None:
            return "send"
        self.close()
        if not self._held.enter_context(hold_lock(self._folder / f"{parcel.key}.lock")):
            self._held.close()
            return "wait"
        self._make_room(parcel)
        arriving = self._arriving(parcel.key)
        _remove(arriving)
        make_folder(arriving)
        self._receiving, self._receiver = parcel.key, Receiver(arriving, durable=False)
        return "send"

    def take(self, pieces: list[Piece]) -> None:
        """Take pieces of the dataset that was announced last; raises StorageError as `Receiver.take`."""
        if self._receiver is None:
            raise StorageError("A dataset arrived that was not announced: try again.")
        for piece in pieces:
            self._receiver.take(piece)

    def finish(self, parcel: DatasetParcel) -> None:
        """All pieces have come: the dataset is here from now on, whole.

        Raises:
            StorageError: a file is missing or has another size, or the disk refused.
        """
        try:
            if self._receiving == parcel.key:
                arriving, here = self._arriving(parcel.key), self._folder / parcel.key
                if not _holds(arriving, parcel):
                    raise StorageError(f"The dataset {parcel.name} did not arrive whole: try again.")
                _remove(here)
                with storage_errors("keeping a dataset"):
                    replace(arriving, here)
        finally:
            self.close()

    def close(self) -> None:
        """Receive no more; what has not arrived whole is removed."""
        if self._receiver is not None:
            self._receiver.close()
            _remove(self._arriving(self._receiving))
        self._receiving, self._receiver = "", None
        self._held.close()

    def _arriving(self, key: str) -> Path:
        return self._folder / f".arriving-{key}"

    def _make_room(self, parcel: DatasetParcel) -> None:
        """Remove the datasets that were not used for longest until another one has room; raises StorageError."""
        in_use = self._in_use()
        kept = sorted(
            (path for path in self._folder.iterdir() if _is_whole(path)), key=lambda path: path.stat().st_mtime
        )
        sizes = {path: sum(file.stat().st_size for file in path.iterdir()) for path in kept}
        for path in kept:
            is_full = sum(sizes.values()) + parcel.bytes > MOST_BYTES
            if path not in in_use and (is_full or self._free() < parcel.bytes + _SPARE_BYTES):
                _remove(path)
                del sizes[path]
        if self._free() < parcel.bytes + _SPARE_BYTES:
            raise StorageError(
                f"The dataset {parcel.name} needs {size_text(parcel.bytes)}, but the disk of the node has "
                f"{size_text(self._free())} free: free some space there."
            )

    def _free(self) -> int:
        return shutil.disk_usage(self._folder).free


def link_dataset(source: Path, target: Path, parcel: DatasetParcel) -> None:
    """Let the folder `target` show the files of a dataset in `source`; nothing changes where it shows them already.

    Raises:
        StorageError: the disk refused.
    """
    with storage_errors("showing a dataset to a run"):
        wanted = {name: source / name for name in (*parcel.files, *parcel.more) if (source / name).is_file()}
        if all((target / name).is_symlink() and (target / name).readlink() == path for name, path in wanted.items()):
            return
        _remove(target)
        target.mkdir()
        for name, path in wanted.items():
            (target / name).symlink_to(path)


def shown_datasets(data: Path) -> set[Path]:
    """The folders that the links of `link_dataset` below a folder `data` lead to."""
    found = set()
    for link in data.glob("*/meta.json"):
        with contextlib.suppress(OSError):
            found.add(link.readlink().parent)
    return found


def _holds(folder: Path, parcel: DatasetParcel) -> bool:
    """Whether a folder has the files of a dataset, by their sizes and the hash of its description."""
    try:
        meta = (folder / "meta.json").read_bytes() if (folder / "meta.json").stat().st_size < GB else b""
        sizes = {name: (folder / name).stat().st_size for name in parcel.files}
    except OSError:
        return False
    return sizes == parcel.files and hashlib.sha256(meta).hexdigest() == parcel.meta_sha256


def _is_whole(path: Path) -> bool:
    return path.is_dir() and not path.name.startswith(".")


def _remove(path: Path) -> None:
    if os.path.lexists(path):
        remove_folder(path, f"removing {path.name}")
