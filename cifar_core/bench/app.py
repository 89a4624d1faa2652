"""Starts the app as `make run` does, on another port, for measurements and tests that need a real server."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cifar_core.data import dataset_job
from cifar_core.data.sources.drawn10 import DRAWN10_NAME
from cifar_core.jobs.job import Request, cancel_job, is_alive, read_request
from cifar_core.limits import BACKGROUND_VARIABLE
from cifar_core.runs import speed_job
from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace

_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 120.0
_STOP_SECONDS = 30.0
_POLL_SECONDS = 0.1
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass(frozen=True)
class App:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]


def start_app(
    workspace: Workspace, log: Path, *, port: int = 0, background_jobs: bool = False, **environment: str
) -> App:
    """Start a server and wait until it answers.

    Args:
        workspace: the workspace that the app shows.
        log: file to which the server's output is appended.
        port: 0 takes a free one.
        background_jobs: whether the server begins jobs that nobody has asked for; they take time from everything else.
        environment: environment variables to add to those of this process.

    Raises:
        TimeoutError: it did not answer in time; the message has the end of its output.
    """
    port = port or _free_port()
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "streamlit_app.py",
        "--server.headless=true",
        f"--server.port={port}",
    ]
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command,
            cwd=_ROOT,
            stdout=output,
            stderr=output,
            env={
                **os.environ,
                WORKSPACE_VARIABLE: str(workspace.root),
                BACKGROUND_VARIABLE: "1" if background_jobs else "0",
                **environment,
            },
        )
    app = App(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_ready(app, log)
    except BaseException:
        stop_app(app)
        raise
    return app


def stop_app(app: App) -> None:
    """Terminate a server and wait until its process has ended.

    Raises:
        TimeoutExpired: it did not end by itself; it was killed, so that nothing is left behind.
    """
    app.process.terminate()
    try:
        app.process.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        app.process.kill()
        app.process.wait()
        raise


@contextmanager
def serve(workspace: Workspace, log: Path, *, background_jobs: bool = False, **environment: str) -> Iterator[App]:
    """Start a server as `start_app`, and stop it at the end of the block with the jobs that it began unasked.

    Raises:
        TimeoutError: it did not answer in time.
    """
    app = start_app(workspace, log, port=0, background_jobs=background_jobs, **environment)
    try:
        yield app
    finally:
        stop_app(app)
        _cancel_unasked_jobs(workspace)


def _cancel_unasked_jobs(workspace: Workspace) -> None:
    """Else they would work on beside the next measurement or test, in a folder that may be removed."""
    begun, drawing = [speed_job(workspace)], dataset_job(workspace, DRAWN10_NAME)
    if drawing.request.exists() and read_request(drawing, Request).unasked:
        begun.append(drawing)
    for job in begun:
        cancel_job(job)
    deadline = time.monotonic() + _STOP_SECONDS
    while any(map(is_alive, begun)) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)


def find_chromium() -> str | None:
    """Return the path of Chromium: $CHROMIUM, else one on the PATH, else None."""
    return os.environ.get("CHROMIUM") or next((path for name in _BROWSERS if (path := shutil.which(name))), None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _wait_until_ready(app: App, log: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while time.monotonic() < deadline and app.process.poll() is None:
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(_POLL_SECONDS)
    raise TimeoutError(f"The app did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
