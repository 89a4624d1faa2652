"""The form of a new run in a real browser: what starts a run is in view, and what was set survives a reload."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.bench.app import App
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.e2e.screens import settle
from tests.e2e.serving import serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def app(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on a workspace with a small dataset of its own and no run."""
    save_tiny(workspace)
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


def field(page: Page, setting: str) -> Locator:
    """The number field of a setting."""
    return page.locator(f".st-key-train_set_{setting} input")


@pytest.mark.parametrize(("width", "height"), [(1366, 768), (800, 900)])
def test_what_starts_a_run_is_in_view_and_survives_a_reload(
    app: App, browser: Browser, width: int, height: int
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(f"{app.url}/train?view=New+run&dataset=tiny")
    start = page.get_by_role("button", name="Start", exact=True)
    expect(start).to_be_visible()
    settle(page)
    for place in (start, field(page, "epochs"), page.get_by_label("Name (optional)"), page.get_by_label("Dataset")):
        expect(place.first).to_be_in_viewport(ratio=1)
    page.get_by_role("radiogroup").get_by_text("Quick", exact=True).click()
    expect(page).to_have_url(re.compile("preset=quick"))
    field(page, "epochs").fill("7")
    field(page, "epochs").press("Enter")
    expect(page.get_by_text("Quick, changed: epochs.")).to_be_visible()
    optimiser = page.locator("summary", has_text="Optimiser")
    optimiser.click()
    field(page, "momentum").fill("0.7")
    field(page, "momentum").press("Enter")
    expect(optimiser).to_contain_text("momentum 0.7")
    expect(field(page, "momentum")).to_be_visible()  # the group stays open when its line changes
    expect(page).to_have_url(re.compile(r"epochs=7.*momentum=0\.7"))
    page.reload()
    expect(page.get_by_text("Quick, changed: epochs, momentum.")).to_be_visible()
    expect(field(page, "epochs")).to_have_value("7")
    page.get_by_role("button", name="Back to Quick").click()
    expect(field(page, "epochs")).to_have_value("3")
    expect(page).not_to_have_url(re.compile("epochs="))
    context.close()
