"""A training and its page lose sight of each other: closed, reloaded, another tab, the line cut for a while."""

import contextlib
import re
import socket
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.config import make_config
from cifar_core.runs import Run, list_runs, read_metrics, read_run
from cifar_core.workspace import Workspace
from tests.e2e.screens import query, settle
from tests.e2e.serving import serve
from tests.lifecycle.conftest import until
from tests.runs.conftest import TINY, begin, tiny, wait_for

__all__ = ["tiny"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EPOCH = re.compile(r"epoch (\d+)/")
LONG = {**TINY, "epochs": 500, "batch_size": 16}  # of some tenths of a second each; the fixture `tiny` stops the run


class Line:
    """What lies between a browser and the server, and can be cut."""

    def __init__(self, port: int) -> None:
        self._goal = port
        self._whole = True
        self._open: set[socket.socket] = set()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._welcome, daemon=True).start()

    def cut(self) -> None:
        """Tear every connection; new ones are refused."""
        self._whole = False
        for end in list(self._open):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        """Let new connections through again."""
        self._whole = True

    def close(self) -> None:
        self.cut()
        self._door.close()

    def _welcome(self) -> None:
        with contextlib.suppress(OSError):  # the door was closed
            while True:
                near, _ = self._door.accept()
                if not self._whole:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._goal))
                self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65_536):
                target.sendall(content)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            self._open.discard(end)


@pytest.fixture
def training(tiny: Workspace) -> Run:
    """A run in the middle of its training."""
    return wait_for(tiny, begin(tiny, make_config(LONG)), lambda run: run.last is not None and run.last.epoch > 2)


def shown_epoch(page: Page) -> int:
    """The epoch that the progress line says."""
    found = EPOCH.search(page.get_by_text(EPOCH).first.inner_text())
    assert found
    return int(found[1])


def moves_on(page: Page) -> None:
    """Until the page shows a later epoch than now."""
    now = shown_epoch(page)
    expect(page.get_by_text(re.compile(rf"epoch (?!{now}/)\d+/")).first).to_be_visible()
    assert shown_epoch(page) > now


@pytest.mark.fault(23)
def test_a_page_finds_its_training_again(
    page: Page, browser: Browser, tiny: Workspace, training: Run, tmp_path: Path
) -> None:
    with serve(tiny, tmp_path / "log") as app:
        page.goto(f"{app.url}/train")
        settle(page)
        moves_on(page)
        page.reload()
        moves_on(page)
        page.goto("about:blank")  # closed
        other = browser.new_context().new_page()  # another browser, the bare address
        other.goto(f"{app.url}/train")
        expect(other.get_by_role("button", name="Stop")).to_be_visible()
        moves_on(other)
        assert query(other)["run"] == training.id
        other.get_by_text("The numbers of each epoch").click()
        expect(other.locator(".js-plotly-plot .xtick")).not_to_have_count(0)
        epochs = other.evaluate("[...document.querySelector('.js-plotly-plot').calcdata[0]].map(point => point.x)")
        logged = len(read_metrics(tiny, training.id))
        assert epochs == list(range(1, len(epochs) + 1))
        assert logged - 5 <= len(epochs) <= logged, "the whole history"
        other.context.close()
    (run,) = list_runs(tiny)
    assert run.active, "neither a page nor the server takes it along"


@pytest.mark.fault(24)
@pytest.mark.parametrize("kept", ["120", "1"], ids=["the session is kept", "the session is lost"])
def test_a_cut_line_is_taken_up_again(page: Page, tiny: Workspace, training: Run, tmp_path: Path, kept: str) -> None:
    """A short cut, and one that outlasts the server's memory of the session (2 minutes; here a second)."""
    with serve(tiny, tmp_path / "log", STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=kept) as app:
        line = Line(int(app.url.rpartition(":")[2]))
        page.goto(f"{line.url}/train?run={training.id}&view=Watch")
        settle(page)
        moves_on(page)
        line.cut()
        expect(page.get_by_role("combobox", name="Run")).to_be_disabled()
        before = read_run(tiny, training.id)
        wait_for(tiny, training.id, lambda run: run.last.epoch > before.last.epoch + 4)  # type: ignore[union-attr]
        line.restore()
        later = before.last.epoch + 4  # type: ignore[union-attr]
        until(lambda: shown_epoch(page) > later, "the page shows what came meanwhile")
        moves_on(page)
        expect(page.get_by_role("heading", name="Train")).to_be_visible()
        expect(page.get_by_role("button", name="Stop")).to_be_visible()
        expect(page.get_by_test_id("stException")).to_have_count(0)
        assert query(page)["run"] == training.id
        line.close()
    assert [run.id for run in list_runs(tiny)] == [training.id], "no second start"
