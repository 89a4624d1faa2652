"""The confusion matrix in a real browser: one tab stop, arrows and Enter, a tap on a phone, readable names."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.bench.app import App
from cifar_core.evaluate import confusion_matrix, most_confused
from cifar_core.runs import Run, read_predictions
from cifar_core.workspace import Workspace
from tests.e2e.screens import cell, click_cell, query, settle, tiles
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def app(shared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


@pytest.fixture(scope="module")
def pairs(finished: Run, shared: Workspace) -> list[tuple[str, str]]:
    """The most confused pairs of the run."""
    table = most_confused(confusion_matrix(read_predictions(shared, finished.id)))
    return list(zip(table["true"], table["predicted"], strict=True))


def test_the_keyboard_moves_through_the_matrix_and_chooses(page: Page, app: App, finished: Run) -> None:
    names = finished_names(page, app, finished)
    stops = page.locator(".matrix [tabindex='0']")
    expect(stops).to_have_count(1)
    stops.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    place = cell(page, names[2], names[1])
    expect(place).to_be_focused()
    expect(page.locator(".tip")).to_contain_text(f"true {names[2]}, predicted {names[1]}")
    expect(stops).to_have_count(1)
    page.keyboard.press("Enter")
    expect(place).to_have_attribute("aria-selected", "true")
    settle(page)
    expect(page.get_by_text(f"true {names[2]} → predicted {names[1]} · ")).to_be_visible()
    expect(place).to_be_focused()
    assert (query(page)["true"], query(page)["predicted"]) == (names[2], names[1])
    page.get_by_role("button", name="Most confused pairs").click()
    expect(page.locator(".matrix [aria-selected]")).to_have_count(0)


def finished_names(page: Page, app: App, run: Run) -> list[str]:
    """Open the page of a run; the names of its classes, all of which can be read or are shortened with an ellipsis."""
    page.goto(f"{app.url}/confusion?run={run.id}")
    settle(page)
    expect(page.get_by_role("rowheader").first).to_be_visible()
    names = page.get_by_role("rowheader").all_text_contents()
    assert page.locator(".columnname").all_text_contents() == names
    return names


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_click_shows_its_pictures_beside_the_matrix_without_scrolling(
    browser: Browser, app: App, finished: Run, pairs: list[tuple[str, str]], theme: str
) -> None:
    context = browser.new_context(viewport={"width": 1366, "height": 768}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    finished_names(page, app, finished)
    matrix = page.locator(".matrix").bounding_box()
    assert matrix is not None and matrix["y"] + matrix["height"] <= 768
    background = "el => getComputedStyle(el).backgroundColor"
    zero = page.locator(".matrix .cell").filter(has_text="0").first
    if zero.text_content() == "0":
        assert zero.evaluate(background) == "rgba(0, 0, 0, 0)", "the page's own"
    click_cell(page, *pairs[0])
    settle(page)
    first = tiles(page).first.bounding_box()
    assert first is not None and first["y"] + first["height"] <= 768
    assert page.locator("[data-testid=stMain]").evaluate("el => el.scrollTop") == 0
    context.close()


def test_a_tap_on_a_phone_goes_to_the_pictures(
    browser: Browser, app: App, finished: Run, pairs: list[tuple[str, str]]
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    finished_names(page, app, finished)
    cell(page, *pairs[0]).tap()
    expect(tiles(page).first).to_be_in_viewport(ratio=1)
    context.close()


def test_the_matrix_as_a_picture_is_one_click(page: Page, app: App, finished: Run, tmp_path: Path) -> None:
    finished_names(page, app, finished)
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Figure (PNG)").click()
    downloading.value.save_as(tmp_path / "matrix.png")
    assert (tmp_path / "matrix.png").read_bytes().startswith(b"\x89PNG")
