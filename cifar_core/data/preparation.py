"""Prepare a dataset in a process of its own (`prepare_process.py`): start it, read its progress, cancel it.

Reads and writes `data/.jobs/<name>/`: `job.json` (the request), `state.json` (the progress), `job.lock` (held by the
process as long as it runs: a free lock means that it has ended), `start.lock` (held until the process has that lock),
`cancel` and `worker.log`.
"""

import os
import re
import shutil
import stat
import subprocess
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from cifar_core.data.sources.cifar10 import CIFAR10_NAME, downloads_folder, is_official
from cifar_core.data.store import (
    BUILT_IN_NAMES,
    checked_dataset_name,
    dataset_lock,
    is_preparing,
    is_saved,
    open_dataset,
    refuse_taken,
)
from cifar_core.errors import DataError, StorageError
from cifar_core.jobs.log import begin_session, last_line, logged_end
from cifar_core.jobs.progress import CancelledError
from cifar_core.machine import explain_memory_error
from cifar_core.processes import Program, spawn
from cifar_core.storage.atomic import TEMP_MARK, remove, write_atomic
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Amount, Count
from cifar_core.storage.locks import hold_lock, is_locked
from cifar_core.storage.parse import parse
from cifar_core.text import MB, one_line
from cifar_core.workspace import Workspace

JOB_START_SECONDS = 30.0  # a job normally holds its lock within a second; this is for very busy machines
LOG = "worker.log"
_SCHEMA = 1
_REQUEST = "job.json"
_MAX_PATH_SHOWN = 300  # characters of a path in error messages
JobKind = Literal["get", "import"]
JobStatus = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class JobState:
    """The progress of the preparation of one dataset, or how it ended."""

    name: str
    kind: JobKind
    state: JobStatus = "running"
    phase: str = "Starting"
    done: Count = 0
    total: Count = 0
    unit: str = ""  # "bytes", "files" or "pictures"
    seconds_left: Amount | None = None  # of this phase
    error: str = ""  # one sentence if it failed
    report: list[str] = field(default_factory=list)  # a line for each unreadable or skipped file


@dataclass(frozen=True)
class Request:
    """What a job is to do."""

    kind: JobKind
    source: str = ""  # absolute path of what is imported
    remove_source: bool = False  # delete the source afterwards: it is an upload
    shown: str = ""  # the name people know the source by; empty = its file name
    leave_out: bool = False  # leave out files that cannot be used, instead of refusing the import


def job_folder(workspace: Workspace, name: str) -> Path:
    """The folder of the job of a dataset; it is created on first use."""
    return dataset_lock(workspace, name).parent


def start_get(workspace: Workspace, name: str) -> None:
    """Draw `drawn10` or download `cifar10` in a process of its own; does nothing where that is done or in progress.

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
    with hold_lock(job_folder(workspace, name) / "start.lock", timeout=JOB_START_SECONDS) as acquired:
        if acquired and not is_saved(workspace, name) and not is_locked(dataset_lock(workspace, name)):
            _start(workspace, name, Request("get"))


def start_import(
    workspace: Workspace,
    source: Path,
    name: str,
    *,
    remove_source: bool = False,
    shown: str = "",
    leave_out: bool = False,
) -> None:
    """Import a folder or archive in a process of its own; if the same import is in progress already, nothing is done.

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
    request = Request("import", str(source), remove_source, one_line(shown), leave_out)
    with hold_lock(job_folder(workspace, name) / "start.lock", timeout=JOB_START_SECONDS) as acquired:
        if not acquired or is_locked(dataset_lock(workspace, name)):
            if _read_request(job_folder(workspace, name)) == request:
                return
            raise DataError(f"Another dataset named {name} is being prepared: choose another name or wait.")
        refuse_taken(workspace, name)
        _start(workspace, name, request)


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


def read_job(workspace: Workspace, name: str) -> JobState | None:
    """The state of the job of a dataset; None where there never was one.

    A job counts as failed if its process ended without saying so, or if its state cannot be determined.
    """
    folder = workspace.jobs / checked_dataset_name(name)
    try:
        # This is asked before the state is read, so that a job that ends now is not called dead.
        alive = is_preparing(workspace, name)
    except StorageError as error:
        return JobState(name, "import", "failed", error=f"Its progress cannot be read: {error}")
    request = _read_request(folder)
    if request is None:
        if not os.path.lexists(folder / _REQUEST):
            return None
        message = f"The request {folder / _REQUEST} cannot be read: dismiss it on the Data page and start again."
        return JobState(name, "import", "failed", error=message)
    try:
        state = parse(JobState, read_json(folder / "state.json", max_bytes=MB), exact=False)
    except (OSError, ValueError):
        state = JobState(name, request.kind)
    if state.state == "running" and not alive:
        return JobState(name, request.kind, "failed", state.phase, error=_why_it_ended(folder / LOG))
    return state


