"""Sweeps in a real browser, with their real processes: from a slider to its effect; Stop and Resume of a search."""

import re
from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.bench.app import App
from cifar_core.jobs.job import is_alive
from cifar_core.sweeps.control import sweep_job
from cifar_core.sweeps.sweep import list_sweeps
from cifar_core.workspace import Workspace
from tests.conftest import save_tiny
from tests.e2e.screens import settle
from tests.e2e.serving import serve

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a small dataset of its own, which the tests of this file share."""
    made = Workspace(tmp_path_factory.mktemp("sweeps"))
    save_tiny(made)
    return made


@pytest.fixture(scope="module")
def app(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on that workspace."""
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


@pytest.mark.parametrize(("width", "height", "theme"), [(1366, 768, "light"), (800, 900, "dark")])
def test_what_starts_a_sweep_is_in_view_and_survives_a_reload(
    app: App, browser: Browser, width: int, height: int, theme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)
    page = context.new_page()
    page.goto(f"{app.url}/sweep?dataset=tiny&preset=first-look")
    preset = page.get_by_role("radio", name="First look")
    ranges = page.locator(".st-key-sweep_row_learning_rate input")
    for place in (page.get_by_role("button", name="Start", exact=True), page.get_by_label("Runs", exact=True), ranges):
        expect(place.first).to_be_in_viewport(ratio=1)
    ranges.last.fill("0.5")
    ranges.last.press("Enter")
    expect(page).to_have_url(re.compile(r"set=learning_rate%3D0\.02\.\.0\.5"))
    expect(preset).to_be_checked()  # although it may not have been drawn when the range was typed
    page.get_by_role("combobox", name="Settings to vary").press_sequentially("Optim")
    page.get_by_role("option", name="Optimiser").click()
    page.keyboard.press("Escape")  # closes the list
    expect(page.locator(".st-key-sweep_choice_optimizer").get_by_role("button", name="Muon")).to_be_visible()
    expect(page).to_have_url(re.compile("optimizer%3D"))  # written once the page is drawn
    page.reload()
    settle(page)
    expect(preset).to_be_checked()
    expect(ranges.last).to_have_value("0.5")
    expect(page.locator(".st-key-sweep_choice_optimizer").get_by_role("button", name="Muon")).to_be_visible()
    settle(page)
    page.get_by_text("The effect of one setting").click()
    expect(page.get_by_text(re.compile(r"Tried: 0\.02, .*, 2\. 5 values with 3 seeds each, 15 runs"))).to_be_visible()
    expect(page.get_by_role("button", name="Start", exact=True)).to_be_in_viewport(ratio=1)
    context.close()


def test_from_a_slider_to_its_effect_with_a_stop_between(app: App, workspace: Workspace, page: Page) -> None:
    page.goto(f"{app.url}/train?view=New+run&dataset=tiny&preset=first-look&epochs=3")
    settle(page)
    page.locator("summary", has_text="Optimiser").click()
    page.locator(".st-key-train_set_learning_rate_row a").first.press("Enter")
    expect(page).to_have_url(re.compile("sweep.*preset=first-look.*epochs=3"))
    page.get_by_label("Values", exact=True).fill("2")
    page.get_by_label("Values", exact=True).press("Enter")
    expect(page.get_by_text("Tried: 0.02, 2. 2 values with 3 seeds each, 6 runs")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page).to_have_url(re.compile("sweep=.*view=Watch"))
    expect(page.get_by_text(re.compile(r"of 6 runs done .* training"))).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_role("button", name="Stopped")).to_be_disabled()
    (sweep,) = list_sweeps(workspace)
    assert not is_alive(sweep_job(workspace, sweep.id))
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("6 of 6 runs done")).to_be_visible()
    expect(page.get_by_role("button", name="Finished")).to_be_disabled()
    expect(page.get_by_text("Its effect")).to_be_visible()
    page.get_by_role("button", name="Delete", exact=True).click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("6 of 6 runs done")).to_be_visible()
