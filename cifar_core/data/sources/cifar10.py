"""The official CIFAR-10 and CIFAR-100, identified by hash: taken from a file or folder; CIFAR-10 also downloaded.

Their files are Python pickles, which can run any code. So none is opened before its hash proved to be the official one,
and then only in a process of its own (`official_reader.py`), out of a private copy. Writes `data/<name>/` through the
store, and `data/.downloads/`.
"""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from cifar_core.data.dataset import Dataset, Split
from cifar_core.data.sources.archive import open_source
from cifar_core.data.sources.archive_limits import ArchiveLimits, shown_name
from cifar_core.data.sources.download import Connection, Remote, fetch, partial_path
from cifar_core.data.sources.drawn10 import numbered_ids
from cifar_core.data.sources.first_members import first_members
from cifar_core.data.store import refuse_taken, save_dataset
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.log import log_tail
from cifar_core.jobs.progress import CancelledError, OnProgress, no_progress
from cifar_core.processes import Program, child_environment, command_of
from cifar_core.storage.atomic import make_folder, remove, temp_beside, write_atomic
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.json_files import write_json
from cifar_core.text import MB, one_line
from cifar_core.workspace import Workspace

CIFAR10_NAME = "cifar10"
CIFAR10_TITLE = "CIFAR-10"
CIFAR10_TRAIN_PICTURES = 50_000
CIFAR10_TEST_PICTURES = 10_000
CIFAR10_CLASSES = 10
DISK_REFUSED = 3  # exit code of the reader process; the last line of its output is then the error message
# Of CIFAR-100, as pickles and in the binary form, the training pictures take 148 MB, all files 178.
CIFAR_LIMITS = ArchiveLimits(file_bytes=192 * MB, total_bytes=300 * MB)
_POLL = 0.2  # seconds between checks of the reader process


@dataclass(frozen=True)
class OfficialFiles:
    """The official files, identified by hash. The tests use small ones of their own."""

    name: str  # the dataset that bears the title
    title: str
    filename: str  # of the archive
    folder: str  # inside the archive and in a torchvision root
    train: tuple[tuple[str, str], ...]  # (file, MD5), in order
    test: tuple[tuple[str, str], ...]
    meta: tuple[str, str]
    class_names: str  # the key of the class names in the meta file
    notes: tuple[str, ...] = ()  # what was left out, a sentence each

    @property
    def pickles(self) -> dict[str, str]:
        """The MD5 of every pickle, by file."""
        return dict((*self.train, *self.test, self.meta))


CIFAR10 = OfficialFiles(
    name=CIFAR10_NAME,
    title=CIFAR10_TITLE,
    filename="cifar-10-python.tar.gz",
    folder="cifar-10-batches-py",
    train=(
        ("data_batch_1", "c99cafc152244af753f735de768cd75f"),
        ("data_batch_2", "d4bba439e000b95fd0a9bffe97cbabec"),
        ("data_batch_3", "54ebc095f3ab1f0389bbae665268c751"),
        ("data_batch_4", "634d18415352ddfa80567beed471001a"),
        ("data_batch_5", "482c414d41f54cd18b22e5b47cb7c3cb"),
    ),
    test=(("test_batch", "40351d587109b95175f43aff81a1287e"),),
    meta=("batches.meta", "5ff9c542aee3614f3951f8cda6e48888"),
    class_names="label_names",
)
CIFAR10_ARCHIVE = Remote(
    url=f"https://www.cs.toronto.edu/~kriz/{CIFAR10.filename}",
    length=170_498_071,
    sha256="6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    help="",  # it depends on the workspace
)
CIFAR100 = OfficialFiles(
    name="cifar100",
    title="CIFAR-100",
    filename="cifar-100-python.tar.gz",
    folder="cifar-100-python",
    train=(("train", "16019d7e3df5f24257cddd939b257f8d"),),
    test=(("test", "f0ef6b0ae62326f3e7ffdfab6717acfc"),),
    meta=("meta", "7973b15100ade9c7d40fb424638fde48"),
    class_names="fine_label_names",
    notes=("The fine labels are the classes; the coarse ones were left out.",),
)


def get_cifar10(
    workspace: Workspace,
    progress: OnProgress = no_progress,
    *,
    files: OfficialFiles = CIFAR10,
    archive: Remote = CIFAR10_ARCHIVE,
    connection: Connection | None = None,
) -> Dataset:
    """Download the official archive, or take it from `data/cifar-10-python.tar.gz` if it was put there, and store it.

    Raises:
        DownloadError: the download failed; the message says why and how to continue without a network.
        DataError: the name is taken, or the file put there is not the official one.
        CancelledError: the person cancelled; the partial download is removed.
        StorageError: the disk refused.
    """
    refuse_taken(workspace, CIFAR10_NAME)
    placed = workspace.data / files.filename
    if placed.exists():
        return import_official(workspace, placed, CIFAR10_NAME, files, progress)
    downloads = downloads_folder(workspace)
    make_folder(downloads)
    target = downloads / files.filename
    offline = (
        f"Without a network: put the file {files.filename} here: {placed}, or import it on the Data page or with "
        f"`data import FILE --name {CIFAR10_NAME}`"
    )
    try:
        if not target.exists():
            remote = replace(archive, help=offline)
            fetch(remote, target, lambda done, total: progress("Downloading", done, total, "bytes"), connection)
        dataset = import_official(workspace, target, CIFAR10_NAME, files, progress)
    except CancelledError:
        remove(partial_path(target))
        raise
    except DataError:
        remove(target)  # damaged since it was verified: the next try downloads it again
        raise
    shutil.rmtree(downloads, ignore_errors=True)
    return dataset


def downloads_folder(workspace: Workspace) -> Path:
    """The folder of downloads that are not yet stored as a dataset."""
    return workspace.data / ".downloads"


