"""Starts the process of a job, once however often it is asked for, and does not wait for it."""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cifar_core.errors import StorageError
from cifar_core.jobs.job import JobFolder, JobState, R, Request, is_alive, read_request, write_request, write_state
from cifar_core.jobs.log import begin_session
from cifar_core.processes import Program, spawn
from cifar_core.storage.atomic import remove
from cifar_core.storage.locks import hold_lock, is_locked

START_SECONDS = 30.0  # a process normally holds its lock within a second; this is for very busy machines


def start_job(job: JobFolder, program: Program, request: Request, *, wanted: Callable[[], bool] = lambda: True) -> bool:
    """Start the process of a job, unless one is at work there already: then that is the one to follow.

    Args:
        job: its folder, created where it is missing; what an earlier job left in it is replaced.
        program: is run with `--job=FOLDER` and calls `run_job_process`.
        request: what it is to do.
        wanted: asked last, while nobody else can start this job: False leaves everything as it is. It may raise.

    Returns:
        Whether it was started here.

    Raises:
        StorageError: the disk refused, or the process could not be started; there is no job then.
    """
    job.make()
    with contextlib.ExitStack() as starting:
        acquired = starting.enter_context(hold_lock(job.start_lock))
        if not acquired or is_locked(job.lock) or not wanted():
            return False
        for leftover in (job.request, job.cancel_file, job.log):
            remove(leftover)
        write_state(job, JobState(request.kind))
        write_request(job, request)
        try:
            begin_session(job.log)
            process = spawn(program, [f"--job={job.path}"], job.log)
        except StorageError:
            remove(job.request)  # a job that never began must not be listed as failed
            raise
        _hand_over(process, job.lock, starting.pop_all())
    return True


def mark_as_asked(job: JobFolder, request: type[R]) -> None:
    """Note that a job at work is wanted now, so that its failure is told; it may have been begun for nobody.

    Raises:
        StorageError: the disk refused.
    """
    if not is_alive(job):
        return
    try:
        begun = read_request(job, request)
    except StorageError:  # whatever is at work there, it is no job that was begun for nobody
        return
    if begun.unasked:
        write_request(job, replace(begun, unasked=False))


def _hand_over(process: "subprocess.Popen[bytes]", lock: Path, starting: contextlib.ExitStack) -> None:
    """Hold the start lock in a thread until the process has its own, because that takes a second and a page waits."""
    thread = threading.Thread(target=_wait_for_lock, args=(process, lock, starting), name="start a job", daemon=True)
    try:
        thread.start()
    except RuntimeError:  # the system allows no more threads
        _wait_for_lock(process, lock, starting)


def _wait_for_lock(process: "subprocess.Popen[bytes]", lock: Path, starting: contextlib.ExitStack) -> None:
    with starting, contextlib.suppress(StorageError):
        end = time.monotonic() + START_SECONDS
        while process.poll() is None and not is_locked(lock) and time.monotonic() < end:
            time.sleep(0.02)
