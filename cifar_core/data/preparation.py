"""Preparing data in a process of its own (`job.py`): start it, read how far it is, cancel it.

Reads and writes `data/.jobs/<name>/`: `job.json` (what is wanted), `state.json` (how far it is), `job.lock` (held by the
process for life: a free lock means dead), `start.lock` (held until it has that lock), `cancel`, `worker.log`.
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

from cifar_core.data.sources.cifar10 import NAME as CIFAR10_NAME
from cifar_core.data.sources.cifar10 import downloads_folder, is_official
from cifar_core.data.store import (
    BUILT_IN_NAMES,
    dataset_lock,
    is_preparing,
    is_saved,
    known_name,
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

START_SECONDS = 30.0  # a job holds its lock within a second; this is for very busy machines
LOG = "worker.log"
_SCHEMA = 1
_REQUEST = "job.json"
_MAX_PATH_SHOWN = 300  # characters of a path in sentences
JobKind = Literal["get", "import"]
Outcome = Literal["running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class JobState:
    """How far the preparation of one dataset is, or how it ended."""

    name: str
    kind: JobKind
    state: Outcome = "running"
    phase: str = "Starting"
    done: Count = 0
    total: Count = 0
    unit: str = ""  # "bytes", "files" or "pictures"
    seconds_left: Amount | None = None  # of this phase
    error: str = ""  # one sentence, where it failed
    report: list[str] = field(default_factory=list)  # unreadable files, what was passed over


@dataclass(frozen=True)
class Request:
    """What a job shall do."""

    kind: JobKind
    source: str = ""  # absolute path of what is imported
    remove_source: bool = False  # it is an upload of ours
    shown: str = ""  # what people know the source as; empty = its own name
    leave_out: bool = False  # files that cannot be used, instead of refusing the whole


def job_folder(workspace: Workspace, name: str) -> Path:
    """Where the job of a dataset keeps its files; made on first use."""
    return dataset_lock(workspace, name).parent


def start_get(workspace: Workspace, name: str) -> None:
    """Generate `drawn10` or download `cifar10` in a process of its own; nothing happens where that is done or on its way.

    Raises:
        DataError: no dataset of this name can be got, or it is here but broken.
        StorageError: the process could not be started.
    """
    if name not in BUILT_IN_NAMES:
        raise DataError(
            f"{known_name(name)} cannot be got, only {' and '.join(BUILT_IN_NAMES)}: import your own pictures."
        )
    if is_saved(workspace, name):
        open_dataset(workspace, name)  # raises where it is broken: it must be deleted first
        return
    with hold_lock(job_folder(workspace, name) / "start.lock", timeout=START_SECONDS) as mine:
        if mine and not is_saved(workspace, name) and not is_locked(dataset_lock(workspace, name)):
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
    """Import a folder or archive in a process of its own; the same import on its way already is left alone.

    Args:
        workspace: where.
        source: a folder or archive; its content decides what it is. A leading `~` is the person's own folder.
        name: of the new dataset.
        remove_source: delete the source when the job ends, however it ends (uploads). Where this call raises, it stays.
        shown: what sentences call the source, where people know it by another name (uploads); one line is made of it.
        leave_out: import the rest where some files cannot be used; else nothing is imported.

    Raises:
        DataError: the source is absent or unreadable, the name is taken, not allowed or kept for another dataset.
        StorageError: the process could not be started.
    """
    source = _readable(source)
    if name == "drawn10" or (name == "cifar10" and not is_official(source)):
        raise DataError(f"The name {name} is kept for its own pictures: choose another, such as my-{name}.")
    request = Request("import", str(source), remove_source, one_line(shown), leave_out)
    with hold_lock(job_folder(workspace, name) / "start.lock", timeout=START_SECONDS) as mine:
        if not mine or is_locked(dataset_lock(workspace, name)):
            if _read_request(job_folder(workspace, name)) == request:
                return
            raise DataError(f"Another dataset named {name} is being prepared: choose another name or wait.")
        refuse_taken(workspace, name)
        _start(workspace, name, request)


def _readable(source: Path) -> Path:
    """The absolute path of a file or folder that can be opened; DataError for everything a person may have typed instead."""
    typed = one_line(str(source), _MAX_PATH_SHOWN)
    try:
        path = source.expanduser().absolute()
        typed = one_line(str(path), _MAX_PATH_SHOWN)
        if path.is_dir():
            os.listdir(path)
            (path / "..").stat()  # listing is one permission, reaching what is listed another
        elif stat.S_ISREG(path.stat().st_mode):
            path.open("rb").close()
        else:
            raise DataError(f"{typed} is neither a file nor a folder.")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DataError(f"There is no file or folder {typed}.") from error
    except PermissionError as error:
        raise DataError(
            f"There is no permission to read {typed}: change that, or copy it to a place of yours."
        ) from error
    except RuntimeError as error:  # of `expanduser`
        raise DataError(f"There is no home folder {typed.split('/')[0]}: write the whole path.") from error
    except (OSError, ValueError) as error:  # too long, a null character, a broken disk
        reason = (isinstance(error, OSError) and error.strerror) or str(error)
        raise DataError(f"{typed} cannot be opened ({reason}): give the path of a file or folder.") from error
    return path


def read_job(workspace: Workspace, name: str) -> JobState | None:
    """How far the job of a dataset is; None where there never was one. A dead process counts as failed, and so does a job
    of which nobody can tell."""
    folder = workspace.jobs / known_name(name)
    try:
        alive = is_preparing(workspace, name)  # before the state is read, so that one that just ended is believed
    except StorageError as error:
        return JobState(name, "import", "failed", error=f"How far it is cannot be told: {error}")
    request = _read_request(folder)
    if request is None:
        if not os.path.lexists(folder / _REQUEST):
            return None
        told = (
            f"What was to be done ({folder / _REQUEST}) cannot be read: dismiss it on the Data page and start it anew."
        )
        return JobState(name, "import", "failed", error=told)
    try:
        state = parse(JobState, read_json(folder / "state.json", max_bytes=MB), exact=False)
    except (OSError, ValueError):
        state = JobState(name, request.kind)
    if state.state == "running" and not alive:
        return JobState(name, request.kind, "failed", state.phase, error=_why_dead(folder / LOG))
    return state


def cancel_job(workspace: Workspace, name: str) -> None:
    """Ask the job to stop; it does so within a second (a stalled download within twenty) and removes what it began."""
    if is_preparing(workspace, name):
        write_atomic(job_folder(workspace, name) / "cancel", durable=False)


def forget_job(workspace: Workspace, name: str) -> None:
    """Drop what is known of an ended job, so that a failed import is no longer listed; a running one stays."""
    if read_job(workspace, name) is not None and not is_preparing(workspace, name):
        remove(job_folder(workspace, name) / _REQUEST)  # never the locks: someone may wait on them


class Reporter:
    """The job's side: a `OnProgress` that writes `state.json` now and then and looks for the request to cancel."""

    EVERY = 0.3  # seconds

    def __init__(self, folder: Path, name: str, kind: JobKind) -> None:
        self._folder = folder
        self._name = name
        self._kind = kind
        self._phase = ""
        self._phase_start = 0.0
        self._phase_done = 0  # where the phase began, as after a resumed download
        self._next = 0.0

    def __call__(self, phase: str, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._phase_start, self._phase_done = phase, now, done
        elif now < self._next:
            return
        self._next = now + self.EVERY
        if (self._folder / "cancel").exists():
            raise CancelledError("The person cancelled it.")
        gained, elapsed = done - self._phase_done, now - self._phase_start
        left = (total - done) * elapsed / gained if gained > 0 and elapsed >= 1 else None
        self._write(JobState(self._name, self._kind, "running", phase, done, total, unit, left))

    def end(self, state: Outcome, *, error: str = "", report: list[str] | None = None) -> None:
        """Write how it ended."""
        self._write(JobState(self._name, self._kind, state, self._phase, error=error, report=report or []))

    def _write(self, state: JobState) -> None:
        _write_state(self._folder, state)


def read_request(folder: Path) -> Request:
    """What the job in this folder shall do.

    Raises:
        DataError: nothing that can be understood.
    """
    request = _read_request(folder)
    if request is None:
        raise DataError(f"The job in {folder} cannot be read: start it again.")
    return request


def sweep_earlier(workspace: Workspace, name: str) -> None:
    """Remove what killed jobs of this dataset left half made; the caller holds its lock, so nobody is making it.

    Where CIFAR-10 is whole, what it was downloaded to goes as well: a job may have died just before it did so.
    """
    mine = re.compile(re.escape(f"{TEMP_MARK}{name}-") + r"\d+-[0-9a-f]{8}")
    for item in workspace.data.iterdir():
        if mine.fullmatch(item.name) and item.is_dir():
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
        remove(folder / _REQUEST)  # what never began is not listed as something that failed
        raise
    _wait_for_lock(process, dataset_lock(workspace, name))


def _wait_for_lock(process: "subprocess.Popen[bytes]", lock: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and not is_locked(lock) and time.monotonic() < end:
        time.sleep(0.02)


def _write_state(folder: Path, state: JobState) -> None:
    write_json(folder / "state.json", {"schema_version": _SCHEMA, **asdict(state)}, durable=state.state != "running")


def _read_request(folder: Path) -> Request | None:
    try:
        return parse(Request, read_json(folder / _REQUEST, max_bytes=MB), exact=False)
    except (OSError, ValueError):
        return None


def _why_dead(log: Path) -> str:
    """Why the process of this log ended without writing so: by its own last words, where it had any."""
    told = logged_end(log)
    if told:
        return told[1]
    words = last_line(log)
    if lack := explain_memory_error(words):
        return lack
    said = f"its last words: {words}" if words else "it was killed, or memory ran out"
    return f"The process that prepared the data ended early ({said}). Start it again."
