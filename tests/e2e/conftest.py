"""A real server and a real browser: each test may have an app on a workspace of its own."""

import os
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

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from cifar_core.workspace import Workspace
from tests.conftest import ROOT

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
READY_SECONDS = 120.0
expect.set_options(timeout=60_000)  # ms: a deadline on a busy machine, not a wait


@dataclass(frozen=True)
class App:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]

    def loads(self, module: str) -> bool:
        """Whether the server process has mapped a file of this package's native code."""
        return any(f"/{module}/" in item.path for item in psutil.Process(self.process.pid).memory_maps())


@contextmanager
def serve(workspace: Workspace, log: Path, **environment: str) -> Iterator[App]:
    """Start the app as `make run` does, wait until it answers, stop it at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", "streamlit_app.py", "--server.headless", "true",
               "--server.port", str(port)]  # fmt: skip
    with open(log, "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output,
                                   env={**os.environ, "CIFAR_WORKSPACE": str(workspace.root), **environment})  # fmt: skip
    app = App(f"http://127.0.0.1:{port}", process)
    try:
        _wait_until_ready(app, log)
        yield app
    finally:
        process.terminate()
        process.wait(timeout=30)


def _wait_until_ready(app: App, log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{app.url}/_stcore/health", timeout=5) as answer:
                if answer.read() == b"ok":
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        if app.process.poll() is not None:
            break
    raise AssertionError(f"the server did not start: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when a script of it fails, or when it asks another host for anything."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(60_000)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(f"script error: {error}"))
    opened.on("request", lambda request: faults.append(f"outside request: {request.url}")
              if request.url.startswith("http") and "//127.0.0.1" not in request.url else None)  # fmt: skip
    yield opened
    context.close()
    assert faults == []