def cancel_job(workspace: Workspace, name: str) -> None:
    """Ask the job to stop; it does so within a second (a stalled download within twenty) and removes partial files."""
    if is_preparing(workspace, name):
        write_atomic(job_folder(workspace, name) / "cancel", durable=False)


def dismiss_job(workspace: Workspace, name: str) -> None:
    """Forget an ended job, so that a failed import is no longer listed; a running one stays."""
    if read_job(workspace, name) is not None and not is_preparing(workspace, name):
        remove(job_folder(workspace, name) / _REQUEST)  # never the locks: another process may be waiting for them


class Reporter:
    """`OnProgress` for the process of the job: writes `state.json` now and then and checks for a request to cancel."""

    EVERY = 0.3  # seconds

    def __init__(self, folder: Path, name: str, kind: JobKind) -> None:
        self._folder = folder
        self._name = name
        self._kind = kind
        self._phase = ""
        self._phase_start = 0.0
        self._phase_done = 0  # `done` when the phase began: more than 0 for a resumed download
        self._next_write = 0.0

    def __call__(self, phase: str, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._phase_start, self._phase_done = phase, now, done
        elif now < self._next_write:
            return
        self._next_write = now + self.EVERY
        if (self._folder / "cancel").exists():
            raise CancelledError("The person cancelled it.")
        gained, elapsed = done - self._phase_done, now - self._phase_start
        left = (total - done) * elapsed / gained if gained > 0 and elapsed >= 1 else None
        self._write(JobState(self._name, self._kind, "running", phase, done, total, unit, left))

    def end(self, state: JobStatus, *, error: str = "", report: list[str] | None = None) -> None:
        """Write how the job ended."""
        self._write(JobState(self._name, self._kind, state, self._phase, error=error, report=report or []))

    def _write(self, state: JobState) -> None:
        _write_state(self._folder, state)


def read_request(folder: Path) -> Request:
    """The request of the job in this folder.

    Raises:
        DataError: it is missing or cannot be read.
    """
    request = _read_request(folder)
    if request is None:
        raise DataError(f"The job in {folder} cannot be read: start it again.")
    return request


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


def _start(workspace: Workspace, name: str, request: Request) -> None:
    """Start the process and wait until it holds its lock or has ended; the caller holds `start.lock`."""
    folder = job_folder(workspace, name)
    for leftover in ("cancel", LOG, _REQUEST):
        remove(folder / leftover)
    _write_state(folder, JobState(name, request.kind))
    write_json(folder / _REQUEST, {"schema_version": _SCHEMA, **asdict(request)})
    try:
        begin_session(folder / LOG)
        process = spawn(Program.PREPARE_DATASET, [f"--workspace={workspace.root}", f"--name={name}"], folder / LOG)
    except StorageError:
        remove(folder / _REQUEST)  # a job that never began must not be listed as failed
        raise
    _wait_for_lock(process, dataset_lock(workspace, name))


def _wait_for_lock(process: "subprocess.Popen[bytes]", lock: Path) -> None:
    end = time.monotonic() + JOB_START_SECONDS
    while process.poll() is None and not is_locked(lock) and time.monotonic() < end:
        time.sleep(0.02)


def _write_state(folder: Path, state: JobState) -> None:
    write_json(folder / "state.json", {"schema_version": _SCHEMA, **asdict(state)}, durable=state.state != "running")


def _read_request(folder: Path) -> Request | None:
    try:
        return parse(Request, read_json(folder / _REQUEST, max_bytes=MB), exact=False)
    except (OSError, ValueError):
        return None


def _why_it_ended(log: Path) -> str:
    """Why the process ended without writing its state: the reason it logged, or else the last line of its log."""
    logged = logged_end(log)
    if logged:
        return logged[1]
    output = last_line(log)
    if no_memory := explain_memory_error(output):
        return no_memory
    reason = f"it said: {output}" if output else "it was killed, or memory ran out"
    return f"The process that prepared the data ended early ({reason}). Start it again."
