"""From an epoch to what changed until the best one, in a real browser: one click there, one on a cell, and a reload."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.bench.app import App, serve
from cifar_core.evaluate import confusion_matrix
from cifar_core.figures import difference_cells
from cifar_core.runs import Run, read_metrics, read_predictions
from cifar_core.workspace import Workspace
from tests.e2e.screens import cell, click_cell, query, settle, tiles
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def app(shared: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


def test_what_changed_until_the_best_epoch_is_one_click_away_and_its_pictures_one_more(
    browser: Browser, app: App, shared: Workspace, finished: Run
) -> None:
    best = finished.best.epoch if finished.best else 0
    other = next(int(epoch) for epoch in read_metrics(shared, finished.id)["epoch"] if epoch != best)
    a, b = (read_predictions(shared, finished.id, epoch) for epoch in (other, best))
    change = difference_cells(confusion_matrix(a), confusion_matrix(b)).values
    true, predicted = (int(place[0]) for place in (abs(change) == abs(change).max()).nonzero())
    moved = (a.labels == true) & ((a.predicted == predicted) != (b.predicted == predicted))
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    page.goto(f"{app.url}/confusion?run={finished.id}&epoch={other}")
    page.get_by_role("link", name="Compare with the best epoch").click()
    expect(page.get_by_role("heading", name="Compare")).to_be_visible()
    settle(page)
    assert (query(page)["a"], query(page)["b"]) == (f"{finished.id}@{other}", finished.id)
    _everything_is_in_view(page)
    names = a.class_names
    click_cell(page, names[true], names[predicted])
    expect(tiles(page)).to_have_count(int(moved.sum()))
    expect(cell(page, names[true], names[predicted])).to_have_attribute("aria-selected", "true")
    settle(page)
    page.reload()
    expect(tiles(page)).to_have_count(int(moved.sum()))
    tiles(page).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    context.close()


def _everything_is_in_view(page: Page) -> None:
    """The sentence, the first row of pictures and the matrix are in the window, which is not scrolled."""
    expect(tiles(page).first).to_be_visible()
    for place in (page.get_by_role("heading", level=3).first, tiles(page).first, page.locator(".matrix")):
        box = place.bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 768
    main = page.get_by_test_id("stMain")
    assert main.evaluate("el => el.scrollTop") == 0 and main.evaluate("el => el.scrollWidth <= el.clientWidth")
