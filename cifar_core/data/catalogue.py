"""The list of datasets: those that are stored, and how to get the others.

Reads the `meta.json` of each folder in `workspace.data`.
"""

from dataclasses import dataclass
from typing import Literal

from cifar_core.data.import_findings import has_upload, spool_folder
from cifar_core.data.sources.cifar10 import (
    CIFAR10,
    CIFAR10_ARCHIVE,
    CIFAR10_CLASSES,
    CIFAR10_NAME,
    CIFAR10_TEST_PICTURES,
    CIFAR10_TITLE,
    CIFAR10_TRAIN_PICTURES,
)
from cifar_core.data.sources.drawn10 import (
    DRAWN10_CLASSES,
    DRAWN10_NAME,
    DRAWN10_TEST_PICTURES,
    DRAWN10_TITLE,
    DRAWN10_TRAIN_PICTURES,
)
from cifar_core.data.sources.own.spool import read_so_far, unfinished_sentence
from cifar_core.data.store import (
    BUILT_IN_NAMES,
    broken_sentence,
    checked_dataset_name,
    dataset_folder,
    dataset_job,
    is_saved,
    read_dataset_record,
)
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.job import is_alive, read_job
from cifar_core.text import size_text
from cifar_core.workspace import Workspace


@dataclass(frozen=True)
class DatasetState:
    """What the list of datasets shows of one dataset."""

    name: str
    title: str
    description: str
    state: Literal["ready", "absent", "found", "preparing", "broken"]  # found: looked into, not imported yet
    how: str  # one sentence: how to get it, or where it came from if it is stored
    train: int  # pictures; for a built-in dataset that is absent, the number it will have
    test: int
    classes: int
    bytes: int  # on disk
    problem: str  # why it is broken, or why the last try to get it failed; else empty
    fingerprint: str = ""  # of all that a training reads; empty unless it is ready
    validation: int = 0  # of the training pictures: the dataset's own validation pictures


@dataclass(frozen=True)
class BuiltInDataset:
    """A dataset that is listed before it is stored."""

    title: str
    description: str
    how: str
    train: int = 0  # pictures it will have
    test: int = 0
    classes: int = 0


BUILT_IN = {
    DRAWN10_NAME: BuiltInDataset(
        DRAWN10_TITLE,
        f"The ten CIFAR-10 classes drawn by this program: {DRAWN10_TRAIN_PICTURES:,} pictures to learn from and "
        f"{DRAWN10_TEST_PICTURES:,} to test, made in seconds without a network.",
        "One click draws it here.",
        DRAWN10_TRAIN_PICTURES,
        DRAWN10_TEST_PICTURES,
        DRAWN10_CLASSES,
    ),
    CIFAR10_NAME: BuiltInDataset(
        CIFAR10_TITLE,
        f"The official photographs: {CIFAR10_TRAIN_PICTURES:,} to learn from and {CIFAR10_TEST_PICTURES:,} to test, "
        "in ten classes.",
        f"Download it ({size_text(CIFAR10_ARCHIVE.length)}), or import the file {CIFAR10.filename} or a torchvision "
        "folder you already have.",
        CIFAR10_TRAIN_PICTURES,
        CIFAR10_TEST_PICTURES,
        CIFAR10_CLASSES,
    ),
}


def list_datasets(workspace: Workspace) -> list[DatasetState]:
    """The built-in datasets, stored or not; then the imported ones; then imports in progress, undecided or failed."""
    names = dict.fromkeys(BUILT_IN_NAMES)
    if workspace.data.is_dir():  # somebody may have deleted it
        # Also what is not a dataset takes its name, so it is listed (as broken).
        stored = sorted(item.name for item in workspace.data.iterdir())
        names.update((name, None) for name in stored if _is_valid_name(name))
    # An import that is in progress or was refused has no folder of its own.
    imports = (name for name in _jobs(workspace) if _is_valid_name(name) and name not in names)
    names.update((name, None) for name in imports if _is_import(workspace, name))
    return [dataset_state(workspace, name) for name in names]


def dataset_state(workspace: Workspace, name: str) -> DatasetState:
    """The state of one dataset.

    Raises:
        DataError: no dataset may have this name.
    """
    known = BUILT_IN.get(name, BuiltInDataset(name, "", ""))
    preparing = _is_preparing(workspace, name)  # asked first: a dataset saved just now must not be called absent
    if not is_saved(workspace, name):
        found = not preparing and _is_found(workspace, name)
        state: Literal["preparing", "found", "absent"] = "preparing" if preparing else "found" if found else "absent"
        unfinished = unfinished_sentence(spool_folder(dataset_job(workspace, name)), name) if found else ""
        how = known.how or (f"Import it on the Data page. {unfinished}".rstrip() if found else "")
        problem = "" if preparing else _failure(workspace, name)
        sizes = (known.train, known.test, known.classes, 0)
        return DatasetState(name, known.title, known.description, state, how, *sizes, problem)
    try:
        record = read_dataset_record(dataset_folder(workspace, name))
    except (OSError, ValueError) as error:
        problem = broken_sentence(name, error)
        return DatasetState(name, known.title, known.description, "broken", known.how, 0, 0, 0, 0, problem)
    return DatasetState(
        name,
        record.title,
        known.description or record.source,
        "ready",
        record.source,
        record.train,
        record.test,
        len(record.class_names),
        record.bytes,
        "",
        record.fingerprint,
        record.validation,
    )


def _jobs(workspace: Workspace) -> list[str]:
    try:
        return sorted(item.name for item in workspace.jobs.iterdir())
    except OSError:  # no job was ever started, or the folder is not readable: `dataset_state` then reports that
        return []


def _is_preparing(workspace: Workspace, name: str) -> bool:
    try:
        return is_alive(dataset_job(workspace, name))
    except StorageError:  # it cannot be determined; `read_job` says why
        return False


def _is_import(workspace: Workspace, name: str) -> bool:
    """Whether an import under this name is in progress, waits for a decision, or failed."""
    return _is_preparing(workspace, name) or _is_found(workspace, name) or bool(_failure(workspace, name))


def _is_found(workspace: Workspace, name: str) -> bool:
    """Whether it was looked into and waits for a decision, also where its import was ended by no person's wish."""
    job = read_job(dataset_job(workspace, name))
    if job is None or job.kind == "get":
        return False
    job_folder = dataset_job(workspace, name)
    waits = has_upload(job_folder) or read_so_far(spool_folder(job_folder))[0] > 0
    return (job.kind == "look" and job.state == "done") or (job.state == "cancelled" and waits)


def _failure(workspace: Workspace, name: str) -> str:
    folder = dataset_job(workspace, name)
    job = read_job(folder)
    if job is None or job.state != "failed":
        return ""
    return f"{job.error} {unfinished_sentence(spool_folder(folder), name)}".rstrip()


def _is_valid_name(name: str) -> bool:
    try:
        checked_dataset_name(name)
    except DataError:
        return False
    return True
