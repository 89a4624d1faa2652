"""Gets or imports a dataset as a job (`prepare_process.py`), whose folder is `data/.jobs/<name>/`."""

import os
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from cifar_core.data.sources.cifar10 import CIFAR10_NAME, downloads_folder, is_official
from cifar_core.data.store import (
    BUILT_IN_NAMES,
    checked_dataset_name,
    dataset_job,
    is_saved,
    open_dataset,
    refuse_taken,
)
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.job import JobFolder, Request, read_request
from cifar_core.jobs.start import start_job
from cifar_core.processes import Program
from cifar_core.storage.atomic import TEMP_MARK
from cifar_core.text import one_line
from cifar_core.workspace import Workspace

_MAX_PATH_SHOWN = 300  # characters of a path in error messages


@dataclass(frozen=True)
class DataRequest(Request):
    """How a dataset is to be prepared."""

    kind: Literal["get", "import"]
    source: str = ""  # absolute path of what is imported
    remove_source: bool = False  # delete the source afterwards: it is an upload
    shown: str = ""  # the name people know the source by; empty = its file name
    leave_out: bool = False  # leave out files that cannot be used, instead of refusing the import


def start_get(workspace: Workspace, name: str) -> None:
    """Draw `drawn10` or download `cifar10` as a job; does nothing where that is done or in progress.

    Raises:
        DataError: this is not a built-in dataset, or it is stored but broken.
        StorageError: the process could not be started.
    """
    if name not in BUILT_IN_NAMES:
        built_in = " and ".join(BUILT_IN_NAMES)
        raise DataError(
            f"There is no built-in dataset {checked_dataset_name(name)}, only {built_in}: "
            "import your own pictures instead."
        )
    if is_saved(workspace, name):
        open_dataset(workspace, name)  # raises if it is broken: then it must be deleted first
        return
    job = dataset_job(workspace, name)
    start_job(job, Program.PREPARE_DATASET, DataRequest("get"), wanted=lambda: not is_saved(workspace, name))


def start_import(
    workspace: Workspace,
    source: Path,
    name: str,
    *,
    remove_source: bool = False,
    shown: str = "",
    leave_out: bool = False,
) -> None:
    """Import a folder or archive as a job; if the same import is in progress already, nothing is done.

    Args:
        workspace: where.
        source: a folder or archive; its content decides what it is. A leading `~` is the person's own folder.
        name: of the new dataset.
        remove_source: delete the source when the job ends, however it ends (uploads). If this call raises, it stays.
        shown: the name of the source in messages, if people know it by another name (uploads); reduced to one line.
        leave_out: import the rest if some files cannot be used; otherwise nothing is imported.

    Raises:
        DataError: the source is absent or unreadable, or the name is taken, not allowed or reserved.
        StorageError: the process could not be started.
    """
    source = _readable(source)
    if name == "drawn10" or (name == "cifar10" and not is_official(source)):
        raise DataError(f"The name {name} is reserved for the built-in dataset: choose another, such as my-{name}.")
    request = DataRequest("import", str(source), remove_source, one_line(shown), leave_out)

    def is_free() -> bool:
        refuse_taken(workspace, name)
        return True

    job = dataset_job(workspace, name)
    if not start_job(job, Program.PREPARE_DATASET, request, wanted=is_free) and _read_request(job) != request:
        raise DataError(f"Another dataset named {name} is being prepared: choose another name or wait.")


def repeatable_import(workspace: Workspace, name: str) -> DataRequest | None:
    """The last import under this name, if it can be tried again: an upload is gone when its job has ended."""
    request = _read_request(dataset_job(workspace, name))
    return request if request is not None and request.kind == "import" and not request.remove_source else None


def _read_request(job: JobFolder) -> DataRequest | None:
    try:
        return read_request(job, DataRequest)
    except StorageError:
        return None


def _readable(source: Path) -> Path:
    """The absolute path of a file or folder that can be opened; DataError for anything else that a person may type."""
    typed = one_line(str(source), _MAX_PATH_SHOWN)
    try:
        path = source.expanduser().absolute()
        typed = one_line(str(path), _MAX_PATH_SHOWN)
        if path.is_dir():
            os.listdir(path)
            (path / "..").stat()  # listing a folder needs one permission, opening what is in it another
        elif stat.S_ISREG(path.stat().st_mode):
            path.open("rb").close()
        else:
            raise DataError(f"{typed} is neither a file nor a folder.")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"There is no file or folder {typed}.") from error
    except PermissionError as error:
        raise DataError(
            f"You are not allowed to read {typed}: change its permissions, or copy it to a folder of your own."
        ) from error
    except RuntimeError as error:  # from `expanduser`
        raise DataError(f"There is no home folder {typed.split('/')[0]}: write the whole path.") from error
    except (OSError, ValueError) as error:  # too long a path, a null character, a broken disk
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise DataError(f"{typed} cannot be opened ({reason}): give the path of a file or folder.") from error
    return path


def remove_leftovers(workspace: Workspace, name: str) -> None:
    """Remove the partial files that killed jobs of this dataset left; the caller holds its lock, so no job is running.

    If CIFAR-10 is stored, its download folder is removed too: a job may have been killed just before it did so.
    """
    temporary = re.compile(re.escape(f"{TEMP_MARK}{name}-") + r"\d+-[0-9a-f]{8}")
    for item in workspace.data.iterdir():
        if temporary.fullmatch(item.name) and item.is_dir():
            shutil.rmtree(item, ignore_errors=True)
    if is_saved(workspace, CIFAR10_NAME):
        shutil.rmtree(downloads_folder(workspace), ignore_errors=True)
