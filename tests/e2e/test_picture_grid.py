"""The picture grid in a real browser: what a click, a tick, the keys and a finger do; what a reload brings back."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.e2e.screens import settle, tile_ids, tiles
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LONG = 700  # ms that a finger rests
FOCUSED = """() => {
  let found = document.activeElement
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement
  return found?.title ?? ""
}"""


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run."""
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


def open_grid(page: Page, app: App, run: Run, address: str = "") -> None:
    page.goto(f"{app.url}/misclassified?run={run.id}{address}")
    expect(tiles(page).first).to_be_visible()
    settle(page)


def expect_selected(page: Page, count: int) -> None:
    """So many tiles have their tick, and the bar says so."""
    expect(page.locator(".tick[aria-checked=true]")).to_have_count(count)
    bar = page.get_by_test_id("stBottomBlockContainer")
    expect(bar.get_by_text(f"{count} selected")).to_have_count(1 if count else 0)
    settle(page)


def test_a_click_opens_a_tick_selects_and_a_reload_brings_the_selection_back(
    page: Page, app: App, finished: Run
) -> None:
    open_grid(page, app, finished)
    ids = tile_ids(page)
    tiles(page).nth(2).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect_selected(page, 0)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.wait_for_function(f"title => ({FOCUSED})() === title", arg=ids[2])

    page.keyboard.press(" ")
    expect_selected(page, 1)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.locator(".tick").nth(4).click()
    page.locator(".tick").nth(6).click(modifiers=["Shift"])
    expect_selected(page, 4)
    assert page.get_by_role("dialog").count() == 0

    page.reload()
    expect(tiles(page).first).to_be_visible()
    expect_selected(page, 4)
    tiles(page).first.press("Control+a")
    expect_selected(page, 48)
    page.get_by_role("button", name="Clear", exact=True).click()
    expect_selected(page, 0)
    page.reload()
    expect(tiles(page).first).to_be_visible()
    settle(page)
    expect_selected(page, 0)


def test_all_rows_have_as_many_tiles_at_any_width(page: Page, app: App, finished: Run) -> None:
    open_grid(page, app, finished)
    first = tiles(page).first.element_handle()
    rows = """tile => {
      const tops = [...tile.getRootNode().querySelectorAll(".cell")].map(cell => cell.offsetTop)
      return Object.values(Object.groupBy(tops, top => top)).map(row => row.length)
    }"""
    widths = (1440, 1366, 1100, 800, 390)
    for width in widths:
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_function(f"tile => {{ const rows = ({rows})(tile); return new Set(rows).size === 1 }}", arg=first)
    assert page.evaluate(rows, first) == [3] * 16, "a phone"


def test_a_tick_right_after_clear_undoes_nothing(page: Page, app: App, finished: Run) -> None:
    open_grid(page, app, finished)
    page.locator(".tick").nth(0).click()
    page.locator(".tick").nth(1).click()
    expect_selected(page, 2)
    clear = page.get_by_role("button", name="Clear", exact=True).element_handle()
    both = [clear, page.locator(".tick").nth(3).element_handle()]
    page.evaluate("both => both.forEach(each => each.click())", both)
    expect_selected(page, 1)
    expect(page.locator(".tick").nth(3)).to_have_attribute("aria-checked", "true")


def test_the_focus_goes_to_the_tile_of_the_picture_that_was_shown_last(page: Page, app: App, finished: Run) -> None:
    open_grid(page, app, finished)
    ids = tile_ids(page)
    tiles(page).nth(1).click()
    drawer = page.get_by_role("dialog")
    for place in (2, 3, 4):
        expect(drawer.get_by_text(re.compile(f"^{place} of "))).to_be_visible()
        settle(page)
        page.keyboard.press("ArrowRight" if place < 4 else "Escape")
    expect(drawer).to_be_hidden()
    page.wait_for_function(f"title => ({FOCUSED})() === title", arg=ids[3])


def test_a_finger_that_rests_selects_and_a_tap_opens(browser: Browser, app: App, finished: Run) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    open_grid(page, app, finished, "&outcome=all")
    expect(page.locator(".tick").first).to_have_css("opacity", "1")
    tiles(page).nth(1).scroll_into_view_if_needed()
    settle(page)
    box = tiles(page).nth(1).bounding_box()
    assert box is not None
    place = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    finger = context.new_cdp_session(page)
    finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [place]})
    page.wait_for_timeout(LONG)
    finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect_selected(page, 1)
    assert page.get_by_role("dialog").count() == 0
    page.locator(".tick").nth(2).tap()
    expect_selected(page, 2)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    tiles(page).first.tap()
    expect(page.get_by_role("dialog")).to_be_visible()
    context.close()


def test_a_browser_without_storage_loses_nothing_else(page: Page, app: App, finished: Run) -> None:
    page.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('none') } })")
    open_grid(page, app, finished)
    page.locator(".tick").first.click()
    expect_selected(page, 1)
    expect(page.get_by_role("checkbox", name=re.compile("^Select: ")).first).to_be_checked()
