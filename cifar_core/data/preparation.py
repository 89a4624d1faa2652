"""Gets, looks into, imports or cleans a dataset as a job (`prepare_process.py`), whose folder is `data/.jobs/<name>/`.

An import may be two jobs: one that looks inside and writes what it finds (`import_findings.py`), then, once the person
has seen that, the import itself. An upload lies in the folder of the job until it is imported or given up.
"""

import contextlib
import os
import re
import shutil
import stat
import time
import unicodedata
import urllib.parse
import urllib.request
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from cifar_core.data.dataset import Dataset
from cifar_core.data.drawing import OnDrawn
from cifar_core.data.import_findings import findings_file, has_upload, preview_file, spool_folder, upload_file
from cifar_core.data.sources.cifar10 import CIFAR10, CIFAR10_NAME, downloads_folder, is_official
from cifar_core.data.sources.drawn10 import DRAWN10_NAME, DRAWN10_TEST_PICTURES, DRAWN10_TRAIN_PICTURES
from cifar_core.data.sources.own.options import ImportOptions, check_options
from cifar_core.data.sources.own.spool import last_read, remove_spool, unfinished_sentence
from cifar_core.data.store import (
    BUILT_IN_NAMES,
    checked_dataset_name,
    dataset_job,
    is_saved,
    open_dataset,
    refuse_taken,
)
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.job import JobFolder, Request, is_alive, read_job, read_request
from cifar_core.jobs.start import mark_as_asked, start_job
from cifar_core.processes import Program
from cifar_core.storage.atomic import TEMP_MARK, remove, subfolders
from cifar_core.storage.atomic import replace as move_file
from cifar_core.storage.disk_errors import storage_errors
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.text import is_folder_name, one_line
from cifar_core.workspace import Workspace

_MAX_PATH_SHOWN = 300  # characters of a path in error messages
_MOST_SUGGESTED = 100  # numbers that are tried for a free name
_LONGEST_SUGGESTED = 50  # characters
_KEPT_SECONDS = 7 * 24 * 3600.0  # that an upload waits for a decision
_LOOK_SECONDS = 0.1  # between two looks at a job that somebody waits for
_QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "„": "“", "«": "»"}
_ARCHIVE_ENDING = re.compile(r"(\.tar)?\.(zip|tar|gz|tgz|xz|txz|bz2|tbz2?)$", re.IGNORECASE)


@dataclass(frozen=True)
class DataRequest(Request):
    """How a dataset is to be prepared."""

    kind: Literal["get", "look", "import", "clean"]
    source: str = ""  # absolute path of what is imported; the name of the dataset that is cleaned
    is_upload: bool = False  # the source lies in the folder of the job, and is removed once it is imported
    shown: str = ""  # the name people know the source by; empty = its file name
    options: ImportOptions = field(default_factory=ImportOptions)


