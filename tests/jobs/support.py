"""Waiting for jobs, and doing them at once, in tests."""

import time
from pathlib import Path

import pytest

from cifar_core.data.preparation import DataRequest
from cifar_core.data.prepare_process import prepare
from cifar_core.jobs import start
from cifar_core.jobs.job import JobFolder, JobState, read_job
from cifar_core.jobs.process import do_job

TIMEOUT = 60.0  # seconds; on a quiet machine a job of the tests takes one or two


def wait_for_end(job: JobFolder) -> JobState:
    """The state of a job when it is over."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        state = read_job(job)
        if state is not None and not state.active:
            return state
        time.sleep(0.05)
    pytest.fail(f"the job did not end within {TIMEOUT:.0f} s: {read_job(job)}")


def do_imports_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that prepares a dataset is done in this process, before the call that starts it returns."""

    def do(_program: object, arguments: list[str], _log: Path) -> None:
        do_job(JobFolder(Path(arguments[0].removeprefix("--job="))), DataRequest, prepare)

    monkeypatch.setattr(start, "spawn", do)
    monkeypatch.setattr(start, "_hand_over", lambda process, lock, starting: starting.close())
