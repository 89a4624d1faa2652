"""A job on the disk: its files, how far it is or how it ended, and the request to cancel it.

A job is work in a process of its own. Everything that others know of it lies in one folder: `job.json` (the request),
`state.json` (the progress, then the last words), `job.lock` (held by the process as long as it works: a free lock means
that it has ended), `start.lock` (held until the process has that lock), `cancel` and `worker.log`.
"""

import contextlib
import os
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, TypeVar

from cifar_core.errors import StorageError
from cifar_core.jobs.log import last_line, logged_end
from cifar_core.machine import explain_memory_error
from cifar_core.storage.atomic import make_folder, remove, write_atomic
from cifar_core.storage.json_files import read_json, write_json
from cifar_core.storage.json_types import Amount, Count
from cifar_core.storage.locks import is_locked
from cifar_core.storage.parse import parse
from cifar_core.text import MB, clock, size_text

_SCHEMA = 1  # of job.json and state.json
JobStatus = Literal["waiting", "running", "done", "failed", "cancelled"]


@dataclass(frozen=True)
class JobFolder:
    """The files of a job."""

    path: Path

    def make(self) -> None:
        """Create the folder, and the one around it; an existing one is not an error."""
        make_folder(self.path.parent)
        make_folder(self.path)

    @property
    def request(self) -> Path:
        """What the job is to do; without it there is no job."""
        return self.path / "job.json"

    @property
    def state(self) -> Path:
        """The progress, then how the job ended."""
        return self.path / "state.json"

    @property
    def lock(self) -> Path:
        """The process of the job holds it as long as it works."""
        return self.path / "job.lock"

    @property
    def start_lock(self) -> Path:
        """Whoever starts the job holds it, until the process holds `lock`."""
        return self.path / "start.lock"

    @property
    def cancel_file(self) -> Path:
        """Its presence asks the job to stop."""
        return self.path / "cancel"

    @property
    def log(self) -> Path:
        """What the process printed."""
        return self.path / "worker.log"


@dataclass(frozen=True)
class Request:
    """What a job is to do; each kind of job adds its parameters as fields."""

    kind: str
    unasked: bool = field(default=False, kw_only=True)  # begun by the app itself, for no person and no run


R = TypeVar("R", bound=Request)


@dataclass(frozen=True)
class JobState:
    """How far a job is, or how it ended."""

    kind: str
    state: JobStatus = "waiting"
    phase: str = "Starting"
    done: Count = 0
    total: Count = 0
    unit: str = ""  # "bytes", "files", "pictures" and the like
    seconds_left: Amount | None = None  # of this phase
    error: str = ""  # one sentence if it failed
    report: list[str] = field(default_factory=list)  # more to say of the result, such as a line for each skipped file

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("waiting", "running")

    @property
    def share(self) -> float:
        """How much of this phase is done, from 0 to 1; 0 where that is not known."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0

    @property
    def sentence(self) -> str:
        """The progress for people, such as `Downloading · 81.1 MB of 162.1 MB · 1:01 left`."""
        if self.total <= 0:
            return f"{self.phase}…"
        amount = size_text(self.done) if self.unit == "bytes" else f"{self.done:,}"
        whole = size_text(self.total) if self.unit == "bytes" else f"{self.total:,} {self.unit}"
        left = f" · {clock(self.seconds_left)} left" if self.seconds_left is not None else ""
        return f"{self.phase} · {amount} of {whole}{left}"


def is_alive(job: JobFolder) -> bool:
    """Whether a process works on this job or is being started for it; StorageError if the locks cannot tell."""
    # In this order: the start lock is released only after the process has acquired the other.
    return is_locked(job.start_lock) or is_locked(job.lock)


def read_job(job: JobFolder) -> JobState | None:
    """The state of a job as it is now; None where there never was one.

    A job counts as failed if its process ended without saying so, or if its state cannot be determined; as cancelled
    if it was to be cancelled and its process ended without last words. One that nobody asked for and that failed is as
    if it had never been.
    """
    state, unasked = _read_state_now(job)
    return None if unasked and state is not None and state.state == "failed" else state


def _read_state_now(job: JobFolder) -> tuple[JobState | None, bool]:
    """The state of a job as it is now, and whether nobody has asked for it."""
    try:
        # This is asked before the state is read, so that a job that ends now is not called dead.
        alive = is_alive(job)
    except StorageError as error:
        return JobState("", "failed", error=f"Its progress cannot be read: {error}"), False
    try:
        request = read_request(job, Request)
    except StorageError as error:
        found = JobState("", "failed", error=str(error)) if os.path.lexists(job.request) else None
        return found, False
    return _state_of(job, request.kind, alive=alive), request.unasked


def _state_of(job: JobFolder, kind: str, *, alive: bool) -> JobState:
    """The state of a job that has a request; `alive` is whether its process lived a moment ago."""
    try:
        state = replace(parse(JobState, read_json(job.state, max_bytes=MB), exact=False), kind=kind)
    except (OSError, ValueError):
        state = JobState(kind)
    if not state.active:
        return state
    cancelling = os.path.lexists(job.cancel_file)
    with contextlib.suppress(StorageError):
        alive = alive or is_alive(job)  # asked again: it may have been started since
    if alive:
        return JobState(kind, state.state, "Cancelling") if cancelling else state
    if cancelling:
        return JobState(kind, "cancelled", state.phase)
    return JobState(kind, "failed", state.phase, error=_why_it_ended(job.log))


def write_state(job: JobFolder, state: JobState) -> None:
    """Write the state of a job; StorageError if the disk refused. Only last words must survive a power failure."""
    write_json(job.state, {"schema_version": _SCHEMA, **asdict(state)}, durable=not state.active)


def write_request(job: JobFolder, request: Request) -> None:
    """Write what a job is to do; StorageError if the disk refused."""
    write_json(job.request, {"schema_version": _SCHEMA, **asdict(request)})


def read_request(job: JobFolder, request: type[R]) -> R:
    """The request of a job, as the dataclass of its kind.

    Raises:
        StorageError: it is missing or cannot be read.
    """
    try:
        return parse(request, read_json(job.request, max_bytes=MB), exact=False)
    except (OSError, ValueError) as error:
        raise StorageError(f"The request {job.request} cannot be read: dismiss it and start it again.") from error


def cancel_job(job: JobFolder) -> None:
    """Ask a job to stop: it does so within a second, or is ended some seconds later (`jobs/process.py`)."""
    if is_alive(job):
        write_atomic(job.cancel_file, durable=False)


def dismiss_job(job: JobFolder) -> None:
    """Forget a job that has ended; a running one stays."""
    state = read_job(job)
    if state is not None and not state.active:
        remove(job.request)  # never the locks: another process may be waiting for them


def _why_it_ended(log: Path) -> str:
    """Why the process ended without writing its state: the reason it logged, or else the last line of its log."""
    logged = logged_end(log)
    if logged:
        return logged[1]
    output = last_line(log)
    if no_memory := explain_memory_error(output):
        return no_memory
    reason = f"it said: {output}" if output else "it was killed, or memory ran out"
    return f"Its process ended early ({reason}). Start it again."