def is_official(path: Path, files: OfficialFiles = CIFAR10) -> bool:
    """Whether a path looks like the official data: an archive by its name or files, a folder by its files; no hash."""
    if path.is_dir():
        return _batches_folder(path, files) is not None
    inside = first_members(path)
    return path.is_file() and (path.name == files.filename or any(_is_pickle(parts, files) for parts in inside))


def official_files(path: Path) -> OfficialFiles | None:
    """The official data that a path looks like; no hash is checked."""
    return next((files for files in (CIFAR10, CIFAR100) if is_official(path, files)), None)


def import_official(
    workspace: Workspace,
    path: Path,
    name: str,
    files: OfficialFiles,
    progress: OnProgress = no_progress,
    *,
    shown: str = "",
) -> Dataset:
    """Store the official data from its archive (also one packed again), a torchvision root, or the folder in it.

    `shown` is the name people know the source by, if its file has another name.

    Raises:
        DataError: the name is taken, or a hash is not the official one; no pickle was opened.
        StorageError: the disk refused; nothing is left behind.
    """
    refuse_taken(workspace, name)
    root = temp_beside(workspace.data / name)
    copy = root / files.folder
    try:
        make_folder(root)
        make_folder(copy)
        progress("Checking", 0, len(files.pickles), "files")
        for done, (file, content) in enumerate(_verified(path, files, shown_name(path, shown))):
            progress("Checking", min(done, len(files.pickles)), len(files.pickles), "files")
            write_atomic(copy / file, content, durable=False)
        _read_in_subprocess(root, files, progress)
        train, test = (_arrays(root, part) for part in ("train", "test"))
        class_names = tuple(json.loads((root / "classes.json").read_bytes()))
        progress("Saving", 0, 1, "files")
        return save_dataset(
            workspace,
            name,
            _split("train", *train, class_names),
            _split("test", *test, class_names),
            title=files.title if name == files.name else name,
            class_names=class_names,
            source=f"The official {files.title} of the University of Toronto; every file had the official hash.",
            notes=(f"The training and the test part are those of the official {files.title}.", *files.notes),
        )
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _verified(path: Path, files: OfficialFiles, name: str) -> Iterator[tuple[str, bytes]]:
    """The pickles as bytes, each after its hash proved to be the official one; DataError at the end if one is missing.

    They are read one after the other, and the first wrong one ends it, so that at most one is in memory.
    """
    missing = dict(files.pickles)
    for file, content in _pickles(path, files, name):
        found, md5 = hashlib.md5(content, usedforsecurity=False).hexdigest(), files.pickles[file]
        if found != md5:
            raise DataError(
                f"{file} of {name} is not the official file (its MD5 is {found}, not {md5}): it was not opened, and "
                "nothing was imported."
            )
        missing.pop(file, None)
        yield file, content
    for file in missing:
        raise DataError(f"{file} is missing in {name}: get the archive {files.filename} again.")


def _pickles(path: Path, files: OfficialFiles, name: str) -> Iterator[tuple[str, bytes]]:
    """The pickles that there are, unchecked."""
    if path.is_dir():
        folder = _batches_folder(path, files)
        if folder is None:
            raise DataError(f"{name} holds no folder {files.folder}.")
        yield from ((file, content) for file in files.pickles if (content := _read_official(folder / file)))
        return
    with open_source(path, CIFAR_LIMITS, shown=name) as source:
        for member in source.read(lambda parts: _is_pickle(parts, files)):
            yield member.path[-1], member.content


def _is_pickle(path: tuple[str, ...], files: OfficialFiles) -> bool:
    """Whether the path of a file in an archive is that of one of the official files; there may be folders above."""
    return files.folder in path[:-1] and path[-1] in files.pickles


def _batches_folder(path: Path, files: OfficialFiles) -> Path | None:
    for folder in (path, path / files.folder):
        if sum((folder / file).is_file() for file in files.pickles) >= 2:  # one may be missing, which is then said
            return folder
    return None


def _read_official(file: Path) -> bytes:
    """A file of a torchvision folder; a missing one counts as empty."""
    try:
        with open(file, "rb") as handle:
            return handle.read(CIFAR_LIMITS.file_bytes)
    except OSError:
        return b""


def _read_in_subprocess(root: Path, files: OfficialFiles, progress: OnProgress) -> None:
    """Let torchvision read the verified copy in a process of its own: it loads torch (0.8 GB), and it unpickles."""
    write_json(root / "files.json", asdict(files), durable=False)
    command = command_of(Program.OFFICIAL_READER, f"--root={root}")
    log = root / "reader.log"
    with (
        storage_errors(f"starting the reader of {files.title}"),
        open(log, "wb") as output,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=root, env=child_environment()
        ) as process,
    ):
        try:
            while process.poll() is None:
                progress("Reading pictures", 0, 1, "files")
                try:
                    process.wait(_POLL)
                except subprocess.TimeoutExpired:
                    continue
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        last = log_tail(log, 1)
        if process.returncode == DISK_REFUSED and last:
            raise StorageError(one_line(last[0]))
        reason = f"it said: {one_line(last[0])}" if last else f"it ended with code {process.returncode}"
        raise DataError(
            f"The official files are whole, but torchvision could not read them ({reason}): check that there is free "
            "memory and that torch and torchvision belong together (make install), then try again."
        )


def _arrays(root: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    images = np.load(root / f"{part}_images.npy", mmap_mode="r", allow_pickle=False)
    return images, np.load(root / f"{part}_labels.npy", allow_pickle=False)


def _split(part: str, images: np.ndarray, labels: np.ndarray, class_names: tuple[str, ...]) -> Split:
    return Split(images, labels, numbered_ids(part, labels, class_names))
