"""What a person came for is in view: positions and clicks on a laptop (1366 x 768) and a phone (390 px, touch)."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.bench.app import App, serve
from cifar_core.runs import Run, read_predictions
from cifar_core.samples import SampleFilter, prediction_table, select_samples
from cifar_core.workspace import Workspace
from tests.e2e.screens import query, settle, tile_ids, tiles
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = pytest.mark.browser

LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
FIRST_TILE = 269  # CSS pixels from the top of the laptop's window, 35 % of it


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run."""
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


@pytest.fixture
def laptop(browser: Browser) -> Iterator[Page]:
    """A page in the window of a small laptop."""
    context = browser.new_context(viewport=LAPTOP)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(browser: Browser) -> Iterator[Page]:
    """A page on a phone, which has fingers and no mouse."""
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True)  # type: ignore[arg-type]
    yield context.new_page()
    context.close()


@pytest.fixture
def most_confused(shared: Workspace, finished: Run) -> tuple[str, str]:
    """The pair of classes that the run confuses most."""
    table = prediction_table(read_predictions(shared, finished.id))
    true, predicted = table[~table["correct"]].groupby(["true", "predicted"], observed=True).size().idxmax()
    return str(true), str(predicted)


def cell(page: Page, true: str, predicted: str) -> Locator:
    return page.get_by_role("gridcell", name=re.compile(f"^true {true}, predicted {predicted}, "))


def whole_in_view(page: Page, place: Locator) -> bool:
    """Whether an element lies whole inside the window."""
    box, window = place.bounding_box(), page.viewport_size
    assert box is not None and window is not None
    return box["y"] >= 0 and box["y"] + box["height"] <= window["height"] and box["x"] + box["width"] <= window["width"]


def test_a_cell_shows_its_pictures_without_scrolling(laptop: Page, app: App, most_confused: tuple[str, str]) -> None:
    laptop.goto(f"{app.url}/confusion")
    cell(laptop, *most_confused).click()
    expect(tiles(laptop).first).to_be_visible()
    settle(laptop)
    assert whole_in_view(laptop, tiles(laptop).first)
    assert laptop.get_by_test_id("stMain").evaluate("main => main.scrollTop") == 0
    assert (query(laptop)["true"], query(laptop)["predicted"]) == most_confused
    laptop.get_by_role("button", name="Most confused pairs").click()
    expect(tiles(laptop)).to_have_count(0)
    assert "true" not in query(laptop)


def test_a_tap_on_a_cell_goes_to_its_pictures(phone: Page, app: App, most_confused: tuple[str, str]) -> None:
    phone.goto(f"{app.url}/confusion")
    place = cell(phone, *most_confused)
    place.scroll_into_view_if_needed()
    place.tap()
    expect(tiles(phone).first).to_be_in_viewport(ratio=1)


def test_the_first_mistake_is_in_the_upper_third(laptop: Page, app: App) -> None:
    for address in ("misclassified", "misclassified?confidence=0.3~1"):
        laptop.goto(f"{app.url}/{address}")
        expect(tiles(laptop).first).to_be_visible()
        settle(laptop)
        box = tiles(laptop).first.bounding_box()
        assert box is not None and box["y"] <= FIRST_TILE, address


def test_a_newcomer_finds_the_confidently_wrong_in_two_clicks(
    laptop: Page, app: App, shared: Workspace, finished: Run
) -> None:
    laptop.goto(app.url)
    laptop.get_by_role("link", name="Misclassified").click()
    laptop.get_by_text("Confidently wrong", exact=True).click()
    table = prediction_table(read_predictions(shared, finished.id))
    expected = select_samples(table, SampleFilter(), "confidence")["id"].tolist()[:48]
    expect(tiles(laptop).first).to_have_attribute("title", expected[0])
    assert tile_ids(laptop) == expected


def test_a_click_opens_and_escape_leads_back_to_the_tile(laptop: Page, app: App) -> None:
    laptop.goto(f"{app.url}/misclassified")
    first = tiles(laptop).first
    first.click()
    expect(laptop.get_by_role("dialog")).to_be_visible()
    settle(laptop)
    laptop.keyboard.press("Escape")
    expect(laptop.get_by_role("dialog")).to_be_hidden()
    settle(laptop)
    expect(first).to_be_focused()
    assert "image" not in query(laptop)
