"""The app as `make run` starts it, on a port of its own, for measurements and tests that need a real server."""

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

from cifar_core.workspace import WORKSPACE_VARIABLE, Workspace

_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 120.0
_END_SECONDS = 30.0
_LOOK_SECONDS = 0.1
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


def start_app(workspace: Workspace, log: Path, *, port: int = 0, **environment: str) -> App:
    """Start a server and wait until it answers.

    Args:
        workspace: what it shows.
        log: gets what it prints, after what is there.
        port: 0 takes a free one.
        environment: variables on top of this process's own.

    Raises:
        TimeoutError: it did not answer in time; the end of what it printed is told.
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
            env={**os.environ, WORKSPACE_VARIABLE: str(workspace.root), **environment},
        )
    app = App(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_ready(app, log)
    except BaseException:
        stop_app(app)
        raise
    return app


def stop_app(app: App) -> None:
    """End a server as Ctrl-C does."""
    app.process.terminate()
    app.process.wait(timeout=_END_SECONDS)


@contextmanager
def serve(workspace: Workspace, log: Path, **environment: str) -> Iterator[App]:
    """A server for as long as the block lasts.

    Raises:
        TimeoutError: it did not answer in time.
    """
    app = start_app(workspace, log, port=0, **environment)
    try:
        yield app
    finally:
        stop_app(app)


def find_chromium() -> str | None:
    """Path of a Chromium: $CHROMIUM, else one on the PATH."""
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
            time.sleep(_LOOK_SECONDS)
    raise TimeoutError(f"The app did not start: {log.read_text('utf-8', 'replace')[-2000:]}")
