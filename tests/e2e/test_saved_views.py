"""Saved views in a real browser: the buttons open and close where they should, and a reload keeps what was opened."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from cifar_core.bench.app import App
from cifar_core.runs import Run
from cifar_core.workspace import Workspace
from tests.e2e.screens import settle, tiles
from tests.e2e.serving import serve
from tests.runs.conftest import finished, shared

__all__ = ["finished", "shared"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

NAME = "Cats & <b>dogs</b>"


@pytest.fixture(scope="module")
def app(shared: Workspace, finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """A server on the workspace with one finished run."""
    with serve(shared, tmp_path_factory.mktemp("server") / "log") as served:
        yield served


def test_a_view_is_saved_opened_after_a_reset_and_brought_back_by_undo(page: Page, app: App, finished: Run) -> None:
    page.goto(f"{app.url}/misclassified?run={finished.id}&true=cat&true=dog&outcome=all")
    expect(tiles(page).first).to_be_visible()
    page.get_by_role("button", name="Save as view").click()
    name = page.get_by_label("Name of the view")
    expect(name).to_be_visible()
    name.fill(NAME)
    name.press("Enter")
    menu = page.get_by_role("button", name=f"View: {NAME}")
    expect(menu).to_be_visible()
    expect(name).to_be_hidden()
    expect(page.get_by_text(" of 20 right (").first).to_be_visible()

    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_text("of 20 right (")).to_have_count(0)
    settle(page)
    page.get_by_role("button", name="Views · 1").click()
    page.get_by_role("button", name=NAME, exact=True).click()
    expect(menu).to_be_visible()
    expect(page.get_by_role("button", name="Rename")).to_be_hidden()
    page.reload()
    expect(menu).to_be_visible()
    settle(page)

    menu.click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("is deleted.")).to_be_visible()
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(menu).to_be_visible()
    expect(page.get_by_text("is deleted.")).to_be_hidden()
