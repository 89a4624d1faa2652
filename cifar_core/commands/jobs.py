"""Following a job: its progress on the terminal, and Ctrl-C cancels it."""

import time
from collections.abc import Callable

import click

from cifar_core.commands.console import clear_line, say, show_progress
from cifar_core.interrupts import CtrlC
from cifar_core.jobs.job import JobFolder, JobState, cancel_job, is_alive, read_job

_LOOK_SECONDS = 0.2


def follow_job(
    job: JobFolder, ctrl_c: CtrlC, on_report: Callable[[list[str]], None] = lambda _: None
) -> JobState | None:
    """Wait until a job has ended, or whoever else holds its lock, and return its state; Ctrl-C cancels the job.

    Its report so far is given to `on_report` at each look.

    Raises:
        Abort: Ctrl-C was pressed again, or while the lock is not held by the job: only the waiting ends.
    """
    cancelled = False
    while True:
        busy, state = is_alive(job), read_job(job)
        is_job = state is not None and state.active
        if not busy and not is_job:
            clear_line()
            return state
        if ctrl_c.take():
            if cancelled or not is_job:
                raise click.Abort
            cancelled = True
            say("Cancelling; what was stored before is not changed.")
            cancel_job(job)
        if state is not None and is_job:
            on_report(state.report)
        _show(state if is_job else None)
        time.sleep(_LOOK_SECONDS)


def _show(state: JobState | None) -> None:
    if state is None:
        show_progress(0, 0, "Waiting for the process that works on it")
    else:
        show_progress(state.done, state.total, state.sentence)
