"""The process of a job: takes its lock, does its work, reports the progress, obeys a cancel, leaves its last words.

An unexpected error ends the process with a traceback in `worker.log`; people see its last line.
"""

import argparse
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from cifar_core.errors import CifarCoreError, StorageError
from cifar_core.jobs.job import JobFolder, JobState, JobStatus, R, read_request, write_state
from cifar_core.jobs.log import append_bounded, end_line
from cifar_core.jobs.progress import CancelledError
from cifar_core.processes import kill_own_group
from cifar_core.storage.atomic import sweep_temp
from cifar_core.storage.locks import hold_lock

LOCK_SECONDS = 15.0  # another process may be testing the lock, or do the same work for a run
OBEY_SECONDS = 10.0  # a job that was asked to stop gets a SIGTERM after this long,
KILL_SECONDS = 10.0  # and this much later its whole group is killed
_LOOK_SECONDS = 0.5


class Reporter:
    """`OnProgress` for a job: writes `state.json` now and then and checks for a request to cancel."""

    EVERY = 0.3  # seconds

    def __init__(self, job: JobFolder, kind: str) -> None:
        self.report: list[str] = []  # the work adds what is to be said of its result
        self._job = job
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
        self.check_cancel()
        gained, elapsed = done - self._phase_done, now - self._phase_start
        left = (total - done) * elapsed / gained if gained > 0 and elapsed >= 1 else None
        write_state(self._job, JobState(self._kind, "running", phase, done, total, unit, left, report=self.report))

    def say(self, sentence: str) -> None:
        """Add a sentence to the report; it is shown from the next progress on."""
        self.report.append(sentence)

    def check_cancel(self) -> None:
        """Raise CancelledError where the job is to stop."""
        if self._job.cancel_file.exists():
            raise CancelledError("The person cancelled it.")

    def end(self, state: JobStatus, *, error: str = "") -> None:
        """Write how the job ended."""
        write_state(self._job, JobState(self._kind, state, self._phase, error=error, report=self.report))


def do_job(job: JobFolder, request: type[R], work: Callable[[JobFolder, R, Reporter], None]) -> int:
    """Do the work of a job, unless another process does it already; returns the exit code.

    Args:
        job: its folder.
        request: the dataclass of its request.
        work: does it; a CifarCoreError means that it failed. It begins with `check_cancel` or a report, so that a job
            that was cancelled while it waited changes nothing.

    Raises:
        CifarCoreError: the request cannot be read, or the end could not be written.
    """
    with hold_lock(job.lock, timeout=LOCK_SECONDS) as acquired:
        if not acquired:
            return 0
        asked = read_request(job, request)
        reporter = Reporter(job, asked.kind)
        sweep_temp(job.path, older_than=0, spare=[job.cancel_file])
        try:
            work(job, asked, reporter)
        except CancelledError:
            reporter.end("cancelled")
        except CifarCoreError as error:
            try:
                reporter.end("failed", error=str(error))
            except StorageError:  # the first of the two errors is the cause
                raise error from None
            return error.exit_code
        else:
            reporter.end("done")
    return 0


def run_job_process(request: type[R], work: Callable[[JobFolder, R, Reporter], None]) -> NoReturn:
    """What the program of a job consists of: does the job of `--job` (see `do_job`) and ends this process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--job", required=True, type=Path)
    job = JobFolder(parser.parse_args().job)
    signal.signal(signal.SIGTERM, _cancel)
    threading.Thread(target=_enforce_cancel, args=(job,), name="enforce a cancel", daemon=True).start()
    try:
        sys.exit(do_job(job, request, work))
    except CifarCoreError as error:
        # The log holds the reason where the state could not be written.
        append_bounded(job.log, f"\n{end_line('failed', str(error))}\n".encode())
        sys.exit(str(error))


def _cancel(_number: int, _frame: object) -> NoReturn:
    raise CancelledError("It was told to end.")


def _enforce_cancel(job: JobFolder) -> None:
    """End this process where it does not obey a request to cancel: SIGTERM, then the kill of its group."""
    while not job.cancel_file.exists():
        time.sleep(_LOOK_SECONDS)
    time.sleep(OBEY_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(KILL_SECONDS)
    kill_own_group()