def start_get(workspace: Workspace, name: str, *, unasked: bool = False) -> None:
    """Draw `drawn10` or download `cifar10` as a job; does nothing where that is done or in progress.

    Args:
        workspace: where.
        name: of the built-in dataset.
        unasked: nobody has asked for it, so nobody is told if it fails.

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
    request = DataRequest("get", unasked=unasked)
    started = start_job(job, Program.PREPARE_DATASET, request, wanted=lambda: not is_saved(workspace, name))
    if not started and not unasked:
        mark_as_asked(job, DataRequest)


def prepare_drawn10(workspace: Workspace, progress: OnDrawn | None = None) -> Dataset:
    """Open `drawn10`; where it is not stored, wait for the job that draws it, which is started if none is at work.

    Args:
        workspace: where it is stored.
        progress: called several times a second with (pictures drawn, pictures in all) until it is drawn; it may raise.

    Raises:
        DataError: it is broken on disk, or could not be drawn.
        StorageError: the disk refused.
    """
    job = dataset_job(workspace, DRAWN10_NAME)
    while is_alive(job) or not is_saved(workspace, DRAWN10_NAME):  # the job checks it too, once it is stored
        start_get(workspace, DRAWN10_NAME)
        while is_alive(job):
            state = read_job(job)
            if progress is not None and state is not None and state.active:
                progress(state.done, state.total or DRAWN10_TRAIN_PICTURES + DRAWN10_TEST_PICTURES)
            time.sleep(_LOOK_SECONDS)
        state = read_job(job)  # None where one of nobody failed, done where the dataset was deleted: both begin again
        if state is not None and state.state != "done" and not is_saved(workspace, DRAWN10_NAME):
            raise DataError(state.error or f"The drawing of {DRAWN10_NAME} was cancelled: start it again.")
    return open_dataset(workspace, DRAWN10_NAME)


def start_look(workspace: Workspace, source: Path, name: str, *, upload: bool = False, shown: str = "") -> None:
    """Look inside a folder or archive as a job, without importing it; `continue_import` imports it.

    Args:
        workspace: where.
        source: a folder or archive, as `start_import` takes it.
        name: the dataset is to have.
        upload: the source is a file of our own, which is moved into the folder of the job.
        shown: the name of the source in messages, if people know it by another name (uploads); reduced to one line.

    Raises:
        DataError, StorageError: as `start_import`.
    """
    path, job = _readable(source), dataset_job(workspace, name)
    _refuse_reserved(name, path)
    _forget_old_imports(workspace)
    kept = upload_file(job) if upload else path
    request = DataRequest("look", str(kept), upload, one_line(shown))

    moved = False

    def take() -> bool:
        nonlocal moved
        _refuse_undecided(workspace, name)
        _forget_files(job)
        if upload:
            with storage_errors("keeping the upload"):
                move_file(path, kept)
            moved = True
        return True

    try:
        started = start_job(job, Program.PREPARE_DATASET, request, wanted=take)
    except StorageError:
        if moved:
            remove(kept)  # no job knows of it
        raise
    if not started and (upload or _read_request(job) != request):
        raise DataError(_busy(name))


def start_import(
    workspace: Workspace, source: Path, name: str, *, options: ImportOptions | None = None, shown: str = ""
) -> None:
    """Import a folder or archive as a job; if the same import is in progress already, nothing is done.

    Args:
        workspace: where.
        source: a folder or archive; its content decides what it is. A leading `~` is the person's own folder.
        name: of the new dataset.
        options: what the person chooses.
        shown: the name of the source in messages, if people know it by another name; reduced to one line.

    Raises:
        DataError: the source is absent or unreadable, the name is taken, not allowed or reserved, or an option is out
            of range.
        StorageError: the process could not be started.
    """
    path, job, options = _readable(source), dataset_job(workspace, name), options or ImportOptions()
    _refuse_reserved(name, path)
    check_options(options)
    _forget_old_imports(workspace, but=name)
    request = DataRequest("import", str(path), False, one_line(shown), options)

    def is_free() -> bool:
        _refuse_undecided(workspace, name)
        _forget_files(job)
        return True

    if not start_job(job, Program.PREPARE_DATASET, request, wanted=is_free) and _read_request(job) != request:
        raise DataError(_busy(name))


def start_cleaned_copy(workspace: Workspace, source: str, name: str) -> None:
    """Store the pictures of a dataset that occur once as another one, as a job (`checks/cleaned.py`).

    If the same copy is being made already, nothing is done.

    Raises:
        DataError: the source is absent or broken, or the name is taken, not allowed or reserved.
        StorageError: the process could not be started.
    """
    job, request = dataset_job(workspace, name), DataRequest("clean", open_dataset(workspace, source).name)
    _refuse_reserved(name)

    def is_free() -> bool:
        _refuse_undecided(workspace, name)
        _forget_files(job)
        return True

    if not start_job(job, Program.PREPARE_DATASET, request, wanted=is_free) and _read_request(job) != request:
        raise DataError(_busy(name))


def continue_import(workspace: Workspace, name: str, options: ImportOptions, *, look: bool = False) -> None:
    """Import what was looked into under this name, or try an import again, with these options; or `look` again.

    Raises:
        DataError: there is nothing to import under this name any more, or the name is taken meanwhile.
        StorageError: the process could not be started.
    """
    before = open_import(workspace, name)
    if before is None:
        raise DataError(f"What was to be imported as {name} is not there any more: choose it again.")
    request = replace(before, kind="look" if look else "import", options=options)

    def is_free() -> bool:
        refuse_taken(workspace, name)
        return True

    start_job(dataset_job(workspace, name), Program.PREPARE_DATASET, request, wanted=is_free)


def open_import(workspace: Workspace, name: str) -> DataRequest | None:
    """The last look or import under this name, if its source is still there."""
    request = _read_request(dataset_job(workspace, name))
    is_import = request is not None and request.kind in ("look", "import")
    return request if request is not None and is_import and Path(request.source).exists() else None


def forget_import(workspace: Workspace, name: str) -> None:
    """Give up a job under this name that has ended, with its upload and all that it has read.

    A running one, or one just starting, stays.
    """
    job = dataset_job(workspace, name)
    with hold_lock(job.start_lock) as acquired:
        if acquired and not is_locked(job.lock):
            remove(job.request)
            _forget_files(job)
            remove_spool(spool_folder(job))


def unfinished_import(workspace: Workspace, name: str) -> str:
    """What an import under this name has read that did not end, in a sentence; empty where there is none."""
    return unfinished_sentence(spool_folder(dataset_job(workspace, name)), name)


def suggested_name(source: str) -> str:
    """A name for the dataset of a file or folder, from its path or name as typed: `My Shapes.zip` gives `my-shapes`."""
    last = pasted_path(source).replace("\\", "/").rstrip("/").rpartition("/")[2]
    if last == CIFAR10.filename or last == CIFAR10.folder:
        return CIFAR10_NAME
    letters = unicodedata.normalize("NFKD", _ARCHIVE_ENDING.sub("", last)).encode("ascii", "ignore").decode().lower()
    name = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:_LONGEST_SUGGESTED].strip("-") or "my-pictures"
    return f"my-{name}" if name in BUILT_IN_NAMES or not is_folder_name(name) else name


def free_dataset_name(workspace: Workspace, name: str) -> str:
    """The name itself, or with a number where it is taken by a dataset or an import."""
    options = (name, *(f"{name}-{number}" for number in range(2, _MOST_SUGGESTED)))
    return next((option for option in options if not _is_used(workspace, option)), name)


def _is_used(workspace: Workspace, name: str) -> bool:
    return is_saved(workspace, name) or _read_request(dataset_job(workspace, name)) is not None


def pasted_path(text: str) -> str:
    """The path in a pasted text: without quotes around it, `file://` and a tilde replaced by what they stand for."""
    text = text.strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    if text.lower().startswith("file:"):
        with contextlib.suppress(ValueError):  # it is no address after all
            text = urllib.request.url2pathname(urllib.parse.urlsplit(text).path)
    return text


def _read_request(job: JobFolder) -> DataRequest | None:
    try:
        return read_request(job, DataRequest)
    except StorageError:
        return None


def _forget_old_imports(workspace: Workspace, *, but: str = "") -> None:
    """Give up imports, `but` this one, that nobody has decided on or gone on with for a week: they fill the disk.

    Also those whose dataset is stored: they were killed before they had removed what they had read.
    """
    for name in subfolders(workspace.jobs):
        with contextlib.suppress(OSError, DataError):  # there is none, or it is being imported right now
            job = dataset_job(workspace, name)
            since = upload_file(job).stat().st_mtime if has_upload(job) else last_read(spool_folder(job))
            if name != but and (time.time() - since > _KEPT_SECONDS or is_saved(workspace, name)):
                forget_import(workspace, name)


def _refuse_undecided(workspace: Workspace, name: str) -> None:
    """Raise DataError where a dataset has the name, or an import that a person has yet to decide on."""
    refuse_taken(workspace, name)
    job = dataset_job(workspace, name)
    state = read_job(job)
    waits = state is not None and state.kind == "look" and state.state == "done"
    if waits or has_upload(job):
        raise DataError(
            f"An import named {name} waits for a decision on the Data page: choose another name, or dismiss that one."
        )


def _refuse_reserved(name: str, source: Path | None = None) -> None:
    if name == DRAWN10_NAME or (name == CIFAR10_NAME and (source is None or not is_official(source))):
        raise DataError(f"The name {name} is reserved for the built-in dataset: choose another, such as my-{name}.")


def _busy(name: str) -> str:
    return f"Another dataset named {name} is being prepared: choose another name or wait."


def _forget_files(job: JobFolder) -> None:
    """Remove what an earlier import under this name left: its upload and what was found in it.

    What it has read stays: an import of the same source goes on there, and any other one removes it.
    """
    for file in (upload_file(job), findings_file(job), preview_file(job)):
        remove(file)


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
