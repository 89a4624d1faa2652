"""Waiting for jobs, in tests."""

import time

import pytest

from cifar_core.jobs.job import JobFolder, JobState, read_job

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
