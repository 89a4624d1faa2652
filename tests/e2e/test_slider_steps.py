"""A press of an arrow key on a slider is one step, however late the browser gets the answers; then the back button.

The epochs of that slider are played too, by the keyboard.
"""

import json
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run, read_run
from cifar_core.runs.run_folder import RunFolder
from cifar_core.workspace import Workspace, open_workspace
from tests.e2e.screens import query, settle
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

EPOCHS = 12
PRESSES = 7
PAUSE = 260  # ms between two presses: a slider of Streamlit waits 200 ms before it sends its value
# Each answer of the server reaches the page late, so that the next press is sent with the URL before that answer.
LATE_ANSWERS = """
window.WebSocket = class extends WebSocket {
  constructor(...about) {
    super(...about)
    this.addEventListener("message", event => {
      if (!event.isTrusted) return
      event.stopImmediatePropagation()
      setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data: event.data })), 400)
    })
  }
}
"""


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server with one run, `long`, of many epochs, of which the first is the best."""
    workspace = open_workspace(tmp_path_factory.mktemp("steps"))
    shutil.copytree(shared.data, workspace.data, dirs_exist_ok=True)
    path = workspace.runs / "long"
    shutil.copytree(shared.runs / finished.id, path)
    folder = RunFolder(path)
    line = json.loads(folder.metrics.read_text("utf-8").splitlines()[0])
    lines = [line | {"epoch": epoch, "validation_accuracy": 1 / epoch} for epoch in range(1, EPOCHS + 1)]
    folder.metrics.write_text("".join(json.dumps(each) + "\n" for each in lines), "utf-8")
    for epoch in range(2, EPOCHS + 1):
        shutil.copy(folder.probs("test", 1), folder.probs("test", epoch))
    best = read_run(workspace, "long").best
    assert best is not None and best.epoch == 1
    with serve(workspace, path.parent.parent / "server.log") as served:
        yield served


@pytest.fixture
def late(browser: Browser) -> Iterator[Page]:
    """A page that gets every answer late."""
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    context.set_default_timeout(60_000)
    opened = context.new_page()
    opened.add_init_script(LATE_ANSWERS)
    yield opened
    context.close()


def press(page: Page, thumb: Locator, pause: int) -> None:
    """Press the right arrow so many times, and await the last answer."""
    thumb.focus()
    for _ in range(PRESSES):
        page.keyboard.press("ArrowRight")
        page.wait_for_timeout(pause)
    page.wait_for_timeout(1500)
    settle(page)


@pytest.mark.parametrize("screen", ["misclassified", "confusion"])
def test_epoch_slider(late: Page, app: App, screen: str) -> None:
    late.goto(f"{app.url}/{screen}?run=long")
    thumb = late.get_by_role("slider", name="Epoch")
    expect(thumb).to_be_visible()
    settle(late)
    press(late, thumb, PAUSE)
    assert (thumb.get_attribute("aria-valuetext") or "").removeprefix("epoch ") == str(1 + PRESSES)
    expect(late).to_have_url(re.compile(f"epoch={1 + PRESSES}"))
    late.go_back()
    expect(late).not_to_have_url(re.compile(f"epoch={1 + PRESSES}"))
    expect(thumb).to_have_attribute("aria-valuetext", re.compile(rf"\b{query(late).get('epoch', 1)}\b"))


@pytest.mark.parametrize("pause", [0, PAUSE])
def test_range_slider(late: Page, app: App, pause: int) -> None:
    late.goto(f"{app.url}/misclassified?run=long&outcome=all")
    late.get_by_role("button", name="Filters").click()
    thumb = late.get_by_role("slider", name="Loss").first
    expect(thumb).to_be_visible()
    settle(late)
    low = float(thumb.input_value())
    press(late, thumb, pause)
    reached = f"{low + PRESSES / 100:g}"
    assert float(thumb.input_value()) == pytest.approx(float(reached))
    expect(late).to_have_url(re.compile(rf"loss={reached}(~|%7E)(&|$)"))
    late.go_back()
    expect(late).not_to_have_url(re.compile(rf"loss={reached}(~|%7E)"))
    before = float(query(late).get("loss", f"{low}~").partition("~")[0])
    expect(thumb).to_have_value(re.compile(rf"^{before:g}\d*$"))


def test_epochs_are_played(page: Page, app: App) -> None:
    page.goto(f"{app.url}/confusion?run=long&epoch={EPOCHS - 2}")
    thumb = page.get_by_role("slider", name="Epoch")
    expect(thumb).to_be_visible()
    settle(page)
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    expect(page).to_have_url(re.compile(f"epoch={EPOCHS - 1}"))
    expect(page).to_have_url(re.compile(f"epoch={EPOCHS}"))
    expect(page.get_by_role("button", name="Play")).to_be_focused()  # it ends there
    page.keyboard.press("Space")
    expect(page).to_have_url(re.compile(r"epoch=2(&|$)"))
    thumb.focus()
    page.keyboard.press("End")  # anything else pauses it
    expect(page).to_have_url(re.compile(f"epoch={EPOCHS}"))
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    thumb.focus()
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(re.compile(f"epoch={EPOCHS - 1}"))
    page.wait_for_timeout(1500)  # time for a step of a player that did not stop
    assert query(page)["epoch"] == str(EPOCHS - 1)
