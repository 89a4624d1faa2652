"""From an epoch to what changed until the best one, in a real browser: one click there, one on a cell, and a reload."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cifar_core.runs import read_predictions
from cifar_core.workspace import Workspace
from tests.e2e.screens import cell, click_cell, query, settle, tiles
from tests.e2e.serving import serve
from tests.pages.support import crafted, epochs_of_their_own
from tests.runs.conftest import finished, shared

__all__ = ["crafted", "epochs_of_their_own", "finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def test_what_changed_between_two_runs_is_one_click_away_and_the_pictures_of_a_cell_one_more(
    browser: Browser, crafted: Workspace, tmp_path: Path
) -> None:
    a = read_predictions(crafted, "early", 2)
    names, true, predicted = a.class_names, 0, 1  # A takes some of class 0 for class 1, and B none
    moved = int(((a.labels == true) & (a.predicted == predicted)).sum())
    with serve(crafted, tmp_path / "log") as app:
        page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
        page.goto(f"{app.url}/confusion?run=late&epoch=1")
        page.get_by_role("link", name="Compare with the best epoch").click()
        expect(page.get_by_role("heading", name="Compare")).to_be_visible()
        settle(page)
        assert (query(page)["a"], query(page)["b"]) == ("late@1", "late")
        page.goto(f"{app.url}/compare?a=early@2&b=late")
        _everything_is_in_view(page)
        click_cell(page, names[true], names[predicted])
        expect(tiles(page)).to_have_count(moved)
        expect(cell(page, names[true], names[predicted])).to_have_attribute("aria-selected", "true")
        settle(page)
        page.reload()
        expect(tiles(page)).to_have_count(moved)
        tiles(page).first.click()
        expect(page.get_by_role("dialog")).to_be_visible()
        page.context.close()


def _everything_is_in_view(page: Page) -> None:
    """The sentence, the first row of pictures and the matrix are in the window, which is not scrolled."""
    expect(tiles(page).first).to_be_visible()
    for place in (page.get_by_role("heading", level=3).first, tiles(page).first, page.locator(".matrix")):
        box = place.bounding_box()
        assert box is not None and box["y"] >= 0 and box["y"] + box["height"] <= 768
    main = page.get_by_test_id("stMain")
    assert main.evaluate("el => el.scrollTop") == 0 and main.evaluate("el => el.scrollWidth <= el.clientWidth")
