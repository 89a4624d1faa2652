"""A job for tests, as a program: `python -m tests.jobs.fake_job --job=DIR`. Its request says how it behaves."""

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass

from cifar_core.errors import DataError
from cifar_core.jobs import process
from cifar_core.jobs.job import JobFolder, Request
from cifar_core.jobs.process import Reporter, run_job_process
from cifar_core.jobs.progress import CancelledError


@dataclass(frozen=True)
class FakeRequest(Request):
    """How the job behaves."""

    way: str  # quick, refused, obedient, deaf (reports nothing), stuck (obeys no signal), crash


def work(job: JobFolder, request: FakeRequest, reporter: Reporter) -> None:
    """Write `result` into the folder, in the way that was asked for."""
    reporter("Working", 1, 4, "files")
    if request.way == "refused":
        reporter.report.append("One line more.")
        raise DataError("The file is no picture.")
    if request.way == "crash":
        raise ValueError("nobody expected this")
    while request.way == "obedient":
        reporter("Working", 2, 4, "files")
        time.sleep(0.02)
    if request.way == "deaf":
        time.sleep(600)
    if request.way == "stuck":
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        while True:
            with contextlib.suppress(CancelledError):
                time.sleep(600)
    (job.path / "result").write_text("made")


if __name__ == "__main__":
    process._LOOK_SECONDS, process.OBEY_SECONDS, process.KILL_SECONDS = 0.05, 0.2, 0.3
    run_job_process(FakeRequest, work)
