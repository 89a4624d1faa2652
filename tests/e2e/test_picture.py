"""One picture in a real browser: played by keys in the drawer and on its page, chosen by thumbnail, left by Escape."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run, read_predictions
from cifar_core.workspace import Workspace
from tests.e2e.screens import settle, tile_ids, tiles
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run of two epochs."""
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


def address(**parts: str) -> re.Pattern[str]:
    """Matches a URL with these parameters, in any order; of an empty one that it is not there."""
    looks = [f"(?=.*[?&]{name}={re.escape(value)})" if value else f"(?!.*[?&]{name}=)" for name, value in parts.items()]
    return re.compile("^" + "".join(looks))


def test_the_drawer_is_played_by_keys(page: Page, app: App, finished: Run) -> None:
    page.goto(f"{app.url}/misclassified?run={finished.id}")
    expect(tiles(page).first).to_be_visible()
    settle(page)
    ids = tile_ids(page)
    tiles(page).first.click()
    drawer = page.get_by_role("dialog")
    expect(drawer.get_by_text("1 of")).to_be_visible()
    assert finished.best is not None
    best, other = finished.best.epoch, 3 - finished.best.epoch
    expect(page.get_by_role("option", selected=True)).to_have_attribute("aria-label", re.compile(f"^epoch {best} "))
    page.keyboard.press("Shift+ArrowLeft" if other < best else "Shift+ArrowRight")
    expect(drawer.get_by_text(f"epoch {other} is shown")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(drawer.get_by_text("2 of")).to_be_visible()
    expect(page).to_have_url(address(image=ids[1].replace("/", "%2F")))
    expect(drawer.get_by_text(f"epoch {best} (best) is shown")).to_be_visible()
    page.keyboard.press("s")
    expect(drawer.get_by_role("button", name="Selected")).to_be_visible()
    page.keyboard.press("s")
    expect(drawer.get_by_role("button", name="Select", exact=False)).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    expect(page).to_have_url(address(image="", run=finished.id))


def test_a_picture_is_chosen_on_its_page_and_the_marks_are_keys_too(
    page: Page, app: App, shared: Workspace, finished: Run
) -> None:
    ids = [str(name).replace("/", "%2F") for name in read_predictions(shared, finished.id).ids]
    page.goto(f"{app.url}/picture?run={finished.id}")
    expect(tiles(page).first).to_be_visible()
    settle(page)
    tiles(page).nth(1).click()
    expect(page).to_have_url(address(id=ids[1]))
    expect(page.get_by_text("2 of 100")).to_be_visible()
    settle(page)
    assert page.get_by_role("dialog").count() == 0
    page.keyboard.press("ArrowLeft")
    expect(page).to_have_url(address(id=ids[0]))
    expect(page.get_by_role("button", name="Previous")).to_be_disabled()
    page.get_by_role("option").nth(1).click()
    expect(page.get_by_text(re.compile("epoch 2 .*is shown"))).to_be_visible()
    settle(page)
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_text(re.compile("epoch 1 .*is shown"))).to_be_visible()
    expect(page).to_have_url(address(id=ids[0]))
    # Arrows on the marks choose an epoch, not another picture.
    expect(page.get_by_role("option", selected=True)).to_have_attribute("aria-label", re.compile("^epoch 1[ :]"))
    settle(page)
    page.get_by_role("button", name="All test pictures").click()
    expect(tiles(page).first).to_be_visible()
    expect(page).to_have_url(address(id=""))
