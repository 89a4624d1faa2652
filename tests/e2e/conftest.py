"""A real server and a real browser: each test may have an app on a workspace of its own."""

from collections.abc import Iterator

import psutil
import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

from cifar_core.bench.app import CHROMIUM_FLAGS, App
from cifar_core.limits import LIMITS_FILE
from cifar_core.workspace import Workspace

expect.set_options(timeout=60_000)  # ms: a deadline on a busy machine, not a wait


# What Streamlit's page says of itself when it is drawn once more after its server has gone, or before it is there.
PARTING = "not connected to a server!"


def loads(app: App, module: str) -> bool:
    """Whether the server process has mapped a file of this package's native code."""
    return any(f"/{module}/" in item.path for item in psutil.Process(app.process.pid).memory_maps())


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def workspace(workspace: Workspace) -> Workspace:
    """An empty workspace in which the app does nothing unasked, which would take time from what a test does."""
    (workspace.root / LIMITS_FILE).write_text('{"background_jobs": false}', "utf-8")
    return workspace


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test when a script of it fails, or when it asks another host for anything."""
    context = browser.new_context(viewport={"width": 1440, "height": 1000}, accept_downloads=True)
    context.set_default_timeout(60_000)
    opened = context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(f"script error: {error}") if PARTING not in str(error) else None)

    def note_outside(request: Request) -> None:
        if request.url.startswith("http") and "//127.0.0.1" not in request.url:
            faults.append(f"outside request: {request.url}")

    opened.on("request", note_outside)
    yield opened
    context.close()
    assert faults == []
