"""What a person came for is in view: positions and clicks on a laptop (1366 x 768) and a phone (390 px, touch)."""

import math
import re
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run, read_predictions
from cifar_core.samples import SampleFilter, prediction_table, select_samples
from cifar_core.workspace import Workspace, open_workspace
from tests.e2e.screens import query, settle, tile_ids, tiles
from tests.e2e.serving import serve
from tests.lifecycle.conftest import until
from tests.pages.support import rewrite_run
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

LAPTOP = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
RUN = "unjudged"
FIRST_TILE = 269  # CSS pixels from the top of the laptop's window, 35 % of it


@pytest.fixture(scope="module")
def workspace(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with one run, without a validation part, whose few pictures would need a note above the tiles."""
    copy = open_workspace(tmp_path_factory.mktemp("pictures") / "workspace")
    shutil.copytree(shared.data, copy.data, dirs_exist_ok=True)
    shutil.copytree(shared.runs / finished.id, copy.runs / RUN)
    rewrite_run(copy.runs / RUN, epochs=2, best=None)
    return copy


@pytest.fixture(scope="module")
def app(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace."""
    with serve(workspace, tmp_path_factory.mktemp("server") / "log") as served:
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
def most_confused(workspace: Workspace) -> tuple[str, str]:
    """The pair of classes that the run confuses most."""
    table = prediction_table(read_predictions(workspace, RUN))
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
    until(lambda: (query(laptop).get("true"), query(laptop).get("predicted")) == most_confused, "the address says it")
    laptop.get_by_role("button", name="Most confused pairs").click()
    expect(tiles(laptop)).to_have_count(0)
    until(lambda: "true" not in query(laptop), "the address says nothing more")


def test_a_tap_on_a_cell_goes_to_its_pictures(phone: Page, app: App, most_confused: tuple[str, str]) -> None:
    phone.goto(f"{app.url}/confusion")
    place = cell(phone, *most_confused)
    place.scroll_into_view_if_needed()
    place.tap()
    expect(tiles(phone).first).to_be_in_viewport(ratio=1)


def test_the_first_mistake_is_in_the_upper_third(laptop: Page, app: App) -> None:
    chips = "true=truck&true=automobile&true=cat&true=dog&per_pair=9&text=0"
    for address in ("misclassified", "misclassified?true=truck", f"misclassified?outcome=all&{chips}"):
        laptop.goto(f"{app.url}/{address}")
        expect(laptop.get_by_text("Confidently wrong", exact=True)).to_be_visible()
        expect(laptop.get_by_role("button", name="Predictions (CSV)")).to_be_visible()
        settle(laptop)
        until(lambda: top_of_the_first_tile(laptop) <= FIRST_TILE, address)


def top_of_the_first_tile(page: Page) -> float:
    """CSS pixels; larger while Streamlit holds places of other heights for what is still loading."""
    box = tiles(page).first.bounding_box()
    return box["y"] if box else math.inf


def test_a_newcomer_finds_the_confidently_wrong_in_two_clicks(laptop: Page, app: App, workspace: Workspace) -> None:
    laptop.goto(app.url)
    laptop.get_by_role("link", name="Misclassified").click()
    laptop.get_by_text("Confidently wrong", exact=True).click()
    table = prediction_table(read_predictions(workspace, RUN))
    expected = select_samples(table, SampleFilter(), "confidence")["id"].tolist()[:48]
    expect(tiles(laptop).first).to_have_attribute("title", expected[0])
    assert tile_ids(laptop) == expected


def test_a_click_opens_and_escape_leads_back_to_the_tile(laptop: Page, app: App) -> None:
    laptop.goto(f"{app.url}/misclassified")
    expect(laptop.get_by_text("Confidently wrong", exact=True)).to_be_visible()  # what loads late moves the tiles
    first = tiles(laptop).first
    first.click()
    expect(laptop.get_by_role("dialog")).to_be_visible()
    settle(laptop)
    laptop.keyboard.press("Escape")
    expect(laptop.get_by_role("dialog")).to_be_hidden()
    settle(laptop)
    expect(first).to_be_focused()
    until(lambda: "image" not in query(laptop), "the address says nothing more")
